"""Closes executions whose driver is gone."""
