"""Reads and writes formats: pure functions of content and arguments, which count what they build while they read.

Functions that take long, or may hang, run in processes of `engine/isolation`. Nothing here imports pydantic or AWS
libraries.
"""
