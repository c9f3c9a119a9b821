"""Workflows, for those who own them: their versions, which of these is published, and drafts.

What runs is decided elsewhere: `engine/services/executions` and `triggers` read what is published here.
"""
