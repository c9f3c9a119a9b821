"""The engine's ExecutionStore on DynamoDB: the repositories, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, TypeVar

from engine.clock import Clock, SystemClock
from engine.definition import WorkflowDefinition
from engine.errors import ExecutionLost, NotFound
from engine.execution import LogLine, Status
from engine.journal import Entry, Outcome, Snapshot, by_path
from engine.storage.executions import ExecutionRepository
from engine.storage.workflows import WorkflowRepository

Result = TypeVar("Result")


class DynamoStore:
    """See `engine.journal.ExecutionStore`. Versions never change, so those used last stay in memory."""

    def __init__(
        self, executions: ExecutionRepository, workflows: WorkflowRepository, clock: Clock | None = None
    ) -> None:
        self._executions = executions
        self._clock = clock or SystemClock()
        # Threads of their own, so that nothing else that waits can hold up the journal.
        self._threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="store")
        self._definition = lru_cache(maxsize=64)(lambda workflow_id, version: _load(workflows, workflow_id, version))

    async def load(self, execution_id: str) -> Snapshot:
        """See ExecutionStore."""
        return await self._in_thread(self._load, execution_id)

    async def record(self, execution_id: str, entry: Entry, along: Sequence[Outcome] = ()) -> Entry:
        """See ExecutionStore."""
        return await self._in_thread(self._executions.record, execution_id, entry, along, self._clock.now())

    async def record_recomputable(self, execution_id: str, outcomes: Sequence[Outcome]) -> None:
        """See ExecutionStore."""
        await self._in_thread(self._executions.record_recomputable, execution_id, outcomes, self._clock.now())

    async def status(self, execution_id: str) -> Status:
        """See ExecutionStore."""
        return await self._in_thread(self._executions.status, execution_id)

    async def mark(self, execution_id: str, status: Status, started_at: datetime) -> None:
        """See ExecutionStore."""
        await self._in_thread(self._executions.mark, execution_id, status, started_at)

    async def finish(
        self, execution_id: str, status: Status, at: datetime, *, started_at: datetime, result: Any, error: Any
    ) -> Status:
        """See ExecutionStore."""
        final, _ = await self._in_thread(
            self._executions.finish, execution_id, status, at, started_at=started_at, result=result, error=error
        )
        return final

    async def log(self, execution_id: str, lines: Sequence[LogLine]) -> None:
        """See ExecutionStore."""
        await self._in_thread(self._executions.log, execution_id, lines, self._clock.now())

    async def _in_thread(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments, **named))

    def _load(self, execution_id: str) -> Snapshot:
        execution, entries = self._executions.load(execution_id)
        definition = self._definition(execution.workflow_id, execution.workflow_version)
        return Snapshot(execution, definition, *by_path(entries))


def _load(workflows: WorkflowRepository, workflow_id: str, version: int) -> WorkflowDefinition:
    try:
        stored = workflows.get_version(workflow_id, version)
    except NotFound:
        raise ExecutionLost(f"version {version} of workflow {workflow_id} is gone") from None
    return WorkflowDefinition.model_validate(stored.definition)
