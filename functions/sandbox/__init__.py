"""Runs code of users where there is nothing to take and nowhere to go."""
