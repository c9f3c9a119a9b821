"""Work on untrusted content, in processes that can be killed and whose memory is bounded.

`pool` is the side of the function, `server` the side of the processes, `tasks` lists what they can do: functions of
`engine/parsing`. I/O other than the files that the caller opened, AWS clients and secrets do not belong here.
"""
