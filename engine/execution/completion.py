"""The end of an invocation: the result of a scope instance, how the execution ends, and when to check it next."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine import limits
from engine.errors import NodeError
from engine.execution.operations.step import StepRunner, as_node_error
from engine.execution.retry_policy import bounded
from engine.execution.scope_instance import Result, ScopeInstance
from engine.history.events import NodeStatus, Outcome, PendingSignal
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Decision, Next, Status
from engine.history.store import Snapshot
from engine.json_value import check_output
from engine.workflow.definition import NodeDefinition
from engine.workflow.expressions.templates import render_result

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class End:
    """The end of an execution, or of a map batch with `items` items of which `failed` failed."""

    status: Status
    result: Any = None
    error: dict[str, Any] | None = None
    items: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Pause:
    """The end of an invocation after which the execution continues by `decision`; at `check_at` it is checked."""

    decision: Decision
    status: Status
    check_at: datetime
    stalled_invocations: int


TIMED_OUT = End(
    Status.TIMED_OUT,
    error={
        "code": "timed_out",
        "message": "the execution took longer than its `timeout_seconds`",
        "details": None,
        "node": None,
    },
)


async def result_of(step_runner: StepRunner, scope_instance: ScopeInstance, now: datetime) -> Result:
    """Compute the result of a scope instance that has finished.

    There is no result if its output template cannot be evaluated or its output is too large.
    """
    scope = scope_instance.context.scope(now)
    body = scope_instance.block.body
    await step_runner.load(
        scope_instance, scope_instance.block.reads_of(None) if body.has_output else frozenset(scope_instance.ends())
    )
    try:
        if body.has_output:
            result = render_result(body.output, scope, "output")
        else:
            result = {node: scope_instance.context.nodes[node] for node in scope_instance.ends()}
        check_output(result, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
    except Exception as error:  # noqa: BLE001 - a template of the author's must not stop the driver
        nondeterministic = scope.nondeterministic or not isinstance(error, NodeError)
        return Result(None, bounded(as_node_error(error)), nondeterministic)
    return Result(result, None, scope.nondeterministic)


def end_with(result: Result) -> End:
    """Return the end of an execution in which nothing is left to do."""
    if result.error is not None:
        return End(Status.FAILED, error={**result.error, "node": None})
    return End(Status.SUCCEEDED, result.value)


def end_of_batch(outcome: Outcome, items: tuple[int, int]) -> End:
    """Return the end of a map batch."""
    status = Status.SUCCEEDED if outcome.status is NodeStatus.SUCCEEDED else Status.FAILED
    return End(status, outcome.output, outcome.error, items)


def broken_off(ref: ExecutionRef, message: str) -> End:
    """Return the end of an execution or map batch that cannot go on although nothing in it has failed."""
    logger.error("%s is broken off: %s", ref, message)
    return End(Status.FAILED, error={"code": "engine_error", "message": message, "details": None, "node": None})


def why_stalled(stalled: int, node: NodeDefinition | None, step_runner: StepRunner) -> str:
    """Return why so many invocations in a row made no progress; for `node`, if given, no time was left."""
    if node is None:
        return f"{stalled} invocations in a row made no progress"
    seconds = f", which may take {step_runner.timeout(node):g} seconds" if step_runner.has_effect(node) else ""
    return f"{stalled} invocations in a row had too little time left to begin with `{node.id}`{seconds}"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What others have to do after an invocation.

    Pure: computed from the snapshot from which the invocation started.
    """

    ref: ExecutionRef
    snapshot: Snapshot

    def whom_to_notify(self, end: End, waits: Iterable[PendingSignal]) -> ExecutionRef | None:
        """Return the execution for whose sake the supervisor is notified of an end, if any.

        A map batch that fails ends the loop of its execution.
        """
        if self.snapshot.batch is not None:
            return self.ref.whole if end.status is Status.FAILED else None
        return self.ref if self._leaves_something_to_do(end.status, waits) else None

    def _leaves_something_to_do(self, status: Status, waits: Iterable[PendingSignal]) -> bool:
        """Whether the end leaves work to do: a slot to free, a caller to answer, child executions to end."""
        execution = self.snapshot.execution
        return (
            execution.queue_position is not None
            or (execution.caller is not None and execution.caller.waits)
            or (self.snapshot.definition.on_failure is not None and status is not Status.SUCCEEDED)
            or any(wait.is_for_others for wait in waits)
            or any(self._is_open_for_others(path) for path in self.snapshot.history.waits)
        )

    def _is_open_for_others(self, path: str) -> bool:
        """Whether the history has an open pending signal for other executions or drivers.

        A driver that finds a failure there does not take such a node up.
        """
        wait = self.snapshot.history.open_signal(path)
        return wait is not None and wait.is_for_others

    def check_at(self, decision: Decision, waits: Iterable[PendingSignal], now: datetime) -> datetime:
        """Compute when to check whether this execution made progress."""
        if decision.next == Next.CONTINUE:
            return now + timedelta(seconds=2 * limits.CHECK_AGAIN)
        times = [decision.until + timedelta(seconds=limits.CHECK_GRACE)] if decision.until else []
        execution = self.snapshot.execution
        if self.snapshot.batch is not None or (execution.caller is not None and execution.caller.waits):
            times.append(now + timedelta(seconds=limits.CHECK_LONGEST))  # check whether the caller still waits for it
        if any(wait.is_for_others for wait in waits):
            times.append(now + timedelta(seconds=limits.CHECK_AGAIN))
        return min(times, default=now + timedelta(seconds=limits.CHECK_LONGEST))
