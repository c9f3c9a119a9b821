"""What the core requires of a store: snapshots to start from, appending to the history, and ending executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from engine.history.events import History, HistoryEvent, Outcome, PendingSignal, Signal, Stored
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution, LogLine, Status
from engine.workflow.definition import WorkflowDefinition

if TYPE_CHECKING:
    from engine.history.log_lines import LogPosition


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of a distributed loop: some of its items, and the data around the loop.

    `scope` is the data that expressions see around the loop; `first` is the index of the first of `items`.
    """

    path: str
    number: int
    first: int
    items: Sequence[Any]
    scope: Mapping[str, Any]
    collect: bool
    concurrency: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that an invocation starts from. `batch` is set if only a map batch is to be driven.

    A snapshot is returned only when the log has the lines of all events in the history.
    """

    execution: Execution
    definition: WorkflowDefinition
    history: History
    batch: Batch | None = None
    position: LogPosition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What a running invocation checks about its execution now and then."""

    status: Status
    driver_attempt: int
    signals: int


class ExecutionStore(Protocol):
    """Stores executions and their histories. Every method may be called by several drivers concurrently."""

    async def load(self, ref: ExecutionRef) -> Snapshot:
        """Return the current execution. Raises ExecutionLost if it or its version is gone."""

    async def fetch(self, stored: Stored) -> Any:
        """Return a value that was left out when the execution was loaded because it is large."""

    async def record(
        self,
        ref: ExecutionRef,
        event: HistoryEvent,
        along: Sequence[Outcome] = (),
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
    ) -> HistoryEvent:
        """Write an event unless its key is taken; return the event that stands there then.

        `along` are outcomes that any driver would compute alike, and `lines` are lines that are not in the log yet.
        They are kept in the same item, which saves a write of their own, and only if this event is the one that is
        written; the lines of another one are added to those found by `position`.
        """

    async def record_recomputable(
        self,
        ref: ExecutionRef,
        outcomes: Sequence[Outcome],
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
    ) -> None:
        """Write outcomes that any driver would compute alike in one item, for readers and to save work."""

    async def signals(self, ref: ExecutionRef, waits: Sequence[PendingSignal]) -> list[Signal]:
        """Return the signals that these pending signals have by now."""

    async def distributed(self, ref: ExecutionRef, items: Sequence[Any], scope: Mapping[str, Any]) -> dict[str, Any]:
        """Put a loop's items where map workers find them, in batches; return what the map workers need to know."""

    async def check(self, ref: ExecutionRef) -> Check:
        """Return the status and what else may have changed, read consistently."""

    async def mark(
        self,
        ref: ExecutionRef,
        status: Status,
        started_at: datetime,
        next_check_at: datetime | None,
        position: LogPosition | None = None,
        *,
        driver_attempt: int,
        stalled_invocations: int = 0,
    ) -> None:
        """Record an open status, and when to check the execution next.

        Nothing is recorded if there is a final status, or the caller's driver attempt is not the newest any more.
        `stalled_invocations` is how many invocations in a row made no progress. `position` is given by a driver all of
        whose lines are in the log.
        """

    async def finish(
        self,
        ref: ExecutionRef,
        status: Status,
        at: datetime,
        *,
        started_at: datetime,
        result: Any,
        error: Any,
        next_check_at: datetime | None = None,
        items: tuple[int, int] = (0, 0),
    ) -> Status:
        """Record the final status, unless there is one; return the one that stands then.

        `next_check_at` is given if something is to be done after the end; `items`, for a map batch, is how many it had
        and how many of these failed. Raises ExecutionLost if there is no such execution.
        """

    async def log(self, ref: ExecutionRef, lines: Sequence[LogLine], position: LogPosition | None = None) -> None:
        """Append lines to the log, except those that were added since `position` was known."""
