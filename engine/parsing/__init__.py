"""Reads and writes formats: pure functions of content and arguments, which count what they build while they read.

What takes long, or may hang, runs in processes of `engine/isolation`. Nothing here imports pydantic or anything of AWS.
"""
