"""What starts executions by itself, at work: dispatching, webhooks, and keeping AWS's schedules and rules in step.

What a trigger type is and how its config is read belongs to `engine/triggers`.
"""
