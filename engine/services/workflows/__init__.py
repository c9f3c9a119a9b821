"""Workflows, for their owners: versions, which of these is published, and drafts.

Runs are not decided here: `engine/services/executions` and `triggers` read what is published here.
"""
