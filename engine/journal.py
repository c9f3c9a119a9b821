"""The journal: write-once entries from which any driver rebuilds an execution, and the store behind a turn.

An entry is written before anything that depends on it starts. The first write of a key wins; a later writer
gets the first one back and adopts it. So drivers may crash, overlap or come late, and all see one history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from engine.definition import WorkflowDefinition
from engine.errors import ExecutionLost
from engine.execution import Execution, LogLine, Status


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a node ended. `port` is the one that fires, None if none does (it failed, unhandled)."""

    path: str
    status: Literal["succeeded", "failed"]
    started_at: datetime
    completed_at: datetime
    port: str | None = "main"
    output: Any = None
    error: dict[str, Any] | None = None
    attempts: int = 1

    @property
    def key(self) -> str:
        """Its place in the journal."""
        return self.path


@dataclass(frozen=True, slots=True)
class Timer:
    """A node that waits until `due_at`.

    Then attempt number `next_attempt` starts, after a failed one with `error`; or, where that is None, the
    node has succeeded with `output` by `port`.
    """

    path: str
    due_at: datetime
    started_at: datetime
    next_attempt: int | None = None
    error: dict[str, Any] | None = None
    output: Any = None
    port: str = "main"

    @property
    def key(self) -> str:
        """Its place in the journal: one timer for each attempt."""
        return f"{self.path}#TIMER#{self.next_attempt or 0:04d}"

    def outcome(self) -> Outcome:
        """How the node ended, once the time has come."""
        return Outcome(self.path, "succeeded", self.started_at, self.due_at, self.port, self.output)


Entry = Outcome | Timer


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a turn starts from. `timers` holds the latest one of each node."""

    execution: Execution
    definition: WorkflowDefinition
    outcomes: Mapping[str, Outcome]
    timers: Mapping[str, Timer]


class ExecutionStore(Protocol):
    """Where an execution and its journal are kept. Every method may be called by several drivers at once."""

    async def load(self, execution_id: str) -> Snapshot:
        """The execution as it is now. Raises ExecutionLost where it or its version is gone."""

    async def record(self, execution_id: str, entry: Entry, along: Sequence[Outcome] = ()) -> Entry:
        """Write an entry unless its key is taken; gives the one that stands there then.

        `along` are outcomes that any driver would compute alike; they are kept in the same item, which costs
        no write of their own, and only if this entry is the one that is written.
        """

    async def record_recomputable(self, execution_id: str, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes that any driver would compute alike, in one item, for readers and to save work."""

    async def status(self, execution_id: str) -> Status:
        """The status as it is now, read consistently."""

    async def mark(self, execution_id: str, status: Status, started_at: datetime) -> None:
        """Note an open status, unless a final one is there."""

    async def finish(
        self, execution_id: str, status: Status, at: datetime, *, started_at: datetime, result: Any, error: Any
    ) -> Status:
        """Note the final status, unless one is there; gives the one that stands then.

        Raises ExecutionLost where there is no such execution.
        """

    async def log(self, execution_id: str, lines: Sequence[LogLine]) -> None:
        """Append lines to the log, as one item."""


def by_path(entries: Iterable[Entry]) -> tuple[dict[str, Outcome], dict[str, Timer]]:
    """The outcome of each node that has one, and of each node that waited the timer of its highest attempt."""
    outcomes: dict[str, Outcome] = {}
    timers: dict[str, Timer] = {}
    for entry in entries:
        if isinstance(entry, Outcome):
            outcomes[entry.path] = entry
        elif entry.path not in timers or (entry.next_attempt or 0) > (timers[entry.path].next_attempt or 0):
            timers[entry.path] = entry
    return outcomes, timers


@dataclass
class MemoryStore:
    """An ExecutionStore in memory, for tests and for trying workflows without AWS."""

    executions: dict[str, Execution] = field(default_factory=dict)
    definitions: dict[tuple[str, int], WorkflowDefinition] = field(default_factory=dict)
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    lines: dict[str, list[LogLine]] = field(default_factory=dict)

    def add(self, execution: Execution, definition: WorkflowDefinition) -> None:
        """Put an execution into the store, as starting it does."""
        self.executions[execution.id] = execution
        self.definitions[execution.workflow_id, execution.workflow_version] = definition
        self.entries[execution.id] = {}
        self.lines[execution.id] = []

    async def load(self, execution_id: str) -> Snapshot:
        """See ExecutionStore."""
        if execution_id not in self.executions:
            raise ExecutionLost(f"there is no execution {execution_id}")
        execution = self.executions[execution_id]
        definition = self.definitions[execution.workflow_id, execution.workflow_version]
        return Snapshot(execution, definition, *by_path(self.entries[execution_id].values()))

    async def record(self, execution_id: str, entry: Entry, along: Sequence[Outcome] = ()) -> Entry:
        """See ExecutionStore."""
        winner = self.entries[execution_id].setdefault(entry.key, entry)
        if winner is entry:
            await self.record_recomputable(execution_id, along)
        return winner

    async def record_recomputable(self, execution_id: str, outcomes: Sequence[Outcome]) -> None:
        """See ExecutionStore."""
        for outcome in outcomes:
            self.entries[execution_id].setdefault(outcome.key, outcome)

    async def status(self, execution_id: str) -> Status:
        """See ExecutionStore."""
        return self.executions[execution_id].status

    async def mark(self, execution_id: str, status: Status, started_at: datetime) -> None:
        """See ExecutionStore."""
        execution = self.executions[execution_id]
        if not execution.status.is_final:
            self.executions[execution_id] = replace(
                execution, status=status, started_at=execution.started_at or started_at
            )

    async def finish(
        self, execution_id: str, status: Status, at: datetime, *, started_at: datetime, result: Any, error: Any
    ) -> Status:
        """See ExecutionStore."""
        if execution_id not in self.executions:
            raise ExecutionLost(f"there is no execution {execution_id}")
        execution = self.executions[execution_id]
        if not execution.status.is_final:
            self.executions[execution_id] = replace(
                execution,
                status=status,
                started_at=execution.started_at or started_at,
                completed_at=at,
                result=result,
                error=error,
            )
        return self.executions[execution_id].status

    async def log(self, execution_id: str, lines: Sequence[LogLine]) -> None:
        """See ExecutionStore."""
        self.lines[execution_id].extend(lines)
