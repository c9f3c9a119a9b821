"""The node types, one file each. `engine.executor` knows their names and imports a file on its first use."""
