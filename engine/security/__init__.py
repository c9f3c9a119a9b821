"""Passwords, tokens and the guard on outgoing connections."""
