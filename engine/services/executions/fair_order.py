"""The order of due work: the oldest of every owner first, then the second of every owner.

So the backlog of one workspace, however large, delays each piece of work of another by one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")
_NOTHING = object()


def in_turns(work: Iterable[T], owner_of: Callable[[T], Hashable]) -> list[T]:
    """Yield the work, one piece of each owner in turn; pieces of one owner keep their order."""
    queues: dict[Hashable, list[T]] = {}
    for piece in work:
        queues.setdefault(owner_of(piece), []).append(piece)
    rounds = zip_longest(*queues.values(), fillvalue=_NOTHING)
    return [piece for row in rounds for piece in row if piece is not _NOTHING]  # type: ignore[misc]
