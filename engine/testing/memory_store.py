"""An ExecutionStore in memory, for tests and for trying workflows without AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from engine import limits
from engine.errors import ExecutionLost
from engine.history.events import History, HistoryEvent, Outcome, PendingSignal, Signal, Stored
from engine.history.execution_ref import ExecutionRef
from engine.history.log_lines import LogPosition, line_of, missing
from engine.history.model import Execution, LogLine, Status, started_before
from engine.history.store import Batch, Check, Snapshot
from engine.workflow.definition import WorkflowDefinition


@dataclass
class MemoryStore:
    """See `engine.history.store.ExecutionStore`. Whatever is put in stays as it is: values are not copied."""

    executions: dict[str, Execution] = field(default_factory=dict)
    definitions: dict[tuple[str, int], WorkflowDefinition] = field(default_factory=dict)
    events: dict[str, dict[str, HistoryEvent]] = field(default_factory=dict)
    lines: dict[str, list[LogLine]] = field(default_factory=dict)
    carried: dict[str, dict[str, list[LogLine]]] = field(default_factory=dict)
    """Lines that events carry, by the events' keys."""
    batches: dict[str, Batch] = field(default_factory=dict)
    next_check_at: dict[str, datetime | None] = field(default_factory=dict)

    def add(self, execution: Execution, definition: WorkflowDefinition) -> None:
        """Put an execution into the store, as starting it does."""
        self.executions[execution.id] = execution
        self.definitions[execution.workflow_id, execution.workflow_version] = definition
        self.events[execution.id] = {}
        self.lines[execution.id] = []

    async def load(self, ref: ExecutionRef) -> Snapshot:
        """See ExecutionStore."""
        if ref.execution_id not in self.executions:
            raise ExecutionLost(f"there is no execution {ref.execution_id}")
        execution = self.executions[ref.execution_id]
        definition = self.definitions[execution.workflow_id, execution.workflow_version]
        history = History.of(self.events[ref.execution_id].values())
        carried = (line for lines in self.carried.get(ref.execution_id, {}).values() for line in lines)
        own = (line for event in self.events[ref.execution_id].values() if (line := line_of(event)) is not None)
        self.lines[ref.execution_id] += missing((*carried, *own), self.lines[ref.execution_id])
        position = LogPosition(
            "driver", is_first=not self.events[ref.execution_id] and not self.lines[ref.execution_id]
        )
        return Snapshot(execution, definition, history, self.batches.get(ref.execution_id), position)

    async def fetch(self, stored: Stored) -> Any:
        """See ExecutionStore."""
        return stored.reference["value"]

    async def record(
        self,
        ref: ExecutionRef,
        event: HistoryEvent,
        along: Sequence[Outcome] = (),
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
    ) -> HistoryEvent:
        """See ExecutionStore."""
        winner = self.events[ref.execution_id].setdefault(event.key, event)
        carried = self.carried.setdefault(ref.execution_id, {})
        if winner is event:
            carried[event.key] = [*lines]
            await self.record_recomputable(ref, along)
        elif position is not None:
            position.found += carried.get(event.key, ())
        return winner

    async def record_recomputable(
        self,
        ref: ExecutionRef,
        outcomes: Sequence[Outcome],
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
    ) -> None:
        """See ExecutionStore."""
        del position
        self.carried.setdefault(ref.execution_id, {}).setdefault("", []).extend(lines)
        for outcome in outcomes:
            self.events[ref.execution_id].setdefault(outcome.key, outcome)

    async def signals(self, ref: ExecutionRef, waits: Sequence[PendingSignal]) -> list[Signal]:
        """See ExecutionStore."""
        known = self.events[ref.execution_id]
        found = [known.get(wait.signal_key) for wait in waits]
        return [signal for signal in found if isinstance(signal, Signal)]

    async def distributed(self, ref: ExecutionRef, items: Sequence[Any], scope: Mapping[str, Any]) -> dict[str, Any]:
        """See ExecutionStore."""
        del ref
        return {"count": len(items), "batch": limits.BATCH_ITEMS, "items": list(items), "scope": dict(scope)}

    async def check(self, ref: ExecutionRef) -> Check:
        """See ExecutionStore."""
        execution = self.executions[ref.execution_id]
        return Check(execution.status, execution.driver_attempt, execution.signals)

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
        """See ExecutionStore."""
        del position
        execution = self.executions[ref.execution_id]
        if not execution.status.is_final and driver_attempt >= execution.driver_attempt:
            self.executions[ref.execution_id] = replace(
                execution,
                status=status,
                started_at=execution.started_at or started_at,
                stalled_invocations=stalled_invocations,
            )
            if next_check_at is not None:
                self.next_check_at[ref.execution_id] = next_check_at

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
        """See ExecutionStore."""
        del items
        if ref.execution_id not in self.executions:
            raise ExecutionLost(f"there is no execution {ref.execution_id}")
        execution = self.executions[ref.execution_id]
        if not execution.status.is_final:
            self.executions[ref.execution_id] = replace(
                execution,
                status=status,
                started_at=started_before(execution.started_at or started_at, at),
                completed_at=at,
                result=result,
                error=error,
            )
            self.next_check_at[ref.execution_id] = next_check_at
        return self.executions[ref.execution_id].status

    async def log(self, ref: ExecutionRef, lines: Sequence[LogLine], position: LogPosition | None = None) -> None:
        """See ExecutionStore."""
        del position
        self.lines[ref.execution_id] += missing(lines, self.lines[ref.execution_id])

    def signal(self, execution_id: str, signal: Signal) -> Signal:
        """Answer a wait, as the API does: the first answer stands, and is counted."""
        winner = self.events[execution_id].setdefault(signal.key, signal)
        if winner is signal:
            execution = self.executions[execution_id]
            self.executions[execution_id] = replace(execution, signals=execution.signals + 1)
        if not isinstance(winner, Signal):
            raise TypeError("a signal's key holds a signal")
        return winner
