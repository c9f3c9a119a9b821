"""Templates: `{{ … }}` in configs, how they are found, evaluated within bounds, and fitted to the fields they fill.

What a template can see of an execution is given to it; nothing here knows executions or node types.
"""
