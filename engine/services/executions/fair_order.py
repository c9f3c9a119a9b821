"""The order in which due work is done: everybody's oldest first, then everybody's second.

So what one workspace has left to be done, however much, delays another's by one piece of work a piece of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")
_NOTHING = object()


def in_turns(work: Iterable[T], owner_of: Callable[[T], Hashable]) -> list[T]:
    """The pieces of work, one of each owner in turn; those of one owner keep their order."""
    queues: dict[Hashable, list[T]] = {}
    for piece in work:
        queues.setdefault(owner_of(piece), []).append(piece)
    rounds = zip_longest(*queues.values(), fillvalue=_NOTHING)
    return [piece for row in rounds for piece in row if piece is not _NOTHING]  # type: ignore[misc]
