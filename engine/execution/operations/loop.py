"""Loops within one invocation: opens their iterations and collects the results. No I/O and no clock.

Whatever has to be computed, loaded or appended is requested by a command; the loop continues when the result arrives by
`items_found`, `condition_found`, `result_found` or `value_loaded`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import limits
from engine.errors import NodeError
from engine.execution.commands import (
    Append,
    Close,
    ComputeCondition,
    ComputeItems,
    ComputeResult,
    Continue,
    Distribute,
    LoadValue,
    Queues,
    RecordValue,
)
from engine.execution.context import ExecutionContext
from engine.execution.operations.suspension import Suspensions
from engine.execution.retry_policy import as_exception, bounded
from engine.execution.scope_instance import LoopRun, ScopeInstance
from engine.history.events import HistoryEvent, NodeStatus, Outcome, RecordedValue, ValueName
from engine.history.store import Batch
from engine.json_value import check_output
from engine.nodes.base import ForEach, NodeResult, Repeat
from engine.workflow.compiled import CompiledBlock, find_block
from engine.workflow.definition import NodeDefinition

if TYPE_CHECKING:
    from engine.history.events import ValueName

_ANY_DEPTH = 10 * limits.MAX_JSON_DEPTH
"""For measuring values that are known not to be nested too deeply."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """What loops need to know to run their iterations.

    `recorded_values` are those in the history; `loops_over_items` tells whether a node type, given by name, loops over
    items; `callbacks` returns the callback URLs of a body for the prefix of its paths.
    """

    recorded_values: Mapping[str, RecordedValue]
    loops_over_items: Callable[[str], bool]
    callbacks: Callable[[CompiledBlock, str], Mapping[str, str]]


class Loops:
    """The loops of one invocation, and the settling of outcomes in them.

    `batch_outcome` is set once the map batch that this invocation drives has ended.
    """

    def __init__(self, queues: Queues, suspensions: Suspensions, bodies: Bodies) -> None:
        self._queues = queues
        self._suspensions = suspensions
        self._bodies = bodies
        self._batch: LoopRun | None = None
        self.batch_outcome: Outcome | None = None

    @property
    def items(self) -> tuple[int, int]:
        """Return how many items a map batch had, and how many of these failed."""
        if self._batch is None:
            return 0, 0
        return len(self._batch.results) + len(self._batch.errors), len(self._batch.errors)

    # -- settling ------------------------------------------------------------------------------------------

    def settle(self, scope_instance: ScopeInstance, outcome: Outcome) -> None:
        """Take an outcome that is in the history, or can be recomputed, and everything that follows from it."""
        node_id = outcome.path.rpartition(".")[2]
        scope_instance.settle(node_id, outcome)
        self._queues.enter(scope_instance)
        self.check(scope_instance)

    def finalize(self, scope_instance: ScopeInstance, event: HistoryEvent, *, nondeterministic: bool) -> None:
        """Take a computed outcome; one that another driver might compute differently is appended first.

        So is a failure without an error route: what waits beside it is abandoned because of it.
        """
        if isinstance(event, Outcome) and event.port is None:
            scope_instance.failing = True
            self._queues.start(Append(scope_instance, event, is_failure=True))
        elif nondeterministic or not isinstance(event, Outcome):
            self._queues.start(Append(scope_instance, event))
        else:
            self._queues.recomputable.append(event)
            self.settle(scope_instance, event)

    # -- opening -------------------------------------------------------------------------------------------

    def open_batch(self, block: CompiledBlock, batch: Batch, variables: Mapping[str, Any]) -> ScopeInstance:
        """Begin a map batch; return the scope instance around it, in which nothing else runs."""
        prefix, _, node_id = batch.path.rpartition(".")
        inner = find_block(block, prefix)
        scope_instance = ScopeInstance(
            inner, ExecutionContext({**batch.scope, "vars": variables}), f"{prefix}." if prefix else ""
        )
        scope_instance.progress.ready.clear()
        node, now = inner.nodes[node_id], self._queues.now
        self._batch = LoopRun(node, scope_instance, now, batch.items, batch.first, batch.concurrency, batch.collect)
        self._queues.commands.append(Continue(self._batch))
        return scope_instance

    def open(self, scope_instance: ScopeInstance, node: NodeDefinition) -> None:
        """Begin a loop whose node is ready."""
        loop = LoopRun(node, scope_instance, self._queues.now)
        known = self._recorded_value(loop.path, ValueName.FAILED)
        if known is None and not self._bodies.loops_over_items(node.type):
            self._next_iteration(loop)
            return
        known = known or self._recorded_value(loop.path, ValueName.ITEMS)
        self._queues.at_once(ComputeItems(loop) if known is None else LoadValue(loop, known))

    def items_found(self, loop: LoopRun, result: NodeResult | Outcome, *, nondeterministic: bool) -> None:
        """Begin with the items; nondeterministic ones, or a failure to compute them, are recorded first."""
        if isinstance(result, Outcome):
            choice: dict[str, Any] = {"error": result.error}
        elif isinstance(result, ForEach):
            choice = {"items": list(result.items), "concurrency": result.concurrency, "collect": result.collect}
        else:
            raise TypeError(f"the node type {loop.node.type} must return items, not {type(result).__name__}")
        if nondeterministic:
            self._record_value(loop, RecordedValue(loop.path, ValueName.ITEMS, choice))
        elif isinstance(result, Outcome):
            self.finalize(loop.scope_instance, result, nondeterministic=False)
        else:
            self._begin_with(loop, choice)

    def _begin_with(self, loop: LoopRun, choice: Mapping[str, Any]) -> None:
        if "error" in choice:
            self._fail(loop, as_exception(choice["error"]))
            return
        loop.items, loop.concurrency, loop.collect = choice["items"], choice["concurrency"], choice["collect"]
        if len(choice["items"]) > limits.INLINE_ITEMS and self._batch is None:
            self._queues.start(Distribute(loop))
        else:
            self.go_on(loop)

    def _recorded_value(self, path: str, name: ValueName) -> RecordedValue | None:
        return self._bodies.recorded_values.get(RecordedValue(path, name).key)

    def _record_value(self, target: LoopRun | ScopeInstance, recorded_value: RecordedValue) -> None:
        """Append a recorded value about a loop or an iteration, and continue with the one that stands then."""
        loop = target if isinstance(target, LoopRun) else target.loop
        if loop is None:
            raise TypeError("the outermost scope instance is not an iteration")
        self._queues.start(RecordValue(target, recorded_value, loop.scope_instance))

    def value_loaded(self, target: LoopRun | ScopeInstance, recorded_value: RecordedValue) -> None:
        """Continue with a recorded value from the history, now that it is loaded."""
        if isinstance(target, ScopeInstance):
            self._close_with(target, recorded_value.output)
        elif recorded_value.name is ValueName.FAILED:
            target.broken, target.failing = recorded_value.output, False
            self.go_on(target)
        elif recorded_value.name is ValueName.ITEMS:
            self._begin_with(target, recorded_value.output)
        else:
            self._go_on_with(target, recorded_value.output)

    # -- continuing ------------------------------------------------------------------------------------------

    def check(self, scope_instance: ScopeInstance) -> None:
        """Check whether a scope instance has ended, after something in it has; if so, close it soon."""
        for one in scope_instance.around:
            if one.loop is None or one.closed or one.finalization:
                continue
            is_still = (
                one.running == 0 and not self._suspensions.abandon(one) if one.stopping else one.progress.finished
            )
            if is_still:
                one.finalization = True
                self._queues.commands.append(Close(one))

    def close(self, scope_instance: ScopeInstance) -> None:
        """End an iteration in which all has ended or nothing more may start."""
        loop = scope_instance.loop
        if loop is None or scope_instance.closed:
            return
        if scope_instance.failures:
            self._closed(scope_instance, error=scope_instance.failure)
        elif not scope_instance.progress.finished:
            stopped = {"code": "stopped", "message": "another item failed", "details": None, "node": loop.path}
            self._closed(scope_instance, error=stopped)
        else:
            known = self._recorded_value(f"{loop.path}[{scope_instance.index}]", ValueName.RESULT)
            self._queues.at_once(ComputeResult(scope_instance) if known is None else LoadValue(scope_instance, known))

    def result_found(
        self, scope_instance: ScopeInstance, result: Any, error: dict[str, Any] | None, *, nondeterministic: bool
    ) -> None:
        """Close an iteration with its result.

        A result that another driver could compute differently is recorded first, and so is each failure: what waits in
        other iterations is abandoned because of it.
        """
        loop = scope_instance.loop
        if loop is None:
            raise TypeError("the outermost scope instance is not an iteration")
        if nondeterministic or error is not None:
            found = {"value": result} if error is None else {"error": {**error, "node": loop.path}}
            loop.failing = loop.failing or (error is not None and not loop.collect)
            self._record_value(
                scope_instance, RecordedValue(f"{loop.path}[{scope_instance.index}]", ValueName.RESULT, found)
            )
        else:
            self._closed(scope_instance, result)

    def _close_with(self, scope_instance: ScopeInstance, found: Mapping[str, Any]) -> None:
        if scope_instance.loop is not None:
            scope_instance.loop.failing = False
        self._closed(scope_instance, found.get("value"), found.get("error"))

    def _closed(self, scope_instance: ScopeInstance, result: Any = None, error: dict[str, Any] | None = None) -> None:
        loop = scope_instance.loop
        if loop is None or scope_instance.closed:
            return
        loop.close_iteration(scope_instance, result, error)
        self._suspensions.forget(scope_instance)
        loop.size += check_output(result if error is None else error, limits.MAX_OUTPUT_BYTES, _ANY_DEPTH)
        if loop.size > limits.MAX_OUTPUT_BYTES and not loop.failed and not loop.failing:
            self._break(loop)
        if not loop.scope_instance.stopping:
            self.go_on(loop)
        self.check(loop.scope_instance)

    def _break(self, loop: LoopRun) -> None:
        """Fail a loop whose results are already too large, once that is recorded."""
        loop.failing = True
        message = f"the output is larger than {limits.MAX_OUTPUT_BYTES} bytes"
        error = bounded(NodeError(message, code="output_too_large"))
        self._record_value(loop, RecordedValue(loop.path, ValueName.FAILED, error))

    def go_on(self, loop: LoopRun) -> None:
        """Open as many iterations as may run, or end the loop when none is left."""
        if loop.items is None and not loop.failed:
            if not loop.failing:
                self._next_iteration(loop)
            return
        while loop.may_open:
            self._open_iteration(loop, loop.items[loop.opened] if loop.items is not None else None)
        if loop.failed:
            for scope_instance in list(loop.open.values()):
                self.check(scope_instance)
        if not loop.open and (loop.failed or loop.opened == len(loop.items or ())):
            self._end(loop)

    def _open_iteration(self, loop: LoopRun, item: Any) -> None:
        index = loop.first + loop.opened
        callbacks = self._bodies.callbacks(loop.block, f"{loop.path}[{index}].")
        self._queues.enter(loop.open_iteration(item, callbacks))

    def _next_iteration(self, loop: LoopRun) -> None:
        """Open one more iteration of a `while` if its condition holds; it is evaluated once for all drivers."""
        if loop.errors:
            self._end(loop)
            return
        known = self._recorded_value(f"{loop.path}[{loop.opened}]", ValueName.CONTINUES)
        data = {"item": loop.results.get(loop.opened - 1), "index": loop.opened}
        self._queues.at_once(ComputeCondition(loop, data) if known is None else LoadValue(loop, known))

    def condition_found(self, loop: LoopRun, result: NodeResult | Outcome, *, nondeterministic: bool) -> None:
        """Continue a `while`, or end it."""
        if isinstance(result, Outcome):
            choice: dict[str, Any] = {"error": result.error}
        elif isinstance(result, Repeat):
            choice = {"most": result.max_iterations if result.goes_on else 0}
        else:
            raise TypeError(f"the node type {loop.node.type} must return a repetition, not {type(result).__name__}")
        if nondeterministic:
            self._record_value(loop, RecordedValue(f"{loop.path}[{loop.opened}]", ValueName.CONTINUES, choice))
        else:
            self._go_on_with(loop, choice)

    def _go_on_with(self, loop: LoopRun, choice: Mapping[str, Any]) -> None:
        if "error" in choice:
            self._fail(loop, as_exception(choice["error"]))
        else:
            self._repeat(loop, loop.results.get(loop.opened - 1), choice["most"])

    def _repeat(self, loop: LoopRun, before: Any, most: int) -> None:
        """Continue while fewer than `most` iterations have run; 0 means that the condition does not hold."""
        if not most:
            self._end(loop)
        elif loop.opened >= most:
            message = f"the condition still holds after {most} iterations, which is `max_iterations`"
            self._fail(loop, NodeError(message, code="max_iterations", details={"max_iterations": most}))
        else:
            self._open_iteration(loop, before)

    # -- ending --------------------------------------------------------------------------------------------

    def _end(self, loop: LoopRun) -> None:
        if loop.ending:
            return
        loop.ending = True
        if loop.broken is not None:
            self._fail(loop, as_exception(loop.broken))
            return
        if loop.failed:
            index = min(i for i, error in loop.errors.items() if error.get("code") != "stopped")
            error = loop.errors[index]
            details = {"index": index, "error": error}
            message = f"item {index} failed: {error.get('message')}"
            self._fail(loop, NodeError(message, code=str(error.get("code") or "item_failed"), details=details))
            return
        output = loop.output()
        try:
            check_output(output, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
        except NodeError as error:
            self._fail(loop, error)
            return
        now = self._queues.now
        self._finalize(loop, Outcome(loop.path, NodeStatus.SUCCEEDED, loop.started_at, now, output=output))

    def _fail(self, loop: LoopRun, error: NodeError) -> None:
        loop.nondeterministic = True
        self._finalize(loop, loop.scope_instance.failed(loop.node, error, loop.started_at, self._queues.now))

    def _finalize(self, loop: LoopRun, outcome: Outcome) -> None:
        if loop is self._batch:
            self.batch_outcome = outcome
        else:
            nondeterministic = loop.nondeterministic or loop.scope_instance.is_order_dependent(loop.node.id)
            self.finalize(loop.scope_instance, outcome, nondeterministic=nondeterministic)
