"""One turn: what one call of `advance` does with one execution.

Nodes without outside effects run at once, in line; the others run as tasks, all that are ready at the same
time. A task ends only after its outcome is in the journal, so nothing that depends on it can start before.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine import limits
from engine.context import ExecutionContext, NodeContext
from engine.definition import NodeDefinition
from engine.errors import NodeError
from engine.execution import Decision, LogLine, Status, format_time
from engine.expressions import render
from engine.graph import Graph, Progress
from engine.journal import Entry, Outcome, Snapshot, Timer
from engine.jsonvalue import check_output
from engine.nodes.base import NodeResult, WaitUntil
from engine.retries import next_delay

if TYPE_CHECKING:
    from engine.engine import WorkflowEngine

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 1.0
"""How long a turn may go on before what it found out becomes visible, and how often it looks for a cancellation."""


class Turn:
    """The state of one turn. `run` is all that is called from outside."""

    def __init__(
        self,
        engine: WorkflowEngine,
        snapshot: Snapshot,
        graph: Graph,
        nodes: Mapping[str, NodeDefinition],
        remaining: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._execution = snapshot.execution
        self._definition = snapshot.definition
        self._outcomes = dict(snapshot.outcomes)
        self._journalled_timers = dict(snapshot.timers)
        self._nodes = nodes
        self._progress = Progress(graph)
        self._context = ExecutionContext(snapshot.execution, snapshot.definition.vars, engine.services.api_url)
        self._remaining = remaining
        self._started_at = snapshot.execution.started_at or engine.clock.now()
        self._status = snapshot.execution.status
        self._tasks: dict[asyncio.Task[Entry | None], str] = {}
        self._timers: dict[str, Timer] = {}
        self._effects: deque[tuple[str, int]] = deque()
        self._unwritten: list[Outcome] = []
        self._lines: list[LogLine] = []
        self._succeeded: list[str] = []
        self._failure: dict[str, Any] | None = None
        self._out_of_time = False
        self._draining = False
        self._last_look = engine.clock.now()

    async def run(self) -> Decision:
        """Advance until the execution is finished, or all that is left waits, or time runs low."""
        if self._status is Status.PENDING:
            self._log("info", "execution started")
        try:
            while True:
                if not await self._start_what_is_ready():
                    return await self._give_up_cancelled()
                if not self._tasks:
                    decision = await self._decide()
                    if decision is not None:
                        return decision
                await self._wait()
        except Exception:
            # Something could not be written. What runs beside it may still end and be journalled: stopping it here
            # would make its effect happen again.
            self._draining = True
            await asyncio.gather(*self._tasks, return_exceptions=True)
            raise
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- starting ------------------------------------------------------------------------------------------

    async def _start_what_is_ready(self) -> bool:
        """Run the ready nodes that have no effects, and start tasks for the others; False when cancelled."""
        self._fire_due_timers()
        while self._progress.ready and not self._failure:
            if self._remaining() < limits.TURN_RESERVE:
                self._out_of_time = True
                break
            await self._take(self._progress.ready.popleft())
            if self._tasks:
                await asyncio.sleep(0)  # what runs beside has to get on, or it would seem to take too long
            if not await self._look_up_in_time():
                return False
        if self._failure or not self._effects:
            return True
        if (await self._store.status(self._execution.id)).is_final:
            return False
        while self._effects and len(self._tasks) < limits.MAX_PARALLEL_NODES:
            if self._remaining() < self._timeout(self._nodes[self._effects[0][0]]) + limits.TURN_RESERVE:
                self._out_of_time = True
                break
            node_id, attempt = self._effects.popleft()
            self._spawn(node_id, self._perform(self._nodes[node_id], attempt))
        await self._mark(Status.RUNNING)
        return True

    async def _take(self, node_id: str) -> None:
        """Settle a ready node from the journal, run it in line, or queue it as an effect."""
        if node_id in self._outcomes:
            self._settle(self._outcomes[node_id])
        elif node_id in self._journalled_timers:
            self._timers[node_id] = self._journalled_timers[node_id]
        elif self._has_effect(self._nodes[node_id]):
            self._effects.append((node_id, 1))
        else:
            await self._compute(self._nodes[node_id])

    async def _compute(self, node: NodeDefinition) -> None:
        """Run a node without effects. Another attempt would end alike, so there is none."""
        context = self._node_context(node, 1)
        try:
            result = await self._engine.factory.create(node).execute(context)
            check_output(result.output, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
        except Exception as error:  # noqa: BLE001 - whatever a node raises is that node's failure
            entry: Entry = self._failed(node, as_node_error(error, node), context, context.scope.now)
        else:
            entry = self._entry(node, result, context.scope.now, 1)
        self._lines.extend(context.lines)
        if context.scope.volatile or isinstance(entry, Timer):
            self._spawn(node.id, self._record(entry))
        else:
            self._unwritten.append(entry)
            self._settle(entry)

    def _fire_due_timers(self) -> None:
        now = self._engine.clock.now()
        for timer in [timer for timer in self._timers.values() if timer.due_at <= now]:
            del self._timers[timer.path]
            if timer.next_attempt is None:
                outcome = timer.outcome()
                self._unwritten.append(outcome)
                self._settle(outcome)
            else:
                self._effects.append((timer.path, timer.next_attempt))

    def _spawn(self, node_id: str, work: Any) -> None:
        self._tasks[asyncio.create_task(work)] = node_id

    # -- running one node with effects ---------------------------------------------------------------------

    async def _perform(self, node: NodeDefinition, attempt: int) -> Entry | None:
        """Attempt a node until it succeeds or gives up, and journal that; short back-offs are slept here.

        None means that the execution was found cancelled between two attempts.
        """
        started_at = self._engine.clock.now()
        impl = self._engine.factory.create(node)
        while True:
            context = self._node_context(node, attempt)
            try:
                async with asyncio.timeout(self._timeout(node)):
                    result = await impl.execute(context)
                check_output(result.output, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
            except Exception as raised:  # noqa: BLE001 - whatever a node raises is that node's failure
                error = as_node_error(raised, node, self._timeout(node))
            else:
                self._lines.extend(context.lines)
                return await self._record(self._entry(node, result, started_at, attempt))
            self._lines.extend(context.lines)
            delay = next_delay(node.retry, attempt, error, self._engine.random)
            if delay is None:
                return await self._record(self._failed(node, error, context, started_at))
            self._log("warning", f"attempt {attempt} failed: {error.message}; again in {delay:.1f} s", node.id)
            attempt += 1
            if (
                self._draining
                or delay > limits.INLINE_WAIT
                or self._remaining() < delay + self._timeout(node) + limits.TURN_RESERVE
            ):
                due_at = self._engine.clock.now() + timedelta(seconds=delay)
                return await self._record(Timer(node.id, due_at, started_at, attempt, bounded(error)))
            await asyncio.sleep(delay)
            if (await self._store.status(self._execution.id)).is_final:
                return None

    def _entry(self, node: NodeDefinition, result: NodeResult, started_at: datetime, attempt: int) -> Entry:
        if isinstance(result, WaitUntil):
            return Timer(node.id, result.due_at, started_at, output=result.output, port=result.port)
        now = self._engine.clock.now()
        return Outcome(node.id, "succeeded", started_at, now, result.port, result.output, attempts=attempt)

    def _failed(self, node: NodeDefinition, error: NodeError, context: NodeContext, started_at: datetime) -> Outcome:
        """The outcome of a node that gave up: by its error port, by main if it is to go on, or by none."""
        port = None
        if node.on_error == "continue":
            port = "main"
        elif self._progress.graph.has_port(node.id, "error"):
            port = "error"
        now = self._engine.clock.now()
        return Outcome(node.id, "failed", started_at, now, port, error=bounded(error), attempts=context.attempt)

    async def _record(self, entry: Entry) -> Entry:
        along, self._unwritten = self._unwritten, []
        winner = await self._store.record(self._execution.id, entry, along)
        if winner is not entry:
            self._unwritten = along + self._unwritten
        return winner

    # -- settling ------------------------------------------------------------------------------------------

    def _settle(self, outcome: Outcome) -> None:
        known = outcome.path in self._outcomes
        self._outcomes[outcome.path] = outcome
        self._context.settle(outcome)
        self._progress.settle(outcome.path, outcome.port)
        if outcome.status == "succeeded" or outcome.port == "main":
            self._succeeded.append(outcome.path)
        elif outcome.port is None and self._failure is None:
            self._failure = {**(outcome.error or {}), "node": outcome.path}
        if not known:
            self._log_outcome(outcome)

    def _log_outcome(self, outcome: Outcome) -> None:
        milliseconds = round((outcome.completed_at - outcome.started_at).total_seconds() * 1000)
        metadata = {"duration_ms": milliseconds, "attempts": outcome.attempts}
        if outcome.status == "succeeded":
            self._log("info", "succeeded", outcome.path, metadata)
        else:
            error = outcome.error or {}
            self._log("error", f"failed: {error.get('message')}", outcome.path, {**metadata, "code": error.get("code")})

    # -- waiting and ending --------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Until a task ends, a timer is due, or it is time to show progress and look for a cancellation."""
        now = self._engine.clock.now()
        times = [now + timedelta(seconds=PROGRESS_SECONDS), *(timer.due_at for timer in self._timers.values())]
        timeout = max(0.0, (min(times) - now).total_seconds())
        if not self._tasks:
            await asyncio.sleep(timeout)
        else:
            done, _ = await asyncio.wait(self._tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda task: self._tasks[task]):
                del self._tasks[task]
                self._accept(task.result())
        await self._look_up_in_time()

    def _accept(self, entry: Entry | None) -> None:
        if isinstance(entry, Outcome):
            self._settle(entry)
        elif entry is not None:
            self._timers[entry.path] = entry
            if entry.next_attempt is None:
                self._log("info", f"waits until {format_time(entry.due_at)}", entry.path)

    async def _look_up_in_time(self) -> bool:
        """Every PROGRESS_SECONDS write what is known so far, and stop the tasks of a cancelled execution.

        False once the execution was found cancelled.
        """
        if (self._engine.clock.now() - self._last_look).total_seconds() < PROGRESS_SECONDS:
            return True
        await self._flush()
        cancelled = (await self._store.status(self._execution.id)).is_final
        self._last_look = self._engine.clock.now()
        if cancelled:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()
            self._timers.clear()
        return not cancelled

    async def _decide(self) -> Decision | None:
        """What comes next when nothing runs; None to wait here for a timer that is due soon."""
        if self._failure:
            return await self._finish(Status.FAILED, error=self._failure)
        if self._progress.finished:
            return await self._finish_succeeded()
        if self._out_of_time or not self._timers:
            return await self._pause(Decision("again"))
        due_at = min(timer.due_at for timer in self._timers.values())
        wait = (due_at - self._engine.clock.now()).total_seconds()
        if wait <= limits.INLINE_WAIT and self._remaining() > wait + limits.TURN_RESERVE:
            return None
        return await self._pause(Decision("sleep", due_at))

    async def _finish_succeeded(self) -> Decision:
        scope = self._context.scope(self._engine.clock.now())
        try:
            if self._definition.has_output:
                result = render(self._definition.output, scope, "output")
            else:
                result = {node: self._context.nodes[node] for node in self._progress.ends(self._succeeded)}
            check_output(result, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
        except Exception as error:  # noqa: BLE001 - a template of the author's must not stop the driver
            return await self._finish(Status.FAILED, error={**bounded(as_node_error(error)), "node": None})
        return await self._finish(Status.SUCCEEDED, result=result)

    async def _finish(self, status: Status, *, result: Any = None, error: dict[str, Any] | None = None) -> Decision:
        """Record the end last, so that who reads a final status finds everything else written."""
        if status is Status.SUCCEEDED:
            self._log("info", "execution succeeded")
        else:
            self._log("error", f"execution failed: {(error or {}).get('message')}")
        await self._flush()
        now = self._engine.clock.now()
        final = await self._store.finish(
            self._execution.id, status, now, started_at=self._started_at, result=result, error=error
        )
        return Decision(final)

    async def _pause(self, decision: Decision) -> Decision:
        if (await self._store.status(self._execution.id)).is_final:
            return await self._give_up_cancelled()
        await self._flush()
        await self._mark(Status.WAITING if decision.next == "sleep" else Status.RUNNING)
        return decision

    async def _give_up_cancelled(self) -> Decision:
        await self._flush()
        return Decision(await self._store.status(self._execution.id))

    # -- writing -------------------------------------------------------------------------------------------

    async def _flush(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        lines, self._lines = self._lines, []
        writes = []
        if unwritten:
            writes.append(self._store.record_recomputable(self._execution.id, unwritten))
        if lines:
            lines.sort(key=lambda line: line.timestamp)
            writes.append(self._store.log(self._execution.id, lines))
        await asyncio.gather(*writes)

    async def _mark(self, status: Status) -> None:
        if self._status is not status:
            self._status = status
            await self._store.mark(self._execution.id, status, self._started_at)

    # -- small things --------------------------------------------------------------------------------------

    def _node_context(self, node: NodeDefinition, attempt: int) -> NodeContext:
        scope = self._context.scope(self._engine.clock.now())
        return NodeContext(self._execution.id, node.id, attempt, scope, self._engine.services, self._engine.clock)

    def _has_effect(self, node: NodeDefinition) -> bool:
        factory = self._engine.factory
        return factory.knows(node.type) and factory.node_class(node.type).has_effect

    def _timeout(self, node: NodeDefinition) -> float:
        return node.timeout_seconds or self._engine.factory.node_class(node.type).default_timeout

    def _log(
        self, level: str, message: str, node_id: str | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        self._lines.append(LogLine(self._engine.clock.now(), level, message, node_id, metadata))


def as_node_error(error: Exception, node: NodeDefinition | None = None, timeout: float | None = None) -> NodeError:
    """Any exception of a node as a NodeError; what nobody foresaw says no more than its kind."""
    if isinstance(error, NodeError):
        return error
    if isinstance(error, TimeoutError) and timeout is not None:
        return NodeError(f"no end within {timeout:g} seconds", code="timeout", retryable=True)
    what = f"the node type {node.type}" if node else "the output template"
    logger.error("%s raised", what, exc_info=error)
    return NodeError(f"{what} failed with {type(error).__name__}", code="internal_error")


def bounded(error: NodeError) -> dict[str, Any]:
    """The error as it is stored: an error is for reading, so neither its message nor its details grow large."""
    stored = {**error.as_dict(), "message": error.message[: limits.MAX_ERROR_LENGTH]}
    try:
        check_output(stored["details"], limits.MAX_ERROR_DETAILS, limits.MAX_JSON_DEPTH)
    except NodeError:
        stored["details"] = {"omitted": "the details were too large, or not JSON"}
    return stored
