"""Which outcomes of an execution another one can begin with: all that the point to go on from does not come before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from engine.errors import Conflict, InvalidInput
from engine.history.events import Fact, Journal, Outcome
from engine.workflow.compiled import Region
from engine.workflow.definition import NodeDefinition
from engine.workflow.graph import Progress

FAILED = "failed"
_ANSWERED = frozenset({"approval", "wait_for_callback"})
"""Types of nodes that somebody outside answers."""


def reusable(
    journal: Journal, before: Region, after: Region, start: str = FAILED, *, same_input: bool = True
) -> list[Outcome]:
    """The outcomes to begin with.

    The turns of a loop that had not ended, or had failed, are reused only where they are bound to be the same turns:
    in the same version, with the same input, and where nothing about the loop is made from the time or from chance.

    With another input nothing is reused that may depend on it, and nothing that somebody has answered: who approved has
    seen the old one. Nor is an answer to a node that asks something else in the new version.

    Args:
        journal: that of the old execution.
        before: what it ran.
        after: what the new one runs.
        start: `failed` to run again what failed and all behind it, or the id of the node to begin with.
        same_input: whether the new execution has the input of the old one.

    Raises:
        InvalidInput: there is no such node, or it is in a loop.
        Conflict: nothing has failed, or the versions do not fit; says why.
    """
    keeper = _Keeper(journal, salvage=start == FAILED and before is after and same_input)
    skipped = _skipped(journal.outcomes, before)
    if start != FAILED:
        again = frozenset({_checked(start, before)})
    else:
        again = keeper.failed("")
        if not again and all(node in journal.outcomes or node in skipped for node in before.graph.nodes):
            raise Conflict("nothing in it has failed; name the node to begin with in `from`", code="nothing_failed")
    kept = list(keeper.keep(before, "", again | _out_of_date(before, after, same_input=same_input)))
    _check_fit(kept, skipped, before, after)
    return kept


def _out_of_date(before: Region, after: Region, *, same_input: bool) -> frozenset[str]:
    """The nodes whose outcomes mean nothing any more, whatever has failed."""
    return frozenset(
        node_id for node_id in before.nodes if _is_out_of_date(before, after, node_id, same_input=same_input)
    )


def _is_out_of_date(before: Region, after: Region, node_id: str, *, same_input: bool) -> bool:
    is_answered = any(node.type in _ANSWERED for node in _all_in(before, node_id))
    if not same_input and (is_answered or before.depends_on("trigger", node_id)):
        return True
    return is_answered and node_id in after.nodes and _asks_otherwise(before, after, node_id)


def _asks_otherwise(before: Region, after: Region, node_id: str) -> bool:
    """Whether a node, or what is in its loop, asks something else than it did, or may do so."""
    if before is after:
        return False
    asked, asks = (
        [(node.type, node.config) for node in _all_in(region, node_id) if node.type in _ANSWERED]
        for region in (before, after)
    )
    variables = (getattr(region.body, "vars", {}) for region in (before, after))
    return asked != asks or (before.depends_on("vars", node_id) and next(variables) != next(variables))


def _all_in(region: Region, node_id: str) -> Iterable[NodeDefinition]:
    """A node, and those in its loop."""
    yield region.nodes[node_id]
    for body in region.bodies[node_id].walk() if node_id in region.bodies else ():
        yield from body.nodes.values()


def _checked(node_id: str, region: Region) -> str:
    if node_id in region.nodes:
        return node_id
    for loop, body in region.bodies.items():
        if any(node_id in inner.nodes for inner in body.walk()):
            raise InvalidInput.at("from", f"`{node_id}` is in the loop `{loop}`; begin with the loop")
    raise InvalidInput.at("from", f"the workflow has no node `{node_id}`")


class _Keeper:
    """The outcomes of an execution by the prefix of their paths, and the turns by their loops."""

    def __init__(self, journal: Journal, *, salvage: bool) -> None:
        self._salvage = salvage
        self._volatile = {_loop_of(fact) for fact in journal.facts.values()}
        self._by_prefix: dict[str, dict[str, Outcome]] = defaultdict(dict)
        self._turns: dict[str, set[str]] = defaultdict(set)
        for path, outcome in journal.outcomes.items():
            prefix, _, node = path.rpartition(".")
            at = f"{prefix}." if prefix else ""
            self._by_prefix[at][node] = outcome
            while prefix and at not in self._turns[loop := prefix[: prefix.rindex("[")]]:
                self._turns[loop].add(at)
                prefix = loop.rpartition(".")[0]
                at = f"{prefix}."

    def failed(self, at: str) -> frozenset[str]:
        """The nodes in a frame that failed with nowhere to go."""
        return frozenset(node for node, outcome in self._by_prefix[at].items() if outcome.port is None)

    def keep(self, region: Region, at: str, again: frozenset[str]) -> Iterable[Outcome]:
        """The outcomes in a frame that do not depend on the nodes that run again, and those of turns of its loops."""
        dropped = region.graph.descendants(again)
        outcomes = self._by_prefix[at]
        yield from (outcome for node, outcome in outcomes.items() if node not in dropped and node in region.nodes)
        for loop, body in region.bodies.items():
            path = at + loop
            runs_again = loop in again if loop in outcomes else loop not in dropped
            if runs_again and self._salvage and path not in self._volatile:
                for turn in sorted(self._turns[path]):
                    yield from self.keep(body, turn, self.failed(turn))


def _check_fit(kept: Iterable[Outcome], skipped: set[str], before: Region, after: Region) -> None:
    """Refuse where what is kept does not mean the same in what runs now.

    Raises:
        Conflict: code `version_mismatch`.
    """
    names = {outcome.path for outcome in kept if "." not in outcome.path}
    for name in sorted(names):
        if name not in after.nodes:
            raise _mismatch(f"that version has no node `{name}`, whose outcome would be reused")
        if after.nodes[name].type != before.nodes[name].type:
            raise _mismatch(f"`{name}` is a `{after.nodes[name].type}` there and was a `{before.nodes[name].type}`")
        for edge in after.graph.incoming[name]:
            if edge.source not in names | skipped:
                raise _mismatch(f"there `{name}`, whose outcome would be reused, runs after `{edge.source}`")


def _loop_of(fact: Fact) -> str:
    """The path of the loop that a fact is about."""
    return fact.path if fact.name in ("items", "failed") else fact.path[: fact.path.rindex("[")]


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
