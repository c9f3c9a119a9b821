"""What one turn writes: journal entries at once, recomputable outcomes and log lines together with something else."""

from __future__ import annotations

import asyncio
from typing import Any

from engine.clock import Clock
from engine.execution import LogLine
from engine.journal import Entry, ExecutionStore, Outcome


class Book:
    """The pen of a turn."""

    def __init__(self, store: ExecutionStore, execution_id: str, clock: Clock) -> None:
        self._store = store
        self._execution_id = execution_id
        self._clock = clock
        self._unwritten: list[Outcome] = []
        self._lines: list[LogLine] = []

    def note(self, outcome: Outcome) -> None:
        """Keep an outcome that any driver would compute alike; it is written with the next entry, or by `flush`."""
        self._unwritten.append(outcome)

    async def record(self, entry: Entry) -> Entry:
        """Write an entry, and what was noted with it; gives the entry that stands there then."""
        along, self._unwritten = self._unwritten, []
        try:
            winner = await self._store.record(self._execution_id, entry, along)
        except BaseException:
            self._unwritten = along + self._unwritten
            raise
        if winner is not entry:
            self._unwritten = along + self._unwritten
        return winner

    def log(self, level: str, message: str, node: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        """Add a line to the execution's log."""
        self._lines.append(LogLine(self._clock.now(), level, message, node, metadata))

    def log_lines(self, lines: list[LogLine]) -> None:
        """Add the lines that a node wrote."""
        self._lines.extend(lines)

    def log_outcome(self, outcome: Outcome) -> None:
        """Add how a node ended."""
        milliseconds = round((outcome.completed_at - outcome.started_at).total_seconds() * 1000)
        metadata = {"duration_ms": milliseconds, "attempts": outcome.attempts}
        if outcome.status == "succeeded":
            self.log("info", "succeeded", outcome.path, metadata)
        else:
            error = outcome.error or {}
            self.log("error", f"failed: {error.get('message')}", outcome.path, {**metadata, "code": error.get("code")})

    async def flush(self) -> None:
        """Write all that is not written yet."""
        unwritten, self._unwritten = self._unwritten, []
        lines, self._lines = self._lines, []
        writes = []
        if unwritten:
            writes.append(self._store.record_recomputable(self._execution_id, unwritten))
        if lines:
            lines.sort(key=lambda line: line.timestamp)
            writes.append(self._store.log(self._execution_id, lines))
        await asyncio.gather(*writes)
