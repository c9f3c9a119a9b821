"""The laws that every finished execution keeps, whatever happened on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.definition import WorkflowDefinition
from engine.execution import Execution, Status
from engine.graph import Graph
from engine.states import NodeState

ENDED = {"succeeded", "failed", "skipped", "cancelled"}


def check_history(
    definition: WorkflowDefinition,
    execution: Execution,
    states: Mapping[str, NodeState],
    events: Sequence[tuple[str, str, int]] = (),
) -> None:
    """Check one finished execution.

    Args:
        definition: what ran.
        execution: its record.
        states: each node's state, by id.
        events: starts and ends of nodes with effects, in the order in which they happened, if known.
    """
    graph = Graph.of(definition)
    assert execution.status.is_final, execution.status
    assert execution.completed_at is not None
    assert execution.started_at is None or execution.started_at <= execution.completed_at
    for node in graph.nodes:
        assert states[node].status in ENDED, (node, states[node].status)
        check_node(graph, node, states, execution)
    check_order(graph, events)
    if execution.status is Status.SUCCEEDED:
        assert not any(state.status == "cancelled" for state in states.values())
        assert execution.error is None
    if execution.status is Status.FAILED:
        assert execution.error
        assert execution.error["message"]


def check_node(graph: Graph, node: str, states: Mapping[str, NodeState], execution: Execution) -> None:
    """A node ran iff every predecessor ended and at least one edge to it fired; else it was skipped."""
    incoming = graph.incoming[node]
    state = states[node]
    if not incoming:
        assert state.status != "skipped", f"{node} has no predecessors and was skipped"
        return
    sources = [states[edge.source] for edge in incoming]
    if state.status in ("succeeded", "failed"):
        assert all(source.status in ("succeeded", "failed", "skipped") for source in sources), f"{node} ran early"
        assert any(source.status in ("succeeded", "failed") for source in sources), f"{node} ran without cause"
        for source in sources:
            if source.completed_at and state.started_at:
                assert source.completed_at <= state.started_at, f"{node} started before {source.id} ended"
    elif state.status == "skipped":
        assert all(source.status in ("succeeded", "failed", "skipped") for source in sources)
        live = [e for e in incoming if e.port == "main" and states[e.source].status == "succeeded"]
        assert not live, f"{node} was skipped though an edge fired"
    elif state.status == "cancelled":
        assert execution.status is not Status.SUCCEEDED


def check_order(graph: Graph, events: Sequence[tuple[str, str, int]]) -> None:
    """Nothing with an effect starts before each of its predecessors with an effect has ended its last attempt."""
    last_end = {name: i for i, (what, name, _) in enumerate(events) if what == "end"}
    first_start: dict[str, int] = {}
    for i, (what, name, _) in enumerate(events):
        if what == "start":
            first_start.setdefault(name, i)
    for node, position in first_start.items():
        for edge in graph.incoming[node]:
            if edge.source in last_end:
                assert last_end[edge.source] < position, f"{node} started before {edge.source} ended"
