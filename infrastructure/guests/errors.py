"""What can go wrong while guests are made."""

from __future__ import annotations


class GuestBuildError(Exception):
    """A guest cannot be made; the message says why."""
