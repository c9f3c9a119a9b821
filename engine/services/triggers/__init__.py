"""Triggers at run time: dispatching, webhooks, and keeping AWS's schedules and rules in sync with the workflows.

Trigger types, and how their configs are read, belong to `engine/triggers`.
"""
