"""The integration types, one file each. `registry` knows their names and imports a file on its first use."""
