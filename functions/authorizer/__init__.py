"""Identifies the caller."""
