"""What authors write: definitions, their graphs, templates, and the problems in any of these.

Pure: no I/O, no clock, no AWS. What a *run* of a workflow knows or does belongs to `history` and `execution`.
"""
