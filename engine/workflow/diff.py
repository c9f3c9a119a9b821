"""The differences between two definitions, by node, with their hosts, integrations, workflows and triggers.

Either may be unfinished: parts without an id, or that are not objects, are skipped. `ui` is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from engine.json_value import is_equal
from engine.workflow.json_patch import Operation, changes
from engine.workflow.layout import split
from engine.workflow.references import nodes_in, workflows_named

Kind = Literal["added", "removed", "renamed", "changed"]
EdgeKey = tuple[str, str, str, str | None]
_APART = ("nodes", "edges", "triggers")
_HOST = re.compile(r"(?<![a-z])(?:https?|wss?)://([^/\s\"'<>?#{}]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Change:
    """A node or trigger that differs.

    `loop` is the id of the loop that contains it; `was` is its former id.
    """

    kind: Kind
    id: str
    type: str
    name: str | None = None
    loop: str | None = None
    was: str | None = None
    changes: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """Names that are new, and names that are gone."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EdgeChanges:
    """Edges that are new, and edges that are gone, with the loop that contains them."""

    added: tuple[dict[str, str | None], ...] = ()
    removed: tuple[dict[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """All differences; `settings` are changes outside nodes, edges and triggers."""

    nodes: tuple[Change, ...]
    edges: EdgeChanges
    settings: tuple[Operation, ...]
    triggers: tuple[Change, ...]
    hosts: Names
    integrations: Names
    workflows: Names

    @property
    def is_equal(self) -> bool:
        """Whether there is no difference."""
        return not (self.nodes or self.edges.added or self.edges.removed or self.settings or self.triggers)


@dataclass(frozen=True, slots=True)
class _Body:
    """The nodes of a definition by id, without their bodies, each with its loop; and the edges."""

    nodes: dict[str, tuple[dict[str, Any], str | None]] = field(default_factory=dict)
    edges: dict[EdgeKey, None] = field(default_factory=dict)


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> Diff:
    """Return the changes that turn `before` into `after`."""
    old, new = split(before)[0], split(after)[0]
    were, are = _read(old), _read(new)
    renamed = _renamed(were, are)
    return Diff(
        nodes=tuple(_nodes(were, are, renamed)),
        edges=_edges(were, are, renamed),
        settings=tuple(changes(_settings(old), _settings(new))),
        triggers=tuple(_triggers(old, new)),
        hosts=_names(_hosts(old), _hosts(new)),
        integrations=_names(_integrations(old), _integrations(new)),
        workflows=_names(workflows_named(old), workflows_named(new)),
    )


def as_json(found: Diff, begin: int | str | None, end: int | str | None) -> dict[str, Any]:
    """Return a diff as the API shows it; `begin` and `end` are the number of a version, `draft`, or nothing."""
    return {"from": begin or None, "to": end or None, **asdict(found), "is_equal": found.is_equal}


def _read(definition: Mapping[str, Any]) -> _Body:
    found = _Body()
    _read_into(found, definition, None)
    return found


def _read_into(found: _Body, body: Mapping[str, Any], loop: str | None) -> None:
    for node in _objects(body.get("nodes")):
        node_id = node.get("id")
        if not isinstance(node_id, str):
            continue
        inner = node.get("body")
        if not isinstance(inner, dict):
            found.nodes[node_id] = node, loop
            continue
        rest = {name: value for name, value in inner.items() if name not in ("nodes", "edges")}
        found.nodes[node_id] = {**node, "body": rest}, loop
        _read_into(found, inner, node_id)
    for edge in _objects(body.get("edges")):
        found.edges[str(edge.get("from")), str(edge.get("port", "main")), str(edge.get("to")), loop] = None


def _renamed(were: _Body, are: _Body) -> dict[str, str]:
    """Return new ids by old ones: pairs of a removed and an added node that are alike but for the id.

    First the nodes with equal content, then nodes of the same type between the same neighbors.
    """
    gone = [one for one in were.nodes if one not in are.nodes]
    fresh = [one for one in are.nodes if one not in were.nodes]
    found: dict[str, str] = {}
    for is_alike in (_says_the_same, _stands_the_same):
        for old in gone:
            if old in found:
                continue
            alike = [new for new in fresh if new not in found.values() and is_alike(were, are, old, new, found)]
            if len(alike) == 1 or (alike and is_alike is _says_the_same):
                found[old] = alike[0]
    return found


def _says_the_same(were: _Body, are: _Body, old: str, new: str, _found: Mapping[str, str]) -> bool:
    before, after = were.nodes[old][0], are.nodes[new][0]
    return bool(before.get("config")) and is_equal({**before, "id": new}, after)


def _stands_the_same(were: _Body, are: _Body, old: str, new: str, found: Mapping[str, str]) -> bool:
    if were.nodes[old][0].get("type") != are.nodes[new][0].get("type"):
        return False
    names = {**found, old: new}
    around = {_with_names(edge, names) for edge in were.edges if old in (edge[0], edge[2])}
    return bool(around) and around == {edge for edge in are.edges if new in (edge[0], edge[2])}


def _with_names(edge: EdgeKey, names: Mapping[str, str]) -> EdgeKey:
    source, port, target, loop = edge
    return names.get(source, source), port, names.get(target, target), names.get(loop or "", loop or "") or None


def _nodes(were: _Body, are: _Body, renamed: Mapping[str, str]) -> Iterator[Change]:
    for node_id, (node, loop) in were.nodes.items():
        if node_id not in are.nodes and node_id not in renamed:
            yield _change("removed", node, loop)
    origin = {new: old for old, new in renamed.items()}
    for node_id, (node, loop) in are.nodes.items():
        was = origin.get(node_id)
        if was is None and node_id not in were.nodes:
            yield _change("added", node, loop)
            continue
        before, old_loop = were.nodes[was or node_id]
        operations = tuple(changes({**before, "id": node_id}, node))
        moved = renamed.get(old_loop or "", old_loop) != loop
        if moved:
            operations += ({"op": "replace", "path": "/loop", "value": loop, "before": old_loop},)
        if was is not None:
            yield replace(_change("renamed", node, loop), was=was, changes=operations)
        elif operations:
            yield replace(_change("changed", node, loop), changes=operations)


def _edges(were: _Body, are: _Body, renamed: Mapping[str, str]) -> EdgeChanges:
    old = dict.fromkeys(_with_names(edge, renamed) for edge in were.edges)
    added = tuple(_edge(edge) for edge in are.edges if edge not in old)
    return EdgeChanges(added, tuple(_edge(edge) for edge in old if edge not in are.edges))


def _edge(edge: EdgeKey) -> dict[str, str | None]:
    source, port, target, loop = edge
    return {"from": source, "port": port, "to": target, "loop": loop}


def _settings(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in definition.items() if name not in _APART}


def _triggers(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    were, are = _by_id(old.get("triggers")), _by_id(new.get("triggers"))
    for trigger_id, trigger in were.items():
        if trigger_id not in are:
            yield _change("removed", trigger, None)
    for trigger_id, trigger in are.items():
        if trigger_id not in were:
            yield _change("added", trigger, None)
        elif operations := tuple(changes(were[trigger_id], trigger)):
            yield replace(_change("changed", trigger, None), changes=operations)


def _change(kind: Kind, what: Mapping[str, Any], loop: str | None) -> Change:
    name = what.get("name")
    return Change(kind, str(what["id"]), str(what.get("type", "")), name if isinstance(name, str) else None, loop)


def _hosts(definition: Mapping[str, Any]) -> set[str]:
    """Return the hosts that are literal in configs. The host of a template is unknown before it runs."""
    found: set[str] = set()
    for _, node in nodes_in(definition):
        for text in _texts(node.get("config")):
            found.update(host.rpartition("@")[2].lower() for host in _HOST.findall(text))
    return found


def _integrations(definition: Mapping[str, Any]) -> set[str]:
    configs = (node.get("config") for _, node in nodes_in(definition))
    named = (config.get("integration") for config in configs if isinstance(config, dict))
    return {name for name in named if isinstance(name, str)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _names(before: set[str], after: set[str]) -> Names:
    return Names(tuple(sorted(after - before)), tuple(sorted(before - after)))


def _objects(listed: Any) -> Sequence[dict[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _by_id(listed: Any) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in _objects(listed) if isinstance(one.get("id"), str)}
