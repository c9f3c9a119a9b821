"""The durable core: drives one execution from its history and appends to that history before it acts.

It does no I/O and knows no AWS: the store, the clock and all access to the outside are injected. Calling it, and
starting, canceling or recovering executions, belongs to `services/executions`.
"""
