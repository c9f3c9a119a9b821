"""What starts workflows automatically: one file for each trigger type, and the pure functions that they share."""
