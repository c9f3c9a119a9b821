"""A cache of values computed from texts, bounded by the total characters of the texts, not by their number."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Generic, TypeVar

Made = TypeVar("Made")


class _TextCache(Generic[Made]):
    def __init__(self, make: Callable[[str], Made], most: int) -> None:
        self._make = make
        self._most = most
        self._characters = 0
        self._kept: OrderedDict[str, Made] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: str) -> Made:
        with self._lock:
            if text in self._kept:
                self._kept.move_to_end(text)
                return self._kept[text]
        made = self._make(text)
        with self._lock:
            if text not in self._kept:
                self._kept[text] = made
                self._characters += len(text)
            while self._characters > self._most:
                self._characters -= len(self._kept.popitem(last=False)[0])
        return made


def cached_by_length(most: int) -> Callable[[Callable[[str], Made]], Callable[[str], Made]]:
    """Cache a function of one text, for the latest texts of up to `most` characters in total."""

    def decorate(make: Callable[[str], Made]) -> Callable[[str], Made]:
        cache = _TextCache(make, most)

        @wraps(make)
        def cached(text: str) -> Made:
            return cache.get(text)

        return cached

    return decorate
