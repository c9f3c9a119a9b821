"""What is known of an execution, as data: its record, its history of events, its log lines, and what it has used.

Driving an execution belongs to `execution`, keeping what is known of it to `storage`. Nothing here does I/O.
"""
