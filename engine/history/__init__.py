"""What is known of an execution, as data: its record, its history of events, its log lines, and its usage.

Driving an execution belongs to `execution`, storing to `storage`. Nothing here does I/O.
"""
