"""The laws that every finished execution keeps, whatever happened on the way.

One final status; nothing starts before its live predecessors have ended; a join fires once; skipped is propagated;
finished if and only if nothing live is left; what a loop's iterations gave is what the loop gave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from engine.execution.node_states import NodeState
from engine.history.events import HistoryEvent, Outcome, Signal
from engine.history.model import Execution, Status
from engine.workflow.compiled import CompiledBlock, find_block

ENDED = {"succeeded", "failed", "skipped", "cancelled"}
WITH_EFFECTS = {"effect", "approval", "wait_for_callback", "sub_workflow", "http"}
DECIDED = ("succeeded", "failed", "skipped")


def check_history(
    block: CompiledBlock,
    execution: Execution,
    states: Mapping[str, NodeState],
    events: Sequence[tuple[str, str, int]] = (),
    *,
    recomputed: bool = False,
) -> None:
    """Check one finished execution.

    Args:
        region: what ran.
        execution: its record.
        states: each node's state, by path.
        events: starts and ends of nodes with effects, in the order in which they happened, if known.
        recomputed: whether another driver may have computed again what has no effects, which then bears a later time.
    """
    assert execution.status.is_final, execution.status
    assert execution.completed_at is not None
    assert execution.started_at is None or execution.started_at <= execution.completed_at
    for path, state in states.items():
        assert state.status in ENDED, (path, state.status)
        prefix, _, node_id = path.rpartition(".")
        inner = find_block(block, prefix)
        check_node(inner, f"{prefix}." if prefix else "", node_id, states, execution, recomputed=recomputed)
    check_order(block, events)
    if execution.status is Status.SUCCEEDED:
        cancelled = [path for path, state in states.items() if state.status == "cancelled"]
        assert all(_in_a_failed_loop(path, states) for path in cancelled), cancelled
        assert execution.error is None
    if execution.status in (Status.FAILED, Status.TIMED_OUT):
        assert execution.error
        assert execution.error["message"]


def check_node(
    block: CompiledBlock,
    prefix: str,
    node: str,
    states: Mapping[str, NodeState],
    execution: Execution,
    *,
    recomputed: bool,
) -> None:
    """A node ran iff every predecessor ended and at least one edge to it fired; else it was skipped."""
    incoming = block.graph.incoming[node]
    state = states[prefix + node]
    if not incoming:
        assert state.status != "skipped", f"{node} has no predecessors and was skipped"
        return
    sources = [states[prefix + edge.source] for edge in incoming]
    if state.status in ("succeeded", "failed"):
        if node not in block.graph.first_of:
            assert all(source.status in DECIDED for source in sources), f"{node} ran early"
        fired = [edge for edge in incoming if states[prefix + edge.source].port == edge.port]
        assert fired, f"{node} ran without cause"
        timed = [source for source in sources if source.type in WITH_EFFECTS or not recomputed]
        ends = [source.completed_at for source in timed if source.completed_at]
        if node in block.graph.first_of and len(timed) < len(sources):
            ends = []  # the one that came first may be one whose time is not known any more
        if state.started_at and ends:
            first = min(ends) if node in block.graph.first_of else max(ends)
            assert first <= state.started_at, f"{node} started before what it waits for ended"
    elif state.status == "skipped":
        assert all(source.status in DECIDED for source in sources)
        ports = {source.id: source.port for source in sources if source.status in ("succeeded", "failed")}
        live = [edge for edge in incoming if ports.get(prefix + edge.source) == edge.port]
        assert not live, f"{node} was skipped though an edge fired"
    elif state.status == "cancelled":
        assert execution.status is not Status.SUCCEEDED or _in_a_failed_loop(prefix + node, states)


def check_order(block: CompiledBlock, events: Sequence[tuple[str, str, int]]) -> None:
    """Nothing with an effect starts before each of its predecessors with an effect has ended its last attempt."""
    last_end = {path: i for i, (what, path, _) in enumerate(events) if what == "end"}
    first_start: dict[str, int] = {}
    for i, (what, path, _) in enumerate(events):
        if what == "start":
            first_start.setdefault(path, i)
    for path, position in first_start.items():
        prefix, _, node = path.rpartition(".")
        inner, at = find_block(block, prefix), f"{prefix}." if prefix else ""
        if node in inner.graph.first_of:
            continue
        for edge in inner.graph.incoming[node]:
            if edge.source not in inner.graph.order_dependent and at + edge.source in last_end:
                assert last_end[at + edge.source] < position, f"{path} started before {edge.source} ended"


def check_history_keys(entries: Sequence[HistoryEvent]) -> None:
    """Each place in the history was written once; a node has one outcome and each of its waits one answer."""
    keys = Counter(entry.key for entry in entries)
    assert not [key for key, count in keys.items() if count > 1]
    paths = Counter(entry.path for entry in entries if isinstance(entry, Outcome))
    assert not [path for path, count in paths.items() if count > 1]
    answers = Counter((entry.path, entry.attempt) for entry in entries if isinstance(entry, Signal))
    assert not [answer for answer, count in answers.items() if count > 1]


def _in_a_failed_loop(path: str, states: Mapping[str, NodeState]) -> bool:
    """What was under way in an iteration that failed, or whose loop did, is cancelled though the run goes on."""
    while "." in path:
        prefix = path.rpartition(".")[0]
        loop = prefix[: prefix.rindex("[")]
        siblings = [s for p, s in states.items() if p.startswith(f"{prefix}.") and "." not in p[len(prefix) + 1 :]]
        if states[loop].status == "failed" or any(state.status == "failed" for state in siblings):
            return True
        path = loop
    return False
