"""What the core needs of a store: snapshots to start from, appending to the history, and the end of an execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from engine.history.events import History, HistoryEvent, Outcome, PendingSignal, Signal, Stored
from engine.history.model import Execution, LogLine, Status
from engine.workflow.definition import WorkflowDefinition

if TYPE_CHECKING:
    from engine.history.log_lines import LogPosition


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of a loop that is spread over several drivers: some of its items, and what its body sees outside.

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
    """All that an invocation starts from. `batch` is there when only a part of a loop is to be driven.

    By the time that it is given, the log has the lines of all entries in the history.
    """

    execution: Execution
    definition: WorkflowDefinition
    history: History
    batch: Batch | None = None
    position: LogPosition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What a running invocation has to know about its execution now and then."""

    status: Status
    driver_attempt: int
    signals: int


class ExecutionStore(Protocol):
    """Where an execution and its journal are kept. Every method may be called by several drivers at once."""

    async def load(self, execution_id: str) -> Snapshot:
        """The execution as it is now. Raises ExecutionLost where it or its version is gone."""

    async def fetch(self, stored: Stored) -> Any:
        """The value that was left out when the execution was loaded, because it is large."""

    async def record(
        self,
        execution_id: str,
        entry: HistoryEvent,
        along: Sequence[Outcome] = (),
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
    ) -> HistoryEvent:
        """Write an entry unless its key is taken; gives the one that stands there then.

        `along` are outcomes that any driver would compute alike, and `lines` some that are not in the log yet. They
        are kept in the same item, which costs no write of their own, and only if this entry is the one that is
        written; the lines of another one are added to those found by `position`.
        """

    async def record_recomputable(
        self,
        execution_id: str,
        outcomes: Sequence[Outcome],
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
    ) -> None:
        """Write outcomes that any driver would compute alike, in one item, for readers and to save work."""

    async def signals(self, execution_id: str, waits: Sequence[PendingSignal]) -> list[Signal]:
        """The answers that these waits have by now."""

    async def distributed(self, execution_id: str, items: Sequence[Any], scope: Mapping[str, Any]) -> dict[str, Any]:
        """Put a loop's items where other drivers find them, in batches; gives what they need to know to do so."""

    async def look(self, execution_id: str) -> Check:
        """The status and what else may have changed, read consistently."""

    async def mark(
        self,
        execution_id: str,
        status: Status,
        started_at: datetime,
        next_check_at: datetime | None,
        position: LogPosition | None = None,
        *,
        driver_attempt: int,
        in_vain: int = 0,
    ) -> None:
        """Note an open status, and when somebody should look at the execution next.

        Nothing is noted where a final status is there, or the caller's `generation` is not the newest any more.
        `in_vain` is how many invocations in a row have got nothing done. `position` is given by a driver all of whose
        lines are in the log.
        """

    async def finish(
        self,
        execution_id: str,
        status: Status,
        at: datetime,
        *,
        started_at: datetime,
        result: Any,
        error: Any,
        next_check_at: datetime | None = None,
        items: tuple[int, int] = (0, 0),
    ) -> Status:
        """Note the final status, unless one is there; gives the one that stands then.

        `next_check_at` is given where something is to be done after the end; `items`, for a map batch, is how many it
        had and how many of these failed. Raises ExecutionLost where there is no such execution.
        """

    async def log(self, execution_id: str, lines: Sequence[LogLine], position: LogPosition | None = None) -> None:
        """Append lines to the log, but for those that have come there since `position` was known."""
