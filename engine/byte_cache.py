"""A cache that is bounded by the bytes of what it keeps, not by how many things these are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """Keeps what was used last. What is larger than all of it is made anew each time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], tuple[Value, int]]) -> Value:
        """What is kept by a key, or what `make` gives, with its size. Two at once may both make it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value, size = make()
        with self._lock:
            if size <= self._most and key not in self._kept:
                self._kept[key] = value, size
                self._size += size
                while self._size > self._most:
                    _, (_, gone) = self._kept.popitem(last=False)
                    self._size -= gone
        return value
