"""What one invocation writes: events at once; recomputable outcomes and log lines along with another write."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.clock import Clock
from engine.history.events import HistoryEvent, Outcome
from engine.history.execution_ref import ExecutionRef
from engine.history.log_lines import LogPosition, line_of
from engine.history.model import LogLine
from engine.history.store import ExecutionStore


@dataclass
class _Line:
    """A line that is not in the log yet; once an event carries it, it cannot be lost any more."""

    line: LogLine
    is_carried: bool = False


class WriteBuffer:
    """Write buffer of one invocation."""

    def __init__(
        self, store: ExecutionStore, ref: ExecutionRef, clock: Clock, position: LogPosition | None = None
    ) -> None:
        self._store = store
        self._ref = ref
        self._clock = clock
        self._position = position
        self._unwritten: list[Outcome] = []
        self._lines: list[_Line] = []
        self.keys: set[str] = set()
        """The history keys that this invocation has written, or has found taken."""

    def keep(self, outcome: Outcome) -> None:
        """Keep an outcome that any driver would compute alike; the next event carries it, or `flush` writes it."""
        self._unwritten.append(outcome)
        self._tell(outcome)

    async def record(self, event: HistoryEvent) -> HistoryEvent:
        """Write an event with the recomputable outcomes; return the event that stands in the history then.

        A canceled caller's write still goes on, so that every recorded event gets its log line.
        """
        writing = asyncio.ensure_future(self._record(event))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            if not writing.done():
                with suppress(Exception):
                    await writing
            raise

    async def _record(self, event: HistoryEvent) -> HistoryEvent:
        along, self._unwritten = self._unwritten, []
        carried = self._carry()
        try:
            winner = await self._store.record(self._ref, event, along, [one.line for one in carried], self._position)
        except BaseException:
            self._take_back(along, carried)
            raise
        self.keys.add(event.key)
        if winner is not event:
            self._take_back(along, carried)
        else:
            self.keys.update(outcome.key for outcome in along)
        self._tell(winner)
        return winner

    def _carry(self) -> list[_Line]:
        """Return the lines that no event carries yet; the event that is being written carries them."""
        carried = [one for one in self._lines if not one.is_carried]
        for one in carried:
            one.is_carried = True
        return carried

    def _take_back(self, along: list[Outcome], carried: list[_Line]) -> None:
        self._unwritten = along + self._unwritten
        for one in carried:
            one.is_carried = False

    def _tell(self, event: HistoryEvent) -> None:
        line = line_of(event)
        if line is not None:
            self._lines.append(_Line(line, is_carried=True))  # the event itself tells as much

    def log(self, level: str, message: str, node: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        """Add a line to the execution's log."""
        self.log_lines([LogLine(self._clock.now(), level, message, node, metadata)])

    def log_lines(self, lines: list[LogLine]) -> None:
        """Add the lines that a node wrote."""
        self._lines.extend(_Line(line) for line in lines)

    async def flush(self) -> None:
        """Write everything that is not written yet. What cannot be written is kept for the next time."""
        if self._position is not None:
            self.log_lines(self._position.found)
            self._position.found = []
        unwritten, self._unwritten = self._unwritten, []
        lines, self._lines = self._lines, []
        try:
            if unwritten:
                loose = [one.line for one in lines if not one.is_carried]
                await self._store.record_recomputable(self._ref, unwritten, loose, self._position)
                self.keys.update(outcome.key for outcome in unwritten)
                unwritten = []
            if lines:
                told = sorted((one.line for one in lines), key=lambda line: line.timestamp)
                await self._store.log(self._ref, told, self._position)
                lines = []
        finally:
            self._unwritten, self._lines = unwritten + self._unwritten, lines + self._lines
