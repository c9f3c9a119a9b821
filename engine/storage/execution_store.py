"""The engine's ExecutionStore on DynamoDB: calls the repositories in threads.

A map batch is driven like an execution. Its id names the whole execution, the number of the batch, and the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from engine.byte_cache import ByteCache
from engine.clock import Clock, SystemClock
from engine.errors import ExecutionLost, NotFound
from engine.history.events import (
    History,
    HistoryEvent,
    Outcome,
    PendingSignal,
    Signal,
    SignalStatus,
    Stored,
    WaitKind,
)
from engine.history.execution_ref import ExecutionRef
from engine.history.log_lines import LogPosition
from engine.history.model import Execution, LogLine, Status
from engine.history.store import Check, Snapshot
from engine.json_value import dumps
from engine.storage.approvals import Asker, asked
from engine.storage.repositories import Repositories
from engine.storage.usage_meter import UsageMeter
from engine.storage.workflows import WorkflowRepository
from engine.workflow.definition import WorkflowDefinition

Result = TypeVar("Result")
_WHOLE_FOR = timedelta(seconds=1)
_DEFINITION_BYTES = 3 * 1024 * 1024
"""Bytes of the text of cached definitions. In memory they take about thirteen times that, compiled."""


class DynamoStore:
    """Implements `engine.history.store.ExecutionStore`. Versions never change, so the ones used last are cached.

    Usage is written to the record together with other changes of it.
    """

    def __init__(
        self,
        repositories: Repositories,
        clock: Clock | None = None,
        meter: UsageMeter | None = None,
    ) -> None:
        self._executions = repositories.executions
        self._histories = repositories.histories
        self._map_batches = repositories.map_batches
        self._logs = repositories.logs
        self._clock = clock or SystemClock()
        self._usage_meter = meter or UsageMeter(0)
        # A thread pool of its own: nothing else that blocks can delay the history.
        self._threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="store")
        self._workflows = repositories.workflows
        self._definitions: ByteCache[WorkflowDefinition] = ByteCache(_DEFINITION_BYTES)
        self._last_loaded: tuple[ExecutionRef, Asker] | None = None
        self._asked: dict[tuple[str, str], tuple[datetime, bool]] = {}

    async def load(self, ref: ExecutionRef) -> Snapshot:
        """Load an execution with its definition and history; see ExecutionStore."""
        return await self._in_thread(self._load if ref.batch is None else self._load_batch, ref)

    async def fetch(self, stored: Stored) -> Any:
        """Fetch a stored value; see ExecutionStore."""
        return await self._in_thread(self._histories.load, stored)

    async def record(
        self,
        ref: ExecutionRef,
        event: HistoryEvent,
        along: Sequence[Outcome] = (),
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
    ) -> HistoryEvent:
        """Record an event; see ExecutionStore."""
        return await self._in_thread(self._record, ref, event, along, lines, position)

    async def record_recomputable(
        self,
        ref: ExecutionRef,
        outcomes: Sequence[Outcome],
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
    ) -> None:
        """Record recomputable outcomes; see ExecutionStore."""
        await self._in_thread(self._histories.record_recomputable, ref, outcomes, lines, position)

    async def signals(self, ref: ExecutionRef, waits: Sequence[PendingSignal]) -> list[Signal]:
        """Read the signals; see ExecutionStore."""
        keys = [wait.signal_key for wait in waits]
        found = await self._in_thread(self._histories.get, ref, keys)
        return [event for event in found if isinstance(event, Signal)]

    async def distributed(self, ref: ExecutionRef, items: Sequence[Any], scope: Mapping[str, Any]) -> dict[str, Any]:
        """Store the items of a distributed loop; see ExecutionStore."""
        return await self._in_thread(self._histories.distributed, ref, items, scope)

    async def check(self, ref: ExecutionRef) -> Check:
        """Check the record; see ExecutionStore."""
        return await self._in_thread(self._check, ref)

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
        """Mark the record; see ExecutionStore."""
        bill = self._usage_meter.take(transitions=1 if status is Status.WAITING else 0)
        logged = position.vouched if position else ()
        driver = {"driver_attempt": driver_attempt, "stalled_invocations": stalled_invocations}
        await self._in_thread(
            self._executions.mark, str(ref), status, started_at, next_check_at, bill, logged, **driver
        )

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
        """Set the final status; see ExecutionStore."""
        bill = self._usage_meter.take(transitions=1)
        if ref.batch is not None:
            end = {"status": status, "at": at, "started_at": started_at, "result": result, "error": error}
            return await self._in_thread(self._finish_batch, ref, {**end, "bill": bill}, items)
        final, _ = await self._in_thread(
            self._executions.finish,
            ref.execution_id,
            status,
            at,
            started_at=started_at,
            result=result,
            error=error,
            next_check_at=next_check_at,
            bill=bill,
        )
        return final

    async def log(self, ref: ExecutionRef, lines: Sequence[LogLine], position: LogPosition | None = None) -> None:
        """Append lines to the log; see ExecutionStore."""
        await self._in_thread(self._logs.append, ref, lines, position)

    async def _in_thread(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments, **named))

    def _record(
        self,
        ref: ExecutionRef,
        event: HistoryEvent,
        along: Sequence[Outcome],
        lines: Sequence[LogLine],
        position: LogPosition | None,
    ) -> HistoryEvent:
        """Append an event; an approval is listed in the same transaction."""
        also = []
        if isinstance(event, PendingSignal) and event.kind is WaitKind.APPROVAL:
            also.append(asked(self._asker(ref), ref, event))
        return self._histories.record(ref, event, along, lines, position, also)

    def _asker(self, ref: ExecutionRef) -> Asker:
        """Return the execution that asks, as it was loaded last: what a row contains of it never changes."""
        if self._last_loaded is not None and self._last_loaded[0] == ref:
            return self._last_loaded[1]
        found = self._executions.find(ref.execution_id)
        if found is None:
            raise ExecutionLost(f"there is no execution {ref}")
        return Asker.of(found.execution)

    def _load(self, ref: ExecutionRef) -> Snapshot:
        found = self._executions.whole(ref.execution_id)
        if found is None:
            raise ExecutionLost(f"there is no execution {ref}")
        execution, items = found
        self._last_loaded = ref, Asker.of(execution)
        definition = self._definition(execution.workflow_id, execution.workflow_version)
        position = self._logs.begin(ref, items[0], items)
        return Snapshot(execution, definition, self._histories.of(items), position=position)

    def _load_batch(self, ref: ExecutionRef) -> Snapshot:
        if ref.batch is None:
            raise ValueError("a whole execution is no map batch")
        whole, batch = self._whole(ref), ref.batch
        around = History.of(self._histories.get(ref.whole, [batch.wait_key, batch.signal_key]))
        wait = around.waits.get(batch.path)
        if wait is None:
            raise ExecutionLost(f"execution {ref.execution_id} has no loop {batch.path} to drive")
        wait = replace(wait, output=self._histories.load(wait.output))
        record = self._map_batches.create_batch(whole, ref)
        if record.status is Status.FAILED and not around.signals:
            self._fail_loop(ref, record.error)  # the process that ended the map batch died before this
        status = Status.CANCELLED if whole.status.is_final or around.signals else record.status
        execution = replace(
            whole,
            status=status,
            started_at=record.started_at,
            signals=record.signals,
            stalled_invocations=record.stalled_invocations,
            driver_attempt=1,
        )
        definition = self._definition(whole.workflow_id, whole.workflow_version)
        items = self._executions.partition(str(ref))
        position = self._logs.begin(ref, items[0], items)
        work = None if status.is_final else self._histories.batch(wait, batch.number)
        return Snapshot(execution, definition, self._histories.of(items), work, position)

    def _definition(self, workflow_id: str, version: int) -> WorkflowDefinition:
        return self._definitions.get((workflow_id, version), lambda: _load(self._workflows, workflow_id, version))

    def _whole(self, ref: ExecutionRef) -> Execution:
        found = self._executions.find(ref.execution_id)
        if found is not None and found.execution.is_test:
            found = self._executions.find(ref.execution_id, payloads=True)  # with its trial, which is in the payloads
        if found is None:
            raise ExecutionLost(f"there is no execution {ref.execution_id}")
        return found.execution

    def _check(self, ref: ExecutionRef) -> Check:
        own = self._executions.attributes([str(ref)]).get(str(ref))
        if own is None:
            raise ExecutionLost(f"there is no execution {ref}")
        status = Status.CANCELLED if self._is_unwanted(ref) else Status(own["status"])
        return Check(status, own["driver_attempt"], own["signals"])

    def _is_unwanted(self, ref: ExecutionRef) -> bool:
        """Return whether the whole execution of a map batch, or its loop, has ended, as of at most a second ago.

        All drivers of a distributed loop ask that before each effect, which is too much for reads of a single item.
        """
        if ref.batch is None:
            return False
        now, loop = self._clock.now(), (ref.execution_id, ref.batch.path)
        asked = self._asked.get(loop)
        if asked is None or not now - asked[0] < _WHOLE_FOR:
            status = self._executions.status_of_late(ref.execution_id)
            if status is None:
                raise ExecutionLost(f"there is no execution {ref.execution_id}")
            is_over = status.is_final or self._histories.has_signal(ref.whole, ref.batch.signal_key)
            self._asked.clear()  # a driver works on one loop
            self._asked[loop] = asked = now, is_over
        return asked[1]

    def _finish_batch(self, ref: ExecutionRef, end: dict[str, Any], items: tuple[int, int]) -> Status:
        """End a map batch; a failed one ends the loop, unless the loop has ended."""
        final = self._map_batches.finish_batch(ref, end, items)
        if final is Status.FAILED:
            self._fail_loop(ref, end["error"])
        return final

    def _fail_loop(self, ref: ExecutionRef, error: Any) -> None:
        if ref.batch is not None:
            failed = Signal(ref.batch.path, 1, self._clock.now(), SignalStatus.FAILED, error)
            self._histories.record_signal_if_open(ref.whole, failed)


def _load(workflows: WorkflowRepository, workflow_id: str, version: int) -> tuple[WorkflowDefinition, int]:
    """Load a definition, and return it with the bytes of its text."""
    try:
        stored = workflows.get_version(workflow_id, version)
    except NotFound:
        raise ExecutionLost(f"version {version} of workflow {workflow_id} is gone") from None
    return WorkflowDefinition.model_validate(stored.definition), len(dumps(stored.definition))
