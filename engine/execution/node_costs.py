"""What each node of an execution has cost: an estimate, since invocations are metered, and one runs many nodes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from engine.execution.node_states import NodeState
from engine.history.events import History, Outcome, loops_around
from engine.history.model import Execution

_CALLS_MODELS = "ai_chat"


def node_costs(states: Sequence[NodeState], history: History, execution: Execution) -> dict[str, float]:
    """Return dollars by path; a loop's are with all that ran in it. Together they are what the execution has cost.

    Computing is shared out by the time that nodes took without waiting, the models by the time of the nodes that ask
    them, and all else by how much was written for each node. What was taken over from an earlier run cost it nothing.
    """
    loops = {_id_in(state.id) for state in states if state.progress is not None}
    models = {_id_in(state.id) for state in states if state.type == _CALLS_MODELS}
    old = {path for path, outcome in history.outcomes.items() if outcome.completed_at < execution.created_at}
    written: Counter[str] = Counter()
    for key in history.keys:
        path = _node_of(key)
        if path not in old:
            written[path] += 1
    busy = {
        path: _busy_seconds(history, outcome)
        for path, outcome in history.outcomes.items()
        if path not in old and _id_in(path) not in loops
    }
    asking = {path: seconds for path, seconds in busy.items() if _id_in(path) in models}

    bill, own = execution.bill, defaultdict[str, float](float)
    rest = bill.dollars - bill.compute_dollars - bill.model_dollars
    for dollars, weights in ((bill.compute_dollars, busy), (bill.model_dollars, asking), (rest, written)):
        for path, share in _shares(weights, otherwise=written).items():
            own[path] += dollars * share
    costs = defaultdict[str, float](float)
    for path, dollars in own.items():
        for one in (*loops_around(path), path):
            costs[one] += dollars
    return dict(costs)


def _shares(weights: Mapping[str, float], *, otherwise: Mapping[str, float]) -> dict[str, float]:
    """Return weights as parts of 1; those of `otherwise` where these are all zero."""
    total = sum(weights.values())
    if total <= 0:
        weights, total = otherwise, sum(otherwise.values())
    return {path: weight / total for path, weight in weights.items()}


def _busy_seconds(history: History, outcome: Outcome) -> float:
    """Return how long a node's attempts took: of one that was tried again, its last one as often as it was tried."""
    if outcome.path in history.waits:
        return 0.0
    timer = history.timers.get(outcome.path)
    if timer is None:
        return (outcome.completed_at - outcome.started_at).total_seconds()
    return max(0.0, (outcome.completed_at - timer.due_at).total_seconds()) * outcome.attempts


def _node_of(key: str) -> str:
    """Return the path of the node that an event is of: what is written of an iteration is of its loop."""
    path = key.partition("#")[0]
    return path[: path.rindex("[")] if path.endswith("]") else path


def _id_in(path: str) -> str:
    return path.rpartition(".")[2]
