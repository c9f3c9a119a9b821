"""Runs untrusted code of users without credentials, data or network."""
