"""Executes single nodes: evaluates those that only compute, attempts those with effects, reads answers.

Each finding is recorded; what then stands in the history counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from engine import limits
from engine.attempt_clock import attempt_clock
from engine.errors import NodeError, PlatformUnavailable, Unavailable
from engine.execution.environment import Environment
from engine.execution.output_cache import Loaded
from engine.execution.retry_policy import (
    as_exception,
    bounded,
    interrupted,
    may_have_had_effect,
    next_delay,
    postponed_delay,
)
from engine.execution.scope_instance import ScopeInstance
from engine.execution.write_buffer import WriteBuffer
from engine.history.events import (
    HistoryEvent,
    NodeStatus,
    Outcome,
    PendingSignal,
    Signal,
    SignalStatus,
    Started,
    Stored,
    Timer,
    WaitKind,
)
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution, LogLine
from engine.json_value import check_output
from engine.nodes.base import Completed, NodeResult, WaitForSignal, WaitUntil
from engine.nodes.context import NodeContext
from engine.security.redaction import Redactor
from engine.workflow.definition import NodeDefinition
from engine.workflow.node_types import has_effect

logger = logging.getLogger(__name__)


class RecordThenAct(Protocol):
    """Appends an event to the history, acts on what stands there then, and returns that."""

    def __call__(
        self, record: HistoryEvent, about: PendingSignal | None = None, /
    ) -> Coroutine[Any, Any, HistoryEvent]:
        """Append `record`. `about` is the pending signal that a signal answers."""


WHATEVER_NODES_RAISE = (Exception, asyncio.CancelledError, SystemExit)
"""Each of these is a failure of that node only: what runs beside it continues."""


class StepRunner:
    """Executes the nodes of one invocation.

    `record` appends an event to the history and returns the one that stands there then. `remaining` returns the seconds
    that are left. Once `draining` is set no further attempt starts here.
    """

    def __init__(
        self,
        environment: Environment,
        execution: Execution,
        ref: ExecutionRef,
        write_buffer: WriteBuffer,
        record: RecordThenAct,
        remaining: Callable[[], float],
    ) -> None:
        self._environment = environment
        self._record = record
        self._execution = execution
        self._ref = ref
        self._write_buffer = write_buffer
        self._remaining = remaining
        self._loaded = Loaded(environment.store)
        self._redactor = Redactor()
        self.draining = False

    async def compute(
        self, scope_instance: ScopeInstance, node: NodeDefinition, data: Mapping[str, Any] | None = None
    ) -> tuple[NodeResult | Outcome, bool]:
        """Compute a node without effects; return its result or failure, and whether that is nondeterministic.

        Unforeseen errors, such as running out of memory, are nondeterministic. Another attempt would end the same way,
        so there is none. The node sees `data` in addition to the data of its scope instance.
        """
        context = await self.context(scope_instance, node, 1, data)
        result: NodeResult | Outcome
        was_foreseen = True
        try:
            result = await self._environment.factory.create(node).execute(context)
            if isinstance(result, Completed):
                check_output(result.output, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
        except WHATEVER_NODES_RAISE as error:
            raise_if_stopped(error)
            was_foreseen = isinstance(error, NodeError)
            result = self.failed(scope_instance, node, as_node_error(error, node), context.scope.now, 1)
        self._write_buffer.log_lines(context.lines)
        return result, context.scope.nondeterministic or not was_foreseen or scope_instance.is_order_dependent(node.id)

    async def perform(
        self, scope_instance: ScopeInstance, node: NodeDefinition, attempt: int, postponed: int = 0
    ) -> HistoryEvent | None:
        """Attempt a node until it succeeds, waits or gives up, and record that; short back-offs are slept here.

        Every attempt has a number, but the `postponed` ones that could not begin do not count against the attempts that
        the author allows, nor in the outcome.

        None means that the execution was found to be over between two attempts.
        """
        started_at = self._environment.clock.now()
        path = scope_instance.path(node.id)
        while True:
            if node.delivery == "at_most_once" and not await self._may_start(path, attempt, started_at):
                cut_off = self.failed(scope_instance, node, interrupted(attempt), started_at, attempt - postponed)
                return await self._record(cut_off)
            tried = await self._attempt(scope_instance, node, attempt)
            if not isinstance(tried, NodeError):
                made = attempt if isinstance(tried, WaitForSignal) else attempt - postponed
                return await self._record(self.event_of(path, tried, started_at, made))
            if node.delivery == "at_most_once" and may_have_had_effect(tried):
                tried = interrupted(attempt, tried)
            if isinstance(tried, PlatformUnavailable):
                postponed += 1
                delay = postponed_delay(postponed, self._environment.random)
            else:
                delay = next_delay(node.retry, attempt - postponed, tried, self._environment.random)
            if delay is None or (node.delivery == "at_most_once" and not tried.nothing_happened):
                return await self._record(self.failed(scope_instance, node, tried, started_at, attempt - postponed))
            self._log_failure(path, attempt, tried, delay)
            attempt += 1
            if (
                self.draining
                or delay > limits.INLINE_WAIT
                or self._remaining() < delay + self.timeout(node) + limits.INVOCATION_RESERVE
            ):
                return await self._record(self._timer(path, tried, delay, started_at, attempt, postponed))
            await asyncio.sleep(delay)
            if (await self._environment.store.check(self._ref)).status.is_final:
                return None

    async def _may_start(self, path: str, attempt: int, at: datetime) -> bool:
        """Whether this driver may make an attempt that must not be made twice."""
        mine = Started(path, attempt, at, str(uuid4()))
        winner = await self._record(mine)
        return isinstance(winner, Started) and winner.driver == mine.driver

    async def _attempt(
        self, scope_instance: ScopeInstance, node: NodeDefinition, attempt: int
    ) -> NodeResult | NodeError:
        context = await self.context(scope_instance, node, attempt)
        try:
            seconds = self.timeout(node)
            async with attempt_clock(seconds, self._remaining() - seconds - limits.INVOCATION_RESERVE):
                result = await self._environment.factory.create(node).execute(context)
            if isinstance(result, Completed | WaitUntil | WaitForSignal):
                check_output(result.output, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
        except WHATEVER_NODES_RAISE as raised:
            raise_if_stopped(raised)
            return self._redacted_error(as_node_error(raised, node, self.timeout(node)))
        finally:
            self._write_buffer.log_lines([self._redacted_line(line) for line in context.lines])
        if isinstance(result, Completed | WaitUntil | WaitForSignal):
            return replace(result, output=self._redactor.scrub(result.output))
        return result

    def _redacted_error(self, error: NodeError) -> NodeError:
        error.message = self._redactor.scrub(error.message)
        error.details = self._redactor.scrub(error.details)
        return error

    def _redacted_line(self, line: LogLine) -> LogLine:
        scrub = self._redactor.scrub
        return replace(line, message=scrub(line.message), metadata=scrub(line.metadata))

    async def resolve(
        self, scope_instance: ScopeInstance, node: NodeDefinition, wait: PendingSignal, signal: Signal
    ) -> Outcome | Timer:
        """Return the outcome of a node whose signal has arrived, or the timer of its next attempt.

        The same for every driver.

        The signal of a distributed loop comes from its last driver; its output stays where it is stored.
        """
        path = scope_instance.path(node.id)
        if wait.kind is WaitKind.DISTRIBUTED_MAP and signal.status is SignalStatus.ANSWERED:
            return Outcome(path, NodeStatus.SUCCEEDED, wait.started_at, signal.at, output=signal.output)
        output = await self.fetch(signal.output)
        if wait.kind is WaitKind.DISTRIBUTED_MAP:
            return self.failed(scope_instance, node, as_exception(output), wait.started_at, 1)
        if isinstance(output, Stored):
            raise TypeError("a fetched value is loaded")
        signal = replace(signal, path=path, output=output)
        try:
            result = self._environment.factory.create(node).answered(signal)
            check_output(result.output, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
        except Exception as raised:  # noqa: BLE001 - whatever a node raises is that node's failure
            error = as_node_error(raised, node)
        else:
            succeeded = Outcome(path, NodeStatus.SUCCEEDED, wait.started_at, signal.at, result.port, result.output)
            return replace(succeeded, attempts=wait.attempt)
        delay = next_delay(node.retry, wait.attempt, error, self._environment.random)
        if delay is None:
            return self.failed(scope_instance, node, error, wait.started_at, wait.attempt)
        self._log_failure(path, wait.attempt, error, delay)
        return self._timer(path, error, delay, wait.started_at, wait.attempt + 1)

    def _log_failure(self, path: str, attempt: int, error: NodeError, delay: float) -> None:
        told = {"failed_attempt": attempt, "code": error.code, "reason": error.message}
        message = f"attempt {attempt} failed: {error.message}; retrying in {delay:.1f} s"
        self._write_buffer.log("warning", message, path, told)

    def event_of(self, path: str, result: NodeResult, started_at: datetime, attempt: int) -> HistoryEvent:
        """Return the event that records a result."""
        match result:
            case Completed(output=output, port=port):
                now = self._environment.clock.now()
                return Outcome(path, NodeStatus.SUCCEEDED, started_at, now, port, output, attempts=attempt)
            case WaitUntil(due_at=due_at, output=output, port=port):
                return Timer(path, due_at, started_at, output=output, port=port)
            case WaitForSignal(kind=kind, deadline=deadline, output=output):
                return PendingSignal(path, attempt, kind, started_at, deadline, output)
        raise TypeError(f"{type(result).__name__} is for loops")

    def failed(
        self, scope_instance: ScopeInstance, node: NodeDefinition, error: NodeError, started_at: datetime, attempt: int
    ) -> Outcome:
        """Return the outcome of a node that gives up now."""
        return scope_instance.failed(node, error, started_at, self._environment.clock.now(), attempt)

    def _timer(
        self, path: str, error: NodeError, delay: float, started_at: datetime, next_attempt: int, postponed: int = 0
    ) -> Timer:
        due_at = self._environment.clock.now() + timedelta(seconds=delay)
        return Timer(path, due_at, started_at, next_attempt, bounded(error), postponed=postponed)

    async def context(
        self, scope_instance: ScopeInstance, node: NodeDefinition, attempt: int, data: Mapping[str, Any] | None = None
    ) -> NodeContext:
        """Return what a node sees: the data of its scope instance and, on top, `data`."""
        came_from = scope_instance.progress.came_from.get(node.id, ())
        if scope_instance.context.stored:
            reads = scope_instance.block.reads_of(node.id)
            if reads is not None and self._environment.factory.node_class(node.type).reads_sources:
                reads |= frozenset(came_from)
            await self.load(scope_instance, reads)
        scope = scope_instance.context.scope(self._environment.clock.now())
        if data:
            scope.data = {**scope.data, **data}
        services, clock = self._environment.services, self._environment.clock
        return NodeContext(
            self._execution.id,
            self._execution.workspace_id,
            scope_instance.path(node.id),
            attempt,
            scope,
            services,
            clock,
            came_from=came_from,
            redactor=self._redactor,
        )

    async def load(self, scope_instance: ScopeInstance, names: frozenset[str] | None) -> None:
        """Load the outputs of a scope instance that are still `Stored`; `names` None loads all of them."""
        stored = scope_instance.context.stored
        for name in sorted(stored if names is None else stored & names):
            scope_instance.context.replace(name, await self.fetch(scope_instance.context.nodes[name]))

    async def fetch(self, output: Any) -> Any:
        """Return the value itself. Recently loaded values are kept: what one node has read the next may read."""
        if not isinstance(output, Stored):
            return output
        return await self._loaded.get(output)

    def has_effect(self, node: NodeDefinition) -> bool:
        """Whether a node changes or queries something outside."""
        return has_effect(self._environment.factory, node.type)

    def timeout(self, node: NodeDefinition) -> float:
        """Return the seconds for one attempt."""
        return node.timeout_seconds or self._environment.factory.node_class(node.type).default_timeout


def raise_if_stopped(raised: BaseException) -> None:
    """Re-raise a cancellation that is meant for the driver; any other comes from within the node."""
    task = asyncio.current_task()
    if isinstance(raised, asyncio.CancelledError) and task is not None and task.cancelling():
        raise raised


def as_node_error(error: BaseException, node: NodeDefinition | None = None, timeout: float | None = None) -> NodeError:
    """Convert any exception of a node to a NodeError; of an unforeseen one only its type is shown."""
    if isinstance(error, NodeError):
        return error
    if isinstance(error, Unavailable):
        return NodeError(error.message, code=error.code, retryable=True)
    if isinstance(error, TimeoutError) and timeout is not None:
        return NodeError(f"did not end within {timeout:g} seconds", code="timeout", retryable=True)
    if isinstance(error, asyncio.CancelledError):
        return NodeError("an operation in the node was cancelled", code="cancelled", retryable=True)
    what = f"the node type {node.type}" if node else "the output template"
    logger.error("%s raised", what, exc_info=error)
    return NodeError(f"{what} failed with {type(error).__name__}", code="internal_error")
