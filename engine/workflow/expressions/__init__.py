"""Templates `{{ … }}` in configs: finding them, evaluating them within bounds, and fitting results to fields.

The data of an execution is passed in; nothing here knows executions or node types.
"""
