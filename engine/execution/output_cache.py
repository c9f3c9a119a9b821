"""Large outputs that a driver has read, cached within a bound of bytes."""

from __future__ import annotations

from typing import Any

from engine import limits
from engine.history.events import Stored
from engine.history.store import ExecutionStore


class Loaded:
    """Cache of outputs: what one node has read the next may read, too, so recently loaded values are kept."""

    def __init__(self, store: ExecutionStore, most: int = limits.LOADED_BYTES) -> None:
        self._store = store
        self._most = most
        self._bytes = 0
        self._values: dict[int, tuple[Stored, Any]] = {}
        """By the identity of the reference, which is kept with the value; the least recently used comes first."""

    async def get(self, output: Stored) -> Any:
        """Return the value from the cache or the store."""
        if id(output) not in self._values:
            value = await self._store.fetch(output)
            if id(output) not in self._values:  # no other task has fetched it meanwhile
                self._values[id(output)] = output, value
                self._bytes += _size(output)
        else:
            self._values[id(output)] = self._values.pop(id(output))
        value = self._values[id(output)][1]
        while self._bytes > self._most:
            oldest, _ = self._values.pop(next(iter(self._values)))
            self._bytes -= _size(oldest)
        return value


def _size(output: Stored) -> int:
    return int(output.reference.get("bytes", limits.INLINE_PAYLOAD_BYTES))
