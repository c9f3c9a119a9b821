"""What a test run does otherwise: nodes whose outputs are pinned, and how much of the workflow runs.

A path here names a node of the definition, in a loop as `each.fetch`: it stands for the node in all iterations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import InvalidInput
from engine.workflow.definition import Body, NodeDefinition, WorkflowDefinition
from engine.workflow.node_types import NodeTypes

_INDEX = re.compile(r"\[\d+\]")
_NOT_IN_TRIALS = ("concurrency", "on_failure")
"""What a definition says for runs that count."""


@dataclass(frozen=True, slots=True)
class PinnedOutput:
    """The node does not run; it ends with `output` by `port`. By `error` it has failed, and `output` is its error."""

    output: Any
    port: str

    @property
    def error(self) -> dict[str, Any] | None:
        """How it has failed, if it is pinned so."""
        if self.port != "error":
            return None
        found = self.output if isinstance(self.output, dict) else {"message": str(self.output)}
        return {"code": "pinned", "message": "pinned as failed", "details": None, **found}


@dataclass(frozen=True, slots=True)
class Trial:
    """Pins by path, and at most one of `until` (what leads to that node, and it) and `only` (nothing but it)."""

    pins: Mapping[str, PinnedOutput] = field(default_factory=dict)
    until: str | None = None
    only: str | None = None

    def pin_at(self, path: str) -> PinnedOutput | None:
        """The pin of the node at a path of an execution, such as `each[3].fetch`."""
        return self.pins.get(_INDEX.sub("", path)) if self.pins else None

    def applied(self, definition: WorkflowDefinition) -> WorkflowDefinition:
        """The part of a definition that runs."""
        return WorkflowDefinition.model_validate(self.applied_to(definition.as_json()))

    def applied_to(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The same of a definition as JSON, which may be unfinished."""
        kept = {name: value for name, value in raw.items() if name not in _NOT_IN_TRIALS}
        if self.until is not None:
            return _up_to(kept, self.until.split("."))
        if self.only is not None:
            return self._alone(kept, self.only)
        return kept

    def _alone(self, raw: dict[str, Any], node_id: str) -> dict[str, Any]:
        """One node, behind those that are pinned: it runs whatever else leads to it."""
        kept = {node_id, *(path for path in self.pins if "." not in path)}
        edges = [
            edge
            for edge in _edges(raw)
            if edge.get("to") == node_id
            and (pin := self.pins.get(str(edge.get("from")))) is not None
            and edge.get("port", "main") == pin.port
        ]
        nodes = [one for one in _nodes(raw) if one.get("id") in kept]
        return {**raw, "nodes": nodes, "edges": edges, "output": {node_id: f"{{{{ nodes.{node_id} }}}}"}}

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        pins = {path: {"output": pin.output, "port": pin.port} for path, pin in self.pins.items()}
        return {"pins": pins, "until": self.until, "only": self.only}

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Trial:
        """What `as_json` gave."""
        pins = {path: PinnedOutput(one["output"], one["port"]) for path, one in found["pins"].items()}
        return cls(pins, found["until"], found["only"])


def check_trial(
    pins: Mapping[str, tuple[Any, str | None]],
    until: str | None,
    only: str | None,
    definition: WorkflowDefinition,
    node_types: NodeTypes,
) -> Trial:
    """The trial that was asked for, if it fits a definition. A pin without a port is by the node's first one.

    Raises:
        InvalidInput: names the field.
    """
    if until is not None and only is not None:
        raise InvalidInput.at("only", "give `until` or `only`, not both")
    for name, path in (("until", until), ("only", only)):
        if path is not None and node_in(definition, path) is None:
            raise InvalidInput.at(name, f"the workflow has no node `{path}`; {_known(definition)}")
    if only is not None and "." in only:
        raise InvalidInput.at("only", f"`{only}` is in a loop; name the loop, `{only.partition('.')[0]}`")
    checked = {}
    for path, (output, port) in pins.items():
        node = node_in(definition, path)
        if node is None:
            raise InvalidInput.at(f"pins.{path}", f"the workflow has no such node; {_known(definition)}")
        node_class = node_types.node_class(node.type)
        ports = [*node_class.ports_of(node.config), *(["error"] if node_class.can_fail else [])]
        chosen = port or ports[0]
        if chosen not in ports:
            known = ", ".join(f"`{one}`" for one in ports)
            raise InvalidInput.at(f"pins.{path}.port", f"`{path}` has no port `{chosen}`; it has {known}")
        checked[path] = PinnedOutput(output, chosen)
    return Trial(checked, until, only)


def node_in(definition: Body, path: str) -> NodeDefinition | None:
    """The node of a definition at a path such as `each.fetch`."""
    body: Body | None = definition
    node = None
    for step in path.split("."):
        node = next((one for one in body.nodes if one.id == step), None) if body is not None else None
        if node is None:
            return None
        body = node.body
    return node


def _known(definition: Body) -> str:
    paths = list(_paths(definition))
    more = ", …" if len(paths) > 10 else ""  # noqa: PLR2004
    return f"it has {', '.join(f'`{path}`' for path in paths[:10])}{more}"


def _paths(body: Body, prefix: str = "") -> Iterator[str]:
    for node in body.nodes:
        yield prefix + node.id
        if node.body is not None:
            yield from _paths(node.body, f"{prefix}{node.id}.")


def _up_to(raw: Mapping[str, Any], steps: list[str]) -> dict[str, Any]:
    """The nodes of a body that come before one, and that one; in it, if it is a loop, the same for the next step."""
    target, *further = steps
    edges = list(_edges(raw))
    kept, found = {target}, [target]
    while found:
        last = found.pop()
        before = {str(edge.get("from")) for edge in edges if edge.get("to") == last} - kept
        kept |= before
        found.extend(before)
    nodes = [dict(one) for one in _nodes(raw) if one.get("id") in kept]
    for node in nodes:
        if further and node["id"] == target and isinstance(node.get("body"), dict):
            node["body"] = _up_to(node["body"], further)
    inside = [edge for edge in edges if edge.get("from") in kept and edge.get("to") in kept - {edge.get("from")}]
    return {**_without_output(raw), "nodes": nodes, "edges": [edge for edge in inside if edge.get("from") != target]}


def _without_output(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name != "output"}


def _nodes(raw: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    return _objects(raw.get("nodes"))


def _edges(raw: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    return _objects(raw.get("edges"))


def _objects(found: Any) -> Iterable[dict[str, Any]]:
    return (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()
