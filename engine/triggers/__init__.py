"""What starts workflows by itself: one file a trigger type, and the pure parts that they are made of."""
