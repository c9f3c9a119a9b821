"""What an invocation can be doing for one node, a file for each kind of operation.

Which of them is done next is not decided here.
"""
