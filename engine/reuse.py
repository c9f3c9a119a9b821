"""Which outcomes of an execution another one can begin with: all that the point to go on from does not come before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.errors import Conflict, InvalidInput
from engine.graph import Progress
from engine.journal import Outcome
from engine.regions import Region

FAILED = "failed"


def reusable(outcomes: Mapping[str, Outcome], before: Region, after: Region, start: str = FAILED) -> list[Outcome]:
    """The outcomes to begin with.

    Args:
        outcomes: those of the old execution, by path.
        before: what it ran.
        after: what the new one runs.
        start: `failed` to run again what failed and all behind it, or the id of the node to begin with.

    Raises:
        InvalidInput: there is no such node, or it is in a loop.
        Conflict: nothing has failed, or the versions do not fit; says why.
    """
    if start != FAILED:
        again = frozenset({_checked(start, before)})
    else:
        again = frozenset(node for node, outcome in _own(outcomes, "") if outcome.port is None)
        if not again and all(node in outcomes for node in before.graph.nodes):
            raise Conflict("nothing in it has failed; name the node to begin with in `from`", code="nothing_failed")
    kept = list(_keep(outcomes, before, "", again, salvage=start == FAILED))
    _check_fit(kept, outcomes, before, after)
    return kept


def _checked(node_id: str, region: Region) -> str:
    if node_id in region.nodes:
        return node_id
    for loop, body in region.bodies.items():
        if any(node_id in inner.nodes for inner in body.walk()):
            raise InvalidInput.at("from", f"`{node_id}` is in the loop `{loop}`; begin with the loop")
    raise InvalidInput.at("from", f"the workflow has no node `{node_id}`")


def _own(outcomes: Mapping[str, Outcome], prefix: str) -> Iterable[tuple[str, Outcome]]:
    """The outcomes of the nodes whose paths begin with the prefix, without those in their loops, by node id."""
    for path, outcome in outcomes.items():
        if path.startswith(prefix) and "." not in path[len(prefix) :]:
            yield path[len(prefix) :], outcome


def _keep(
    outcomes: Mapping[str, Outcome], region: Region, prefix: str, again: frozenset[str], *, salvage: bool
) -> Iterable[Outcome]:
    """The outcomes in a region that do not depend on the nodes that run again.

    Of a loop that had not ended, or has failed and is to be salvaged, those of its turns, but for what failed in these.
    """
    dropped = region.graph.descendants(again)
    for node, outcome in _own(outcomes, prefix):
        if node not in dropped and node in region.nodes:
            yield outcome
    for loop, body in region.bodies.items():
        path = prefix + loop
        if loop in again if path in outcomes else loop not in dropped:
            if path in outcomes and not salvage:
                continue
            for at in _turns(outcomes, path):
                failed = frozenset(node for node, outcome in _own(outcomes, at) if outcome.port is None)
                yield from _keep(outcomes, body, at, failed, salvage=True)


def _turns(outcomes: Mapping[str, Outcome], loop: str) -> list[str]:
    """The prefixes of the paths in each turn of a loop that has left a trace."""
    inner = [path for path in outcomes if path.startswith(f"{loop}[")]
    return sorted({path[: path.index("].", len(loop)) + 2] for path in inner})


def _check_fit(kept: Iterable[Outcome], outcomes: Mapping[str, Outcome], before: Region, after: Region) -> None:
    """Refuse where what is kept does not mean the same in what runs now.

    Raises:
        Conflict: code `version_mismatch`.
    """
    names = {outcome.path for outcome in kept if "." not in outcome.path}
    decided = names | _skipped(outcomes, before)
    for name in sorted(names):
        if name not in after.nodes:
            raise _mismatch(f"that version has no node `{name}`, whose outcome would be reused")
        if after.nodes[name].type != before.nodes[name].type:
            raise _mismatch(f"`{name}` is a `{after.nodes[name].type}` there and was a `{before.nodes[name].type}`")
        for edge in after.graph.incoming[name]:
            if edge.source not in decided:
                raise _mismatch(f"there `{name}`, whose outcome would be reused, runs after `{edge.source}`")


def _skipped(outcomes: Mapping[str, Outcome], region: Region) -> set[str]:
    """The nodes that were skipped."""
    progress = Progress(region.graph)
    while progress.ready:
        node_id = progress.ready.popleft()
        if node_id in outcomes:
            progress.settle(node_id, outcomes[node_id].port)
    return progress.skipped


def _mismatch(reason: str) -> Conflict:
    return Conflict(f"the versions do not fit: {reason}", code="version_mismatch")
