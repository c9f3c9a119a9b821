"""What authors write: definitions, the graph that their edges make, templates, and what is wrong with any of these.

Pure: no I/O, no clock, no AWS. What a *run* of a workflow knows or does belongs to `history` and `execution`.
"""
