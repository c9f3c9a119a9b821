"""What makes a definition runnable. All problems are found at once, each with a path, a code and a sentence."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from engine import limits
from engine.errors import ExpressionError
from engine.ids import NODE_ID_PATTERN
from engine.json_value import depth_of, dumps
from engine.triggers.definition import TriggerDefinition
from engine.triggers.types import problems_of
from engine.validation_messages import sentence
from engine.workflow.definition import Body, Edge, NodeDefinition, WorkflowDefinition
from engine.workflow.expressions.templates import ROOTS, expressions_of, keys_with_templates, templates
from engine.workflow.graph import Graph, find_cycle
from engine.workflow.layout import split
from engine.workflow.node_types import NodeTypes

_CODES = {"extra_forbidden": "unknown_key", "missing": "missing"}
_TEMPLATE_SECONDS = 10.0
_ROOTS_INSIDE = ROOTS
_ROOTS_OUTSIDE = ROOTS - {"item", "index"}
_NOT_HERE = {
    "item": "it exists only in a loop's body",
    "index": "it exists only in a loop's body",
    "nodes": "nothing has run yet",
    "execution": "there is no execution yet",
    "vars": "only `trigger` is available",
}
Part = TypeVar("Part", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: where it is (`nodes[2].config.url`), a stable code, and a sentence.

    `node` is the id of the innermost node that the path leads into, if that has an id; `edge` is the edge that it leads
    into; `name` is a name that is unknown here. A warning does not keep a workflow from running.
    """

    path: str
    code: str
    message: str
    node: str | None = None
    severity: Literal["error", "warning"] = "error"
    edge: Mapping[str, Any] | None = None
    name: str | None = None


def validate(raw: Any, factory: NodeTypes) -> tuple[WorkflowDefinition | None, list[Problem]]:
    """Return the definition that `raw` describes, and what is wrong with it.

    Args:
        raw: any JSON value.
        factory: knows the node types.

    Returns:
        The definition, or None where there is any problem; and the problems, in the order of the document.
    """
    if not isinstance(raw, dict):
        return None, [Problem("", "invalid", "a definition must be an object with `nodes` and `edges`")]
    raw, _ = split(raw)
    problems = list(_sizes(raw))
    if problems:
        return None, problems
    problems += _envelope(raw)
    problems += _duplicate_ids(raw)
    problems += _Checker(factory).block(raw, "", _Outside())
    problems += _concurrency_key(raw)
    problems += _triggers(raw)
    if problems:
        first = sorted(problems, key=_document_order)[: limits.MAX_PROBLEMS]
        return None, [replace(problem, node=node_at(raw, problem.path)) for problem in first]
    return WorkflowDefinition.model_validate(raw), []


def node_at(raw: Any, path: str) -> str | None:
    """Return the id of the innermost node of a definition, well-formed or not, that a path leads into."""
    node = None
    for index in re.findall(r"(?:^|\.body\.|^definition\.)nodes\[(\d+)\]", path):
        listed = raw.get("nodes") if isinstance(raw, dict) else None
        if not isinstance(listed, list) or int(index) >= len(listed):
            return node
        entry = listed[int(index)]
        found = entry.get("id") if isinstance(entry, dict) else None
        node = found if isinstance(found, str) else None
        raw = entry.get("body") if isinstance(entry, dict) else None
    return node


@dataclass(frozen=True, slots=True)
class _Outside:
    """What is around a block: the nodes that have run before its loop, and its depth."""

    before: frozenset[str] = frozenset()
    everything: frozenset[str] = frozenset()
    depth: int = 0


class _Checker:
    """Checks a block and the bodies of its loops. All templates of a definition share a budget of processor time."""

    def __init__(self, factory: NodeTypes) -> None:
        self._factory = factory
        self._begin = time.thread_time()

    def block(self, raw: dict[str, Any], where: str, outside: _Outside) -> Iterable[Problem]:
        """Check the nodes and edges of the definition, or of a body at `where`."""
        at = f"{where}." if where else ""
        problems: list[Problem] = []
        nodes = _parts(NodeDefinition, _without_bodies(raw.get("nodes")), f"{at}nodes", problems)
        edges = _parts(Edge, raw.get("edges", []), f"{at}edges", problems)
        yield from problems
        ids = _ids(raw.get("nodes"))
        for index, node in nodes.items():
            yield from _node(node, f"{at}nodes[{index}]", self._factory, inside=outside.depth > 0)
        known = {node.id: node for node in nodes.values()}
        yield from _edges(edges, ids, known, self._factory, at)
        there = tuple(e for e in edges.values() if e.source in ids and e.target in ids)
        graph = Graph(tuple(dict.fromkeys(ids)), there)
        yield from _order(graph, at)
        ancestors, own = graph.ancestors(), frozenset(graph.nodes)
        everything = outside.everything | own
        for index, node in nodes.items():
            before = outside.before | ancestors.get(node.id, own)
            inside = outside.depth > 0 or self._asks_each_iteration(node)
            config = self._factory.templated(node)
            yield from self._templates(config, f"{at}nodes[{index}].config", before, everything, inside=inside)
            body = raw["nodes"][index].get("body")
            deeper = _Outside(before, everything, outside.depth + 1)
            yield from self._body(node, body, f"{at}nodes[{index}].body", deeper)
        outputs = outside.before | own
        yield from self._templates(raw.get("output"), f"{at}output", outputs, everything, inside=outside.depth > 0)

    def _asks_each_iteration(self, node: NodeDefinition) -> bool:
        """Whether the node's own config is evaluated for each iteration, so that it can use `item` and `index`."""
        if not self._factory.knows(node.type):
            return True
        node_class = self._factory.node_class(node.type)
        return node_class.has_body and not node_class.loops_over_items

    def _body(self, node: NodeDefinition, body: Any, where: str, outside: _Outside) -> Iterable[Problem]:
        if not self._factory.knows(node.type):
            return
        wanted = self._factory.node_class(node.type).has_body
        if body is None:
            if wanted:
                yield Problem(
                    where, "missing", f"a `{node.type}` node needs a `body`: `{{nodes, edges}}`, which it repeats"
                )
        elif not wanted:
            yield Problem(where, "unknown_key", f"a `{node.type}` node has no `body`; only loops have one")
        elif outside.depth > limits.MAX_BODY_DEPTH:
            yield Problem(where, "too_deep", f"loops are nested at most {limits.MAX_BODY_DEPTH} deep")
        elif not isinstance(body, dict):
            yield Problem(where, "invalid", "a body must be an object with `nodes` and `edges`")
        else:
            yield from _shell(Body, body, where)
            yield from self.block(body, where, outside)

    def _templates(
        self, value: Any, where: str, before: frozenset[str], everything: frozenset[str], *, inside: bool
    ) -> Iterable[Problem]:
        if time.thread_time() - self._begin > _TEMPLATE_SECONDS:
            yield Problem(where, "too_complex", "the templates take too long to check; simplify them")
            return
        for field, key in keys_with_templates(value, where):
            hint = "to compute keys, write the object as one template: `{{ {name: value} }}`"
            yield Problem(field, "template_in_key", f"`{key[:40]}` is a key, and keys cannot hold templates; {hint}")
        for field, text in templates(value, where):
            yield from _template(text, field, before, everything, _ROOTS_INSIDE if inside else _ROOTS_OUTSIDE)


def _sizes(raw: dict[str, Any]) -> Iterable[Problem]:
    if depth_of(raw, limits.MAX_CONFIG_DEPTH) > limits.MAX_CONFIG_DEPTH:
        yield Problem("", "too_deep", f"a definition is nested at most {limits.MAX_CONFIG_DEPTH} deep")
        return
    try:
        size = len(dumps(raw).encode())
    except (ValueError, UnicodeEncodeError) as error:
        yield Problem("", "invalid", f"the definition is not JSON: {error}")
        return
    if size > limits.MAX_DEFINITION_BYTES:
        yield Problem("", "too_large", f"a definition has at most {limits.MAX_DEFINITION_BYTES} bytes, this has {size}")
    for name, most in (("nodes", limits.MAX_NODES), ("edges", limits.MAX_EDGES)):
        count = sum(len(body[name]) for _, body in _bodies(raw) if isinstance(body.get(name), list))
        if count > most:
            yield Problem(name, "too_many", f"a workflow has at most {most} {name}, this has {count}")


def _bodies(raw: dict[str, Any], where: str = "") -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the definition and all bodies in it, each with the path of its content."""
    yield where, raw
    for index, node in enumerate(raw["nodes"] if isinstance(raw.get("nodes"), list) else []):
        if isinstance(node, dict) and isinstance(node.get("body"), dict):
            yield from _bodies(node["body"], f"{where}nodes[{index}].body.")


def _without_bodies(raw: Any) -> Any:
    """Return a list of nodes without their bodies, which are checked separately."""
    if not isinstance(raw, list):
        return raw
    return [{k: v for k, v in node.items() if k != "body"} if isinstance(node, dict) else node for node in raw]


def _envelope(raw: dict[str, Any]) -> Iterable[Problem]:
    """Check the definition's own fields; its nodes and edges are checked one by one."""
    yield from _shell(WorkflowDefinition, raw, "")


def _shell(model: type[Body], raw: dict[str, Any], where: str) -> Iterable[Problem]:
    at = f"{where}." if where else ""
    yield from _model_problems(model, {**raw, "nodes": [{"id": "x", "type": "x"}], "edges": []}, where)
    nodes = raw.get("nodes")
    if not isinstance(nodes, list) or not nodes:
        yield Problem(f"{at}nodes", "invalid", "`nodes` must be a list of at least one node")
    if not isinstance(raw.get("edges", []), list):
        yield Problem(f"{at}edges", "invalid", "`edges` must be a list of edges")


def _concurrency_key(raw: dict[str, Any]) -> Iterable[Problem]:
    concurrency = raw.get("concurrency")
    key = concurrency.get("key") if isinstance(concurrency, dict) else None
    if isinstance(key, str):
        for where, text in templates(key, "concurrency.key"):
            yield from _template(text, where, frozenset(), frozenset(), frozenset({"trigger"}))


def _triggers(raw: dict[str, Any]) -> Iterable[Problem]:
    """Return what is wrong with the triggers, if they are well-formed."""
    entries, nodes = raw.get("triggers", []), raw.get("nodes")
    malformed: list[Problem] = []
    triggers = _parts(TriggerDefinition, entries, "triggers", malformed)
    if malformed or not isinstance(entries, list):
        return
    listed = nodes if isinstance(nodes, list) else []
    responds = any(isinstance(node, dict) and node.get("type") == "respond" for node in listed)
    for path, code, message in problems_of(
        list(triggers.values()), has_limit=raw.get("concurrency") is not None, has_respond=responds
    ):
        yield Problem(path, code, message)


def _parts(model: type[Part], raw: Any, where: str, problems: list[Problem]) -> dict[int, Part]:
    """Return the well-formed entries of a list by index; problems of the others are added to `problems`."""
    parts: dict[int, Part] = {}
    for index, entry in enumerate(raw if isinstance(raw, list) else []):
        found = list(_model_problems(model, entry, f"{where}[{index}]"))
        if found:
            problems.extend(found)
        else:
            parts[index] = model.model_validate(entry)
    return parts


def _model_problems(model: type[BaseModel], raw: Any, where: str) -> Iterable[Problem]:
    try:
        model.model_validate(raw)
    except ValidationError as error:
        for one in error.errors():
            path = where
            for step in one["loc"]:
                path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
            message, code = sentence(one), _CODES.get(one["type"], "invalid")
            if one["type"] == "string_pattern_mismatch" and one["loc"][-1] in ("id", "from", "to"):
                code = "malformed_id"
                message = f"{one['input']!r} is not an id: letters, digits and `_`, no leading digit, at most 64"
            yield Problem(path, code, message)


def _ids(raw: Any) -> list[str]:
    """Return the ids of all nodes, well-formed or not, so that one mistake is reported once."""
    entries = raw if isinstance(raw, list) else []
    ids = [entry.get("id") for entry in entries if isinstance(entry, dict)]
    return [node_id for node_id in ids if isinstance(node_id, str) and re.match(NODE_ID_PATTERN, node_id)]


def _duplicate_ids(raw: dict[str, Any]) -> Iterable[Problem]:
    """Check that ids are unique in the whole workflow, so that a template in a body can name any node around it."""
    seen: set[str] = set()
    for where, body in _bodies(raw):
        for index, entry in enumerate(body["nodes"] if isinstance(body.get("nodes"), list) else []):
            node_id = entry.get("id") if isinstance(entry, dict) else None
            if isinstance(node_id, str):
                if node_id in seen:
                    message = f"another node also has the id `{node_id}`"
                    yield Problem(f"{where}nodes[{index}].id", "duplicate_id", message)
                seen.add(node_id)


def _known(names: Iterable[str]) -> str:
    return f"there are {', '.join(names)}"


def _node(node: NodeDefinition, where: str, factory: NodeTypes, *, inside: bool) -> Iterable[Problem]:
    if not factory.knows(node.type):
        close = get_close_matches(node.type.lower(), factory.names(), n=3)
        hint = f"did you mean {' or '.join(f'`{one}`' for one in close)}?" if close else _known(factory.names())
        yield Problem(f"{where}.type", "unknown_type", f"there is no node type `{node.type}`; {hint}")
        return
    node_class = factory.node_class(node.type)
    for problem in node_class.validate_config(node.config):
        path = f"{where}.config" + (f".{problem.path}" if problem.path else "")
        yield Problem(path, "invalid_config", problem.message)
    if inside and node_class.outermost_only:
        yield Problem(f"{where}.type", "invalid", f"a `{node.type}` node cannot be in a loop's body")
    if node.on_error == "continue" and not node_class.can_fail:
        yield Problem(f"{where}.on_error", "invalid", f"a `{node.type}` node cannot continue on error")
    if node.delivery == "at_most_once" and not node_class.has_effect():
        message = f"a `{node.type}` node has no effect outside, so it needs no `delivery`"
        yield Problem(f"{where}.delivery", "invalid", message)


def _edges(
    edges: Mapping[int, Edge],
    ids: list[str],
    known: Mapping[str, NodeDefinition],
    factory: NodeTypes,
    at: str,
) -> Iterable[Problem]:
    seen: set[tuple[str, str, str]] = set()
    there = set(ids)
    for index, edge in edges.items():
        where = f"{at}edges[{index}]"
        for end, name in (("from", edge.source), ("to", edge.target)):
            if name not in there:
                yield Problem(f"{where}.{end}", "unknown_node", f"there is no node `{name}`")
        source = known.get(edge.source)
        if source is not None and factory.knows(source.type):
            node_class = factory.node_class(source.type)
            ports = [*node_class.ports_of(source.config), *(["error"] if node_class.can_fail else [])]
            if edge.port not in ports:
                listed = ", ".join(f"`{port}`" for port in ports) or "none"
                message = f"`{edge.source}` has no port `{edge.port}`; it has {listed}"
                yield Problem(f"{where}.port", "unknown_port", message)
        if (edge.source, edge.port, edge.target) in seen:
            message = f"two edges go from `{edge.source}` by `{edge.port}` to `{edge.target}`"
            yield Problem(where, "duplicate_edge", message)
        seen.add((edge.source, edge.port, edge.target))


def _order(graph: Graph, at: str) -> Iterable[Problem]:
    cycle = find_cycle(graph)
    if not cycle:
        return
    yield Problem(f"{at}edges", "cycle", f"these nodes wait for each other: {' → '.join(cycle)}")
    rest = set(graph.nodes) - set(graph.topological_order())
    backwards = [Edge.model_validate({"from": e.target, "to": e.source}) for e in graph.edges if e.source in rest]
    behind = Graph(tuple(node for node in graph.nodes if node in rest), tuple(backwards)).topological_order()
    for node in sorted(behind, key=graph.nodes.index):
        message = f"`{node}` can never run: each path to it leads through a cycle"
        yield Problem(f"{at}nodes[{graph.nodes.index(node)}]", "unreachable", message)


def _template(
    text: str, where: str, before: frozenset[str], everything: frozenset[str], roots: frozenset[str]
) -> Iterable[Problem]:
    try:
        references = [path for expression in expressions_of(text) for path in expression.references()]
    except ExpressionError as error:
        yield Problem(where, "template_syntax", error.message)
        return
    for root, *rest in dict.fromkeys(references):
        if root in ROOTS - roots:
            yield Problem(where, "unknown_name", f"`{root}` is not available here; {_NOT_HERE[str(root)]}")
        elif root not in ROOTS:
            names = ", ".join(sorted(roots))
            yield Problem(where, "unknown_name", f"`{root}` is not a name in expressions; the names are {names}")
        elif root == "nodes" and rest and isinstance(rest[0], str) and rest[0] not in before:
            if rest[0] in everything:
                yield Problem(where, "not_before", f"`{rest[0]}` cannot have run before this node")
            else:
                yield Problem(where, "unknown_node", f"there is no node `{rest[0]}`")


def _document_order(problem: Problem) -> tuple[int, int, str]:
    section = ("nodes", "edges").index(problem.path[:5]) if problem.path[:5] in ("nodes", "edges") else 2
    number = re.match(r"\w+\[(\d+)\]", problem.path)
    return section, int(number[1]) if number else -1, problem.path
