"""Work on content that others wrote, in processes that can be killed and whose memory is bounded.

`pool` is the side of the function, `server` the side of the processes, `tasks` what they can do: functions of
`engine/parsing`. No I/O besides the files that the caller opened, no AWS, no secrets belong here.
"""
