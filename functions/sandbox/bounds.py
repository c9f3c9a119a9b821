"""The bounds of a call's output, and the ways in which a call can end."""

from __future__ import annotations

MAX_ANSWER_BYTES = 5 * 1024 * 1024
MAX_LINES = 200
MAX_LINE_CHARACTERS = 2_000
MAX_TRACE = 20
GRACE_SECONDS = 1.0
"""Seconds after the time limit until the process is killed; usually the guest is interrupted before."""

ANSWERED, LATE, TOO_LARGE, MEMORY, DEEP, CRASHED, UNAVAILABLE = b"ALSMDCU"
NATIVE, INTERPRETED = b"NP"
