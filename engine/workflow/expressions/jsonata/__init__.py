"""JSONata for templates: the library's, with bounds on time and size, exact numbers, and named time zones.

Imported at the first expression that is more than a path. Only the language belongs here, not the templates.
"""
