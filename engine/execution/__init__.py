"""The durable core: drives one execution from its history, and appends to that history before it acts.

No I/O and no AWS: the store, the clock, and all that reaches outside are given. Who calls it, and starting, cancelling
or recovering executions, belongs to `services/executions`.
"""
