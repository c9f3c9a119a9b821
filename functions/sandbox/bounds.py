"""The bounds of what code says, and the forms in which a call of it can end."""

from __future__ import annotations

MAX_ANSWER_BYTES = 5 * 1024 * 1024
MAX_LINES = 200
MAX_LINE_CHARACTERS = 2_000
MAX_TRACE = 20
GRACE_SECONDS = 1.0
"""After its time, until its process is killed: the guest's own interruption is the rule."""

ANSWERED, LATE, TOO_LARGE, MEMORY, DEEP, CRASHED, UNAVAILABLE = b"ALSMDCU"
NATIVE, INTERPRETED = b"NP"
