"""The state of each node of an execution, derived from its history: for the API and for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine import limits
from engine.errors import InvalidInput
from engine.history.events import History, NodeStatus, Outcome, PendingSignal, Stored, WaitKind
from engine.history.model import Execution, Status
from engine.workflow.compiled import CompiledBlock
from engine.workflow.definition import NodeDefinition
from engine.workflow.graph import Progress
from engine.workflow.trial import Trial


@dataclass(frozen=True, slots=True)
class NodeState:
    """One node's state.

    `id` is the node's path: `each[3].fetch` is a node in the fourth iteration of a loop. `wait` is the signal or time
    that it waits for. `progress` is the progress of a loop: `{total, done, failed}`, with `total` None while it is
    unknown.
    """

    id: str
    type: str
    status: NodeStatus
    attempts: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    output: Any = None
    error: dict[str, Any] | None = None
    wait: PendingSignal | None = None
    progress: Mapping[str, int | None] | None = None
    port: str | None = None
    """The port by which the node ended; None before it ends."""
    is_pinned: bool = False
    dollars: float | None = None
    """Estimate of what it has cost; None where it is not asked for."""


def node_states(
    block: CompiledBlock, history: History, execution: Execution, shown: CompiledBlock | None = None
) -> list[NodeState]:
    """Return the state of each node in the definition's order; a loop is followed by its iterations that began.

    A node without an event in the history is `running` if it may run now; nothing is written when a node starts, which
    would cost a write each time. At most `MAX_SHOWN_ITERATIONS` iterations are returned in total. In a test run,
    `block` may be a part of the workflow; all other nodes in `shown` are skipped.
    """
    return _StateReader(history, execution).states(block, shown or block)


def iteration_states(block: CompiledBlock, history: History, execution: Execution, prefix: str) -> list[NodeState]:
    """Return the states in one iteration of a loop, whose paths begin with `prefix`."""
    return _StateReader(history, execution).states(block, block, prefix)


def node_page(states: Sequence[NodeState], after: str | None) -> tuple[list[NodeState], str | None]:
    """Return `SHOWN_NODES` states after that of the node with path `after`, and the last path if there are more.

    Raises:
        InvalidInput: there is no such node in this execution.
    """
    begin = 0
    if after is not None:
        begin = next((place for place, state in enumerate(states, 1) if state.id == after), 0)
        if not begin:
            raise InvalidInput.at("nodes_after", "not the path of a node that this execution has shown")
    found = list(states[begin : begin + limits.SHOWN_NODES])
    return found, found[-1].id if begin + len(found) < len(states) else None


class _StateReader:
    def __init__(self, history: History, execution: Execution) -> None:
        self._history = history
        self._execution = execution
        self._trial = execution.trial or Trial()
        self._left = limits.MAX_SHOWN_ITERATIONS
        self._iterations: dict[str, set[int]] = defaultdict(set)
        for path in (*history.outcomes, *history.timers, *history.waits):
            self._note(path)

    def _note(self, path: str) -> None:
        """Remember the iterations of loops that a path is in."""
        end = path.find("].")
        while end >= 0:
            loop, _, index = path[:end].rpartition("[")
            self._iterations[loop].add(int(index))
            end = path.find("].", end + 1)

    def states(self, block: CompiledBlock, shown: CompiledBlock, prefix: str = "") -> list[NodeState]:
        """Return all states."""
        return list(self._block(block, shown, prefix))

    def _block(self, block: CompiledBlock, shown: CompiledBlock, prefix: str) -> Iterator[NodeState]:
        progress, active = self._progress(block, prefix)
        for node in shown.body.nodes:
            path = prefix + node.id
            if node.id not in block.nodes:
                yield NodeState(path, node.type, NodeStatus.SKIPPED)
                continue
            state = self._state(node, path, skipped=node.id in progress.skipped, active=node.id in active)
            if self._trial.pin_at(path) is not None:
                state = replace(state, is_pinned=True)
            if node.body is None:
                yield state
                continue
            inner = block.bodies[node.id]
            yield self._with_progress(state, inner, path)
            for index in sorted(self._iterations.get(path, ())):
                if self._left > 0:
                    self._left -= 1
                    yield from self._block(inner, shown.bodies[node.id], f"{path}[{index}].")

    def _progress(self, block: CompiledBlock, prefix: str) -> tuple[Progress, set[str]]:
        """Compute the progress of a block, and which of its nodes may run now."""
        progress = Progress(block.graph)
        active: set[str] = set()
        while progress.ready:
            node_id = progress.ready.popleft()
            outcome = self._history.outcomes.get(prefix + node_id)
            if outcome is not None:
                progress.settle(node_id, outcome.port)
            else:
                active.add(node_id)
        return progress, active

    def _state(self, node: NodeDefinition, path: str, *, skipped: bool, active: bool) -> NodeState:
        outcome, status = self._history.outcomes.get(path), self._execution.status
        if outcome is not None:
            return _ended(node, outcome)
        if skipped:
            return NodeState(path, node.type, NodeStatus.SKIPPED)
        waiting = self._waiting(node, path)
        if waiting is not None:
            return waiting
        if status.is_final:
            return NodeState(path, node.type, NodeStatus.CANCELLED)
        if node.body is not None and active and status is Status.WAITING:
            return NodeState(path, node.type, NodeStatus.WAITING)
        running = active and status is not Status.PENDING
        return NodeState(path, node.type, NodeStatus.RUNNING if running else NodeStatus.PENDING)

    def _waiting(self, node: NodeDefinition, path: str) -> NodeState | None:
        """Return the state of a node that waits for a signal or a time; None if it does not."""
        shown = NodeStatus.CANCELLED if self._execution.status.is_final else NodeStatus.WAITING
        wait, timer = self._history.open_signal(path), self._history.timers.get(path)
        if wait is not None:
            return NodeState(path, node.type, shown, wait.attempt, wait.started_at, wait=wait)
        if timer is not None:
            attempts = timer.next_attempt - 1 - timer.postponed if timer.next_attempt else 1
            return NodeState(path, node.type, shown, attempts, timer.started_at, error=timer.error)
        return None

    def _with_progress(self, state: NodeState, inner: CompiledBlock, path: str) -> NodeState:
        distributed = self._execution.progress.get(path)
        wait = self._history.waits.get(path)
        if wait is not None and wait.kind is WaitKind.DISTRIBUTED_MAP:
            total = None if isinstance(wait.output, Stored) else wait.output["count"]
            told = distributed or {}
            progress = {"total": total, "done": told.get("done", 0), "failed": told.get("failed", 0)}
        else:
            output = state.output
            ends = [self._iteration_end(inner, f"{path}[{index}].") for index in self._iterations.get(path, ())]
            total = len(output) if isinstance(output, list) else None
            progress = {"total": total, "done": ends.count("done"), "failed": ends.count("failed")}
        if state.status in (NodeStatus.SKIPPED, NodeStatus.PENDING):
            return state
        is_distributed = wait is not None and wait.kind is WaitKind.DISTRIBUTED_MAP
        return replace(state, wait=None if is_distributed else state.wait, progress=progress)

    def _iteration_end(self, inner: CompiledBlock, prefix: str) -> str:
        progress, _ = self._progress(inner, prefix)
        outcomes = [self._history.outcomes.get(prefix + node_id) for node_id in progress.settled]
        if any(outcome is not None and outcome.port is None for outcome in outcomes):
            return "failed"
        return "done" if progress.finished else "open"


def _ended(node: NodeDefinition, outcome: Outcome) -> NodeState:
    return NodeState(
        outcome.path,
        node.type,
        outcome.status,
        outcome.attempts,
        outcome.started_at,
        outcome.completed_at,
        outcome.output,
        outcome.error,
        port=outcome.port,
    )
