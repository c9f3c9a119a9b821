"""`mainspring`, the command line: one file a group of commands, and what these share."""
