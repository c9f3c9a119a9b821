"""How a turn ends: the result of a frame, the final record, and when somebody should look at what goes on waiting."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine import limits
from engine.errors import NodeError
from engine.execution.operations.step import Worker, as_node_error
from engine.execution.retry_policy import bounded
from engine.execution.scope_instance import Frame
from engine.execution.write_buffer import Book
from engine.history.events import Outcome, Wait
from engine.history.model import Decision, Status
from engine.history.store import Snapshot
from engine.json_value import check_output
from engine.workflow.expressions.templates import render_result

if TYPE_CHECKING:
    from engine.execution.engine import WorkflowEngine

logger = logging.getLogger(__name__)


class Ending:
    """The last acts of one turn of `owner`, an execution or a part of a spread loop."""

    def __init__(
        self, engine: WorkflowEngine, owner: str, snapshot: Snapshot, started_at: datetime, book: Book, worker: Worker
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._execution = snapshot.execution
        self._journal = snapshot.journal
        self._is_part = snapshot.batch is not None
        self._on_failure = snapshot.definition.on_failure is not None
        self._started_at = started_at
        self._book = book
        self._worker = worker

    async def result_of(self, frame: Frame) -> tuple[Any, dict[str, Any] | None, bool]:
        """The result of a frame that has finished, or why it has none; and whether another driver might find otherwise.

        It has none where its output template cannot be evaluated, or gives too much.
        """
        scope = frame.context.scope(self._engine.clock.now())
        body = frame.region.body
        await self._worker.load(frame, frame.region.reads_of(None) if body.has_output else frozenset(frame.ends()))
        try:
            if body.has_output:
                result = render_result(body.output, scope, "output")
            else:
                result = {node: frame.context.nodes[node] for node in frame.ends()}
            check_output(result, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
        except Exception as error:  # noqa: BLE001 - a template of the author's must not stop the driver
            volatile = scope.volatile or not isinstance(error, NodeError)
            return None, bounded(as_node_error(error)), volatile
        return result, None, scope.volatile

    async def succeed(self, root: Frame, waits: Iterable[Wait]) -> Decision:
        """End an execution in which nothing is left to do."""
        result, error, _ = await self.result_of(root)
        if error is not None:
            return await self.finish(Status.FAILED, waits, error={**error, "node": None})
        return await self.finish(Status.SUCCEEDED, waits, result=result)

    async def break_off(self, message: str, waits: Iterable[Wait]) -> Decision:
        """End an execution, or a part of a loop, that cannot go on though nothing in it has failed."""
        logger.error("%s is broken off: %s", self._owner, message)
        error = {"code": "engine_error", "message": message, "details": None, "node": None}
        decision = await self.finish(Status.FAILED, waits, error=error)
        if self._is_part:
            await self._engine.poke(self._execution.id)
        return decision

    async def finish_part(self, outcome: Outcome, items: tuple[int, int]) -> Decision:
        """End a part of a loop with `items` items, some of which failed; one that fails ends the loop."""
        status = Status.SUCCEEDED if outcome.status == "succeeded" else Status.FAILED
        decision = await self.finish(status, (), result=outcome.output, error=outcome.error, items=items)
        if status is Status.FAILED:
            await self._engine.poke(self._execution.id)
        return decision

    async def time_out(self, waits: Iterable[Wait]) -> Decision:
        """End an execution that has taken too long."""
        message = "the execution took longer than its `timeout_seconds`"
        error = {"code": "timed_out", "message": message, "details": None, "node": None}
        return await self.finish(Status.TIMED_OUT, waits, error=error)

    async def finish(
        self,
        status: Status,
        waits: Iterable[Wait],
        *,
        result: Any = None,
        error: dict[str, Any] | None = None,
        items: tuple[int, int] = (0, 0),
    ) -> Decision:
        """Record the end last, so that who reads a final status finds everything else written."""
        if not self._is_part:
            reason = f": {error.get('message')}" if error else ""
            self._book.log("error" if error else "info", f"execution {status}{reason}")
        await self._book.flush()
        now = self._engine.clock.now()
        follow_up = self._leaves_something_to_do(status, waits)
        final = await self._engine.store.finish(
            self._owner,
            status,
            now,
            started_at=self._started_at,
            result=result,
            error=error,
            look_at=now + timedelta(seconds=limits.LOOK_GRACE) if follow_up else None,
            items=items,
        )
        if follow_up:
            await self._engine.poke(self._owner)
        return Decision(final)

    def _leaves_something_to_do(self, status: Status, waits: Iterable[Wait]) -> bool:
        """Whether the conductor has to see to what an end brings: a slot, a caller, executions that it started."""
        execution = self._execution
        return not self._is_part and (
            execution.place is not None
            or (execution.caller is not None and execution.caller.waits)
            or (self._on_failure and status is not Status.SUCCEEDED)
            or any(wait.is_for_others for wait in waits)
            or any(self._is_open_for_others(path) for path in self._journal.waits)
        )

    def _is_open_for_others(self, path: str) -> bool:
        """Whether a wait for others is open in the journal; a turn that finds a failure there does not take it up."""
        wait = self._journal.open_wait(path)
        return wait is not None and wait.is_for_others

    def look_at(self, following: str, until: datetime | None, waits: Iterable[Wait]) -> datetime:
        """When somebody should look whether this execution got on."""
        now = self._engine.clock.now()
        if following == "again":
            return now + timedelta(seconds=2 * limits.LOOK_AGAIN)
        times = [until + timedelta(seconds=limits.LOOK_GRACE)] if until else []
        if self._is_part or (self._execution.caller is not None and self._execution.caller.waits):
            times.append(now + timedelta(seconds=limits.LOOK_LONGEST))  # is there still who waits for it?
        if any(wait.is_for_others for wait in waits):
            times.append(now + timedelta(seconds=limits.LOOK_AGAIN))
        return min(times, default=now + timedelta(seconds=limits.LOOK_LONGEST))
