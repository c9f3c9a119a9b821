"""Which outcomes of an execution a fork of it reuses: all that do not depend on a node that runs again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from engine.errors import Conflict, InvalidInput
from engine.history.events import History, Outcome, RecordedValue, ValueName
from engine.workflow.compiled import CompiledBlock
from engine.workflow.definition import NodeDefinition
from engine.workflow.graph import Progress

FAILED = "failed"
_ANSWERED = frozenset({"approval", "wait_for_callback"})
"""Types of nodes that somebody outside answers."""


def reusable(
    history: History, before: CompiledBlock, after: CompiledBlock, start: str = FAILED, *, same_input: bool = True
) -> list[Outcome]:
    """Return the outcomes that the fork begins with.

    The iterations of a loop that had not ended, or had failed, are reused only where they are bound to be the same
    ones: in the same version, with the same input, and where nothing about the loop is nondeterministic.

    With a different input nothing is reused that may depend on the input, and no answer of a person: the approver saw
    the old input. Nor is an answer reused for a node that asks something else in the new version.

    Args:
        history: history of the old execution.
        before: compiled workflow of the old execution.
        after: compiled workflow of the new execution.
        start: `failed` to run again what failed and all behind it, or the id of the node to begin with.
        same_input: whether the new execution has the input of the old one.

    Raises:
        InvalidInput: there is no such node, or it is in a loop.
        Conflict: nothing has failed, or the versions do not fit; the message says why.
    """
    keeper = _Keeper(history, salvage=start == FAILED and before is after and same_input)
    skipped = _skipped(history.outcomes, before)
    if start != FAILED:
        again = frozenset({_checked(start, before)})
    else:
        again = keeper.failed("")
        if not again and all(node in history.outcomes or node in skipped for node in before.graph.nodes):
            raise Conflict("no node has failed; name the node to begin with in `from`", code="nothing_failed")
    kept = list(keeper.keep(before, "", again | _out_of_date(before, after, same_input=same_input)))
    _check_fit(kept, skipped, before, after)
    return kept


def _out_of_date(before: CompiledBlock, after: CompiledBlock, *, same_input: bool) -> frozenset[str]:
    """Return the nodes whose outcomes are outdated, whatever has failed."""
    return frozenset(
        node_id for node_id in before.nodes if _is_out_of_date(before, after, node_id, same_input=same_input)
    )


def _is_out_of_date(before: CompiledBlock, after: CompiledBlock, node_id: str, *, same_input: bool) -> bool:
    is_answered = any(node.type in _ANSWERED for node in _all_in(before, node_id))
    if not same_input and (is_answered or before.depends_on("trigger", node_id)):
        return True
    return is_answered and node_id in after.nodes and _asks_otherwise(before, after, node_id)


def _asks_otherwise(before: CompiledBlock, after: CompiledBlock, node_id: str) -> bool:
    """Whether a node, or a node in its loop, asks or may ask something different from before."""
    if before is after:
        return False
    asked, asks = (
        [(node.type, node.config) for node in _all_in(block, node_id) if node.type in _ANSWERED]
        for block in (before, after)
    )
    variables = (getattr(block.body, "vars", {}) for block in (before, after))
    return asked != asks or (before.depends_on("vars", node_id) and next(variables) != next(variables))


def _all_in(block: CompiledBlock, node_id: str) -> Iterable[NodeDefinition]:
    """Return a node and the nodes in its loop."""
    yield block.nodes[node_id]
    for body in block.bodies[node_id].walk() if node_id in block.bodies else ():
        yield from body.nodes.values()


def _checked(node_id: str, block: CompiledBlock) -> str:
    if node_id in block.nodes:
        return node_id
    for loop, body in block.bodies.items():
        if any(node_id in inner.nodes for inner in body.walk()):
            raise InvalidInput.at("from", f"`{node_id}` is in the loop `{loop}`; begin with the loop")
    raise InvalidInput.at("from", f"the workflow has no node `{node_id}`")


class _Keeper:
    """The outcomes of an execution by the prefix of their paths, and the iterations by loop."""

    def __init__(self, history: History, *, salvage: bool) -> None:
        self._salvage = salvage
        self._nondeterministic = {_loop_of(recorded_value) for recorded_value in history.recorded_values.values()}
        self._by_prefix: dict[str, dict[str, Outcome]] = defaultdict(dict)
        self._iterations: dict[str, set[str]] = defaultdict(set)
        for path, outcome in history.outcomes.items():
            prefix, _, node = path.rpartition(".")
            at = f"{prefix}." if prefix else ""
            self._by_prefix[at][node] = outcome
            while prefix and at not in self._iterations[loop := prefix[: prefix.rindex("[")]]:
                self._iterations[loop].add(at)
                prefix = loop.rpartition(".")[0]
                at = f"{prefix}."

    def failed(self, at: str) -> frozenset[str]:
        """Return the nodes of a scope instance that failed without an error route."""
        return frozenset(node for node, outcome in self._by_prefix[at].items() if outcome.port is None)

    def keep(self, block: CompiledBlock, at: str, again: frozenset[str]) -> Iterable[Outcome]:
        """Return the outcomes in a scope and its loops that depend on no node that runs again."""
        dropped = block.graph.descendants(again)
        outcomes = self._by_prefix[at]
        yield from (outcome for node, outcome in outcomes.items() if node not in dropped and node in block.nodes)
        for loop, body in block.bodies.items():
            path = at + loop
            runs_again = loop in again if loop in outcomes else loop not in dropped
            if runs_again and self._salvage and path not in self._nondeterministic:
                for iteration in sorted(self._iterations[path]):
                    yield from self.keep(body, iteration, self.failed(iteration))


def _check_fit(kept: Iterable[Outcome], skipped: set[str], before: CompiledBlock, after: CompiledBlock) -> None:
    """Refuse if the kept outcomes mean something different in the new version.

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


def _loop_of(recorded_value: RecordedValue) -> str:
    """Return the path of the loop that a recorded value is about."""
    return (
        recorded_value.path
        if recorded_value.name in (ValueName.ITEMS, ValueName.FAILED)
        else recorded_value.path[: recorded_value.path.rindex("[")]
    )


def _skipped(outcomes: Mapping[str, Outcome], block: CompiledBlock) -> set[str]:
    """Return the nodes that were skipped."""
    progress = Progress(block.graph)
    while progress.ready:
        node_id = progress.ready.popleft()
        if node_id in outcomes:
            progress.settle(node_id, outcomes[node_id].port)
    return progress.skipped


def _mismatch(reason: str) -> Conflict:
    return Conflict(f"the versions do not fit: {reason}", code="version_mismatch")
