"""`mainspring`, the command line: one file per group of commands, and shared helpers."""
