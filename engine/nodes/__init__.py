"""The node types, one file each. `engine.nodes.registry` knows their names and imports a file on its first use."""
