"""The details of one node of an execution: its input, its attempts, its whole output."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine import limits
from engine.clock import Clock
from engine.errors import NodeError, NotFound
from engine.execution.callbacks import callback_url
from engine.execution.context import ExecutionContext
from engine.execution.inspection import (
    HIDDEN,
    ConfigProblem,
    evaluate_config,
    load_needed,
    settle_block,
    without_secrets,
)
from engine.execution.node_states import NodeState, iteration_states, node_states
from engine.history.events import History, NodeStatus, RecordedValue, Stored, ValueName, WaitKind
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution, LogLine
from engine.nodes.base import ForEach
from engine.nodes.context import NodeContext, NodeServices
from engine.nodes.registry import NodeExecutorFactory
from engine.security.permissions import Permission
from engine.services.executions.node_history import ref_of_node
from engine.services.principal import Principal
from engine.storage.repositories import Repositories
from engine.workflow.compiled import CompiledBlock, find_block, find_node, prepare_once
from engine.workflow.definition import NodeDefinition, WorkflowDefinition
from engine.workflow.expressions.templates import render_result

_MOST_BYTES = 4 * 1024 * 1024
_LINK_SECONDS = 15 * 60
_ENDED = (NodeStatus.SUCCEEDED, NodeStatus.FAILED)
_LOG_LINES = 2_000
"""Lines of a log that are searched at most for the attempts of a node."""


@dataclass(frozen=True, slots=True)
class AttemptView:
    """An attempt of a node: it has failed, waits, or has succeeded."""

    attempt: int
    status: NodeStatus
    at: datetime | None
    error: dict[str, Any] | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IterationView:
    """One iteration of a loop."""

    index: int
    status: NodeStatus
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NodeDetails:
    """A node of an execution. `output_url` returns an output that is too large to be shown."""

    execution: Execution
    node: NodeDefinition
    state: NodeState
    evaluated: dict[str, Any] | None
    problems: list[ConfigProblem]
    history: list[AttemptView]
    scope: dict[str, Any]
    came_from: list[str]
    iterations: list[IterationView] | None
    next_iteration: int | None
    output_bytes: int | None = None
    output_url: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A node and its surroundings: `ref` is the execution, or the map batch, whose history has it."""

    execution: Execution
    definition: WorkflowDefinition
    whole: CompiledBlock
    block: CompiledBlock
    ref: ExecutionRef
    history: History


class NodeInspector:
    """Reconstructs the input of nodes."""

    def __init__(self, repositories: Repositories, api_url: str, clock: Clock) -> None:
        self._executions = repositories.executions
        self._histories = repositories.histories
        self._logs = repositories.logs
        self._payloads = repositories.payloads
        self._workflows = repositories.workflows
        self._factory = NodeExecutorFactory()
        self._api_url = api_url
        self._clock = clock

    def details(self, principal: Principal, execution_id: str, path: str, after: int | None, limit: int) -> NodeDetails:
        """Return the details of the node at a path; for a loop the iterations after `after`.

        Raises:
            NotFound: the execution, node or iteration does not exist.
        """
        place = self.place(principal.workspace_id, execution_id, path)
        node = find_node(place.whole, path)
        if node is None:
            raise NotFound(f"the workflow has no node `{path[:200]}`")
        state = self._state(place, path, node)
        if find_node(place.block, path) is None:  # a test run has skipped it
            return NodeDetails(place.execution, node, state, None, [], [], {}, [], None, None)
        context, around = self.context(place, path, shows_callbacks=principal.may(Permission.EXECUTE))
        progress = settle_block(context, *around, place.history)
        evaluated = problems = None
        if node.id in around[0].nodes and state.status is not NodeStatus.SKIPPED:
            load_needed(context, around[0].reads_of(node.id), lambda one: self.load(place.ref, one))
            found = evaluate_config(
                self._factory.node_class(node.type).Config, node.config, context.scope(self._clock.now())
            )
            evaluated, problems = without_secrets(found.value), found.problems
        iterations, following = self._iterations(place, path, node, after, limit)
        view = NodeDetails(
            place.execution,
            node,
            state,
            evaluated,
            problems or [],
            self._attempts(place, path, state),
            {name: context.data[name] for name in ("item", "index") if name in context.data},
            list(progress.came_from.get(node.id, ())),
            iterations,
            following,
        )
        return self._with_output(view, place.ref)

    def place(self, workspace_id: str, execution_id: str, path: str) -> Place:
        """Find the history of a node. Raises NotFound."""
        execution = self._executions.with_progress(workspace_id, execution_id, _MOST_BYTES)
        stored = self._workflows.get_version(execution.workflow_id, execution.workflow_version)
        definition = WorkflowDefinition.model_validate(stored.definition)
        whole = block = prepare_once(definition, self._factory)
        if execution.trial is not None:
            definition = execution.trial.applied(definition)
            block = prepare_once(definition, self._factory)
        if path and find_node(whole, path) is None:
            raise NotFound(f"the workflow has no node `{path[:200]}`")
        ref = ref_of_node(self._histories, execution_id, path) if "[" in path else execution.ref
        return Place(execution, definition, whole, block, ref, self._histories.without_outputs(ref))

    def _state(self, place: Place, path: str, node: NodeDefinition) -> NodeState:
        if place.ref.batch is None:
            states = node_states(place.block, place.history, place.execution, place.whole)
            found = next((state for state in states if state.id == path), None)
            return found or NodeState(path, node.type, NodeStatus.PENDING)
        inner = find_block(place.block, path.rpartition(".")[0])
        prefix = path.rpartition(".")[0] + "."
        states = iteration_states(inner, place.history, place.execution, prefix)
        return next((state for state in states if state.id == path), NodeState(path, node.type, NodeStatus.PENDING))

    # -- the scope of the node ---------------------------------------------------------------------------------

    def context(
        self, place: Place, path: str, *, shows_callbacks: bool = False
    ) -> tuple[ExecutionContext, tuple[CompiledBlock, str]]:
        """Return the scope around a node, its block and its path prefix; outcomes of that block are not added."""
        loops = path.split(".")[:-1]
        block, prefix, history = place.block, "", place.history
        callbacks = self._callbacks(place, block, prefix, shows=shows_callbacks)
        context = ExecutionContext.of(place.execution, place.definition.vars, self._api_url, callbacks)
        batch = place.ref.batch
        if batch is not None:
            around = History.of(self._histories.get(place.ref.whole, [batch.wait_key]))
            wait = around.waits[batch.path]
            work = self._histories.batch(replace(wait, output=self._histories.load(wait.output)), batch.number)
            depth = len(batch.path.split("."))
            index = int(loops[depth - 1].partition("[")[2].rstrip("]"))
            block = find_block(place.block, ".".join(loops[:depth]))
            prefix = ".".join(loops[:depth]) + "."
            scope = {**work.scope, "vars": place.definition.vars}
            context = ExecutionContext({**scope, "item": work.items[index - work.first], "index": index})
            loops = loops[depth:]
        for step in loops:
            name, _, number = step.partition("[")
            settle_block(context, block, prefix, history)
            item = self._item(place, context, block, prefix, name, int(number.rstrip("]")))
            block, prefix = block.bodies[name], f"{prefix}{step}."
            more = self._callbacks(place, block, prefix, shows=shows_callbacks)
            context = context.within(None, more, item=item, index=int(number.rstrip("]")))
        return context, (block, prefix)

    def _item(
        self, place: Place, context: ExecutionContext, block: CompiledBlock, prefix: str, name: str, index: int
    ) -> Any:
        """Return the item of an iteration of a loop."""
        node = block.nodes[name]
        if not self._factory.node_class(node.type).loops_over_items:
            if index not in _indexes(place.history, f"{prefix}{name}"):
                raise NotFound(f"the loop `{prefix}{name}` has no iteration {index}")
            return self._result_before(place, context, block.bodies[name], f"{prefix}{name}", index)
        pinned = place.history.recorded_values.get(RecordedValue(f"{prefix}{name}", ValueName.ITEMS).key)
        if pinned is not None:
            items = self.load(place.ref, pinned.output).get("items", [])
        else:
            load_needed(context, block.reads_of(name), lambda one: self.load(place.ref, one))
            scope = context.scope(self._clock.now())
            execution = place.execution
            seen = NodeContext(
                execution.id, execution.workspace_id, f"{prefix}{name}", 1, scope, NodeServices(), self._clock
            )
            try:
                result = asyncio.run(self._factory.create(node).execute(seen))
            except NodeError:
                return None
            items = result.items if isinstance(result, ForEach) else []
        if index >= len(items):
            raise NotFound(f"the loop `{prefix}{name}` has {len(items)} items")
        return items[index]

    def _result_before(
        self, place: Place, context: ExecutionContext, body: CompiledBlock, loop: str, index: int
    ) -> Any:
        """Return the result of the previous iteration, which is the item of the next one of a `while`."""
        if index == 0:
            return None
        before = f"{loop}[{index - 1}]"
        pinned = place.history.recorded_values.get(RecordedValue(before, ValueName.RESULT).key)
        if pinned is not None:
            return self.load(place.ref, pinned.output).get("value")
        inner = context.within(None, {}, index=index - 1)
        progress = settle_block(inner, body, f"{before}.", place.history)
        load_needed(inner, None, lambda one: self.load(place.ref, one))
        if not body.body.has_output:
            return {node_id: inner.nodes.get(node_id) for node_id in progress.ends(progress.settled)}
        try:
            return render_result(body.body.output, inner.scope(self._clock.now()), "output")
        except NodeError:
            return None

    def _callbacks(self, place: Place, block: CompiledBlock, prefix: str, *, shows: bool) -> Mapping[str, str]:
        """Return the URLs of callbacks, for those who may call them."""
        waiting = [node.id for node in block.body.nodes if self._factory.node_class(node.type).has_callback]
        execution = place.execution
        return {
            name: callback_url(self._api_url, execution.id, execution.secret, prefix + name) if shows else HIDDEN
            for name in waiting
        }

    def load(self, ref: ExecutionRef, value: Any) -> Any:
        """Return a value, loaded if it is stored elsewhere."""
        if isinstance(value, Stored) and "key" in value.reference:
            value = self._histories.outputs(ref, [value.reference["key"]]).get(value.reference["key"])
        return self._histories.load(value)

    # -- attempts and iterations -------------------------------------------------------------------------------

    def _attempts(self, place: Place, path: str, state: NodeState) -> list[AttemptView]:
        """Return the failed attempts, according to the log; and the current one."""
        failed = [_attempt(line) for line in self._failures(place, path)]
        timer = place.history.timers.get(path)
        if failed and timer is not None and timer.next_attempt == failed[-1].attempt + 1:
            failed[-1] = replace(failed[-1], next_at=timer.due_at)
        if state.status in _ENDED:
            error = state.error if state.status is NodeStatus.FAILED else None
            return [*failed, AttemptView(state.attempts, state.status, state.completed_at, error)]
        if state.wait is not None:
            return [*failed, AttemptView(state.wait.attempt, NodeStatus.WAITING, state.wait.started_at)]
        return failed

    def _failures(self, place: Place, path: str) -> Sequence[LogLine]:
        lines = self._logs.read(place.execution.id, None, _LOG_LINES)
        return [line for _, line in lines if line.node_id == path and "failed_attempt" in (line.metadata or {})]

    def _iterations(
        self, place: Place, path: str, node: NodeDefinition, after: int | None, limit: int
    ) -> tuple[list[IterationView] | None, int | None]:
        """Return the iterations of a loop after one of them, and the last of these if there are more."""
        if node.body is None:
            return None, None
        inner = find_block(place.block, f"{path}[0]") if find_node(place.block, path) else None
        if inner is None:
            return [], None
        first = 0 if after is None else after + 1
        wait = place.history.waits.get(path)
        histories = [place.history]
        if wait is not None and wait.kind is WaitKind.DISTRIBUTED_MAP:
            size = limits.BATCH_ITEMS
            numbers = range(first // size, (first + limit) // size + 1)
            histories = [
                self._histories.without_outputs(ExecutionRef.of_batch(place.execution.id, path, one)) for one in numbers
            ]
        found: dict[int, IterationView] = {}
        for history in histories:
            for index in _indexes(history, path):
                if index >= first:
                    states = list(iteration_states(inner, history, place.execution, f"{path}[{index}]."))
                    found[index] = _iteration(index, states)
        shown = [found[index] for index in sorted(found)]
        return shown[:limit], shown[limit - 1].index if len(shown) > limit else None

    def _with_output(self, view: NodeDetails, ref: ExecutionRef) -> NodeDetails:
        output, state = view.state.output, view.state
        if isinstance(output, Stored) and "key" in output.reference:
            output = self._histories.outputs(ref, [output.reference["key"]]).get(output.reference["key"])
        if state.wait is not None:
            state = replace(state, wait=replace(state.wait, output=self.load(ref, state.wait.output)))
        if isinstance(output, Stored) and output.reference.get("bytes", 0) > _MOST_BYTES:
            url = self._payloads.url(output, "output.json", _LINK_SECONDS)
            size = int(output.reference["bytes"])
            return replace(view, state=replace(state, output=None), output_bytes=size, output_url=url)
        return replace(view, state=replace(state, output=self._histories.load(output)))


def _attempt(line: LogLine) -> AttemptView:
    told = line.metadata or {}
    error = {"code": told.get("code"), "message": told.get("reason")}
    return AttemptView(int(told["failed_attempt"]), NodeStatus.FAILED, line.timestamp, error)


def _indexes(history: History, path: str) -> set[int]:
    begin = f"{path}["
    paths = (*history.outcomes, *history.timers, *history.waits)
    return {int(one[len(begin) :].partition("]")[0]) for one in paths if one.startswith(begin)}


def _iteration(index: int, states: Sequence[NodeState]) -> IterationView:
    """Return the state of an iteration, derived from its nodes."""
    own = [state for state in states if state.id.count("[") == states[0].id.count("[")]
    started = min((state.started_at for state in own if state.started_at), default=None)
    statuses = {state.status for state in own}
    if any(state.status is NodeStatus.FAILED and state.port is None for state in own):
        status = NodeStatus.FAILED
    elif statuses <= {*_ENDED, NodeStatus.SKIPPED}:
        status = NodeStatus.SUCCEEDED
    else:
        is_waiting = NodeStatus.WAITING in statuses and NodeStatus.RUNNING not in statuses
        status = NodeStatus.WAITING if is_waiting else NodeStatus.RUNNING
    ended = max((state.completed_at for state in own if state.completed_at), default=None)
    return IterationView(index, status, started, ended if status in _ENDED else None)
