"""The reference, generated from the code: node types, integration types, triggers, error codes and limits as Markdown.

What is said here is kept where it is true: in schemas, docstrings, `limits.py` and the table of error codes. Nothing
that runs executions imports this.
"""
