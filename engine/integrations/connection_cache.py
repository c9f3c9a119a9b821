"""Connections that stay open while a function is warm, each for one state of one integration."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Connection = TypeVar("Connection")
MOST = 20
IDLE_SECONDS = 60.0


class WarmConnections(Generic[Connection]):
    """Open connections that nobody uses now.

    A connection is one user's at a time; one that was idle for long is not used again, for who knows whether the other
    side still has it; and one of another event loop neither.
    """

    def __init__(self, close: Callable[[Connection], None]) -> None:
        self._close = close
        self._idle: OrderedDict[tuple[str, int], tuple[Connection, float, int]] = OrderedDict()

    def take(self, identity: str) -> Connection | None:
        """One that is open, or None."""
        loop = asyncio.get_running_loop()
        for name in [name for name in self._idle if name[0] == identity]:
            connection, since, owner = self._idle.pop(name)
            if owner == id(loop) and loop.time() - since < IDLE_SECONDS:
                return connection
            self._close(connection)
        return None

    def give(self, identity: str, connection: Connection) -> None:
        """Keep one for the next who asks. It must be as new."""
        loop = asyncio.get_running_loop()
        self._idle[identity, id(connection)] = connection, loop.time(), id(loop)
        while len(self._idle) > MOST:
            _, (oldest, _, _) = self._idle.popitem(last=False)
            self._close(oldest)
