"""The operations that an invocation carries out for nodes, one file for each kind.

Which operation comes next is not decided here.
"""
