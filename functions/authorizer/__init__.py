"""Finds out who is calling."""
