"""What each node of an execution is doing, told from the journal: for the API and for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.definition import NodeDefinition, WorkflowDefinition
from engine.execution import Status
from engine.graph import Graph, Progress
from engine.journal import Outcome, Timer


@dataclass(frozen=True, slots=True)
class NodeState:
    """One node's state: pending, running, waiting, succeeded, failed, skipped or cancelled."""

    id: str
    type: str
    status: str
    attempts: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    output: Any = None
    error: dict[str, Any] | None = None


def node_states(
    definition: WorkflowDefinition, outcomes: Mapping[str, Outcome], timers: Mapping[str, Timer], status: Status
) -> list[NodeState]:
    """The state of each node, in the definition's order.

    A node that nobody has journalled yet is `running` if it may run now; nothing is written to say that it
    has started, which would cost a write each time.
    """
    progress = Progress(Graph.of(definition))
    active: set[str] = set()
    while progress.ready:
        node_id = progress.ready.popleft()
        if node_id in outcomes:
            progress.settle(node_id, outcomes[node_id].port)
        else:
            active.add(node_id)
    return [
        _state(node, progress, active, outcomes.get(node.id), timers.get(node.id), status) for node in definition.nodes
    ]


def _state(
    node: NodeDefinition,
    progress: Progress,
    active: set[str],
    outcome: Outcome | None,
    timer: Timer | None,
    status: Status,
) -> NodeState:
    if outcome is not None:
        return NodeState(
            node.id,
            node.type,
            outcome.status,
            outcome.attempts,
            outcome.started_at,
            outcome.completed_at,
            outcome.output,
            outcome.error,
        )
    if node.id in progress.skipped:
        return NodeState(node.id, node.type, "skipped")
    if timer is not None:
        attempts = timer.next_attempt - 1 if timer.next_attempt else 1
        shown = "cancelled" if status.is_final else "waiting"
        return NodeState(node.id, node.type, shown, attempts, timer.started_at, error=timer.error)
    if status.is_final:
        return NodeState(node.id, node.type, "cancelled")
    running = node.id in active and status is not Status.PENDING
    return NodeState(node.id, node.type, "running" if running else "pending")
