"""Drives executions."""
