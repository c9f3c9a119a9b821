"""The parts of the reference, each as Markdown."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from pydantic import BaseModel

from engine import limits
from engine.integrations.registry import IntegrationRegistry
from engine.nodes.registry import NodeExecutorFactory
from engine.reference.error_codes import GROUPS
from engine.reference.error_codes.base import ErrorCode
from engine.reference.markdown import fields, plain, table
from engine.triggers.types import TRIGGER_TYPES

_EFFECTS = {
    "none": "none; it is computed again instead of being recorded",
    "read": "it only reads",
    "idempotent": "doing it twice is as doing it once",
    "write": "each time may add up; `delivery: at_most_once` makes it once at most",
}


def page(part: str) -> str:
    """One part, which is a key of `PARTS`."""
    return "\n".join(PARTS[part]()) + "\n"


def reference() -> str:
    """All parts."""
    return "\n".join(page(part) for part in PARTS)


def as_data() -> list[dict[str, str]]:
    """The same in pages that can be shown and found one by one: of each type, of each group of error codes, limits."""
    factory, registry = NodeExecutorFactory(), IntegrationRegistry()
    pages = []
    for name in factory.names():
        described = factory.describe(name)
        pages.append(_as_page(f"node.{name}", described["title"], described["group"], _node(described)))
    for name in registry.names():
        lines = _integration(registry.describe(name))
        pages.append(_as_page(f"integration.{name}", registry.describe(name)["title"], "Integrations", lines))
    for name, config in sorted(TRIGGER_TYPES.items()):
        pages.append(_as_page(f"trigger.{name}", name.capitalize(), "Triggers", _trigger(name, config)))
    for group, codes in GROUPS.items():
        pages.append(_as_page(f"errors.{group}", group, "Error codes", _codes(codes)))
    return [*pages, _as_page("limits", "Limits", "Limits", _limits())]


def _as_page(page_id: str, title: str, group: str, lines: Iterator[str]) -> dict[str, str]:
    return {"id": page_id, "title": title, "group": group, "markdown": "\n".join(lines).strip() + "\n"}


def _nodes() -> Iterator[str]:
    factory = NodeExecutorFactory()
    described = [factory.describe(name) for name in factory.names()]
    yield "# Node types"
    for group, types in groupby(
        sorted(described, key=lambda one: (one["group"], one["type"])), lambda one: one["group"]
    ):
        yield from ("", f"## {group}")
        for one in types:
            yield from _node(one)


def _node(one: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"### `{one['type']}`: {one['title']}", "", plain(one["description"]), "")
    yield f"* Ports: {', '.join(f'`{port}`' for port in one['ports']) or 'none'}"
    yield f"* Effect: {_EFFECTS[one['effect']]}"
    yield f"* Timeout of an attempt, without `timeout_seconds`: {one['default_timeout_seconds']:g} seconds"
    if one["integrations"]:
        named = ", ".join(f"`{name}`" for name in one["integrations"])
        yield f"* Integrations: {'any' if '*' in one['integrations'] else named}"
    if one["has_body"]:
        yield "* It has a `body` beside `config`: nodes, edges and an optional output."
    yield ""
    yield from fields(one["config_schema"])
    yield from _examples(one["examples"])


def _integrations() -> Iterator[str]:
    registry = IntegrationRegistry()
    yield "# Integration types"
    for name in registry.names():
        yield from _integration(registry.describe(name))


def _integration(one: dict[str, Any]) -> Iterator[str]:
    name = one["type"]
    yield from ("", f"## `{name}`: {one['title']}", "", plain(one["description"]), "")
    yield from fields(one["config_schema"], one["secrets"])
    yield from _examples(one["examples"])
    for action in one["actions"]:
        yield from ("", f"### `{name}.{action['name']}`: {action['title']}", "")
        if action.get("description"):
            yield from (plain(action["description"]), "")
        yield from (f"* Effect: {_EFFECTS[action['effect']]}", "")
        yield from fields(action["input_schema"])


def _triggers() -> Iterator[str]:
    yield "# Triggers"
    for name, config in sorted(TRIGGER_TYPES.items()):
        yield from _trigger(name, config)


def _trigger(name: str, config: type[BaseModel]) -> Iterator[str]:
    yield from ("", f"## `{name}`", "", plain(config.__doc__ or ""), "")
    yield from fields(config.model_json_schema())


def _errors() -> Iterator[str]:
    yield "# Error codes"
    for group, codes in GROUPS.items():
        yield from ("", f"## {group}", "")
        yield from _codes(codes)


def _codes(codes: Mapping[str, ErrorCode]) -> Iterator[str]:
    rows = ((f"`{code}`", *said) for code, said in sorted(codes.items()))
    yield from table(("code", "meaning", "cause", "what to do"), rows)


def _limits() -> Iterator[str]:
    yield from ("# Limits", "", "Sizes are in bytes, times in seconds.", "")
    rows = ((f"`{name}`", _value(getattr(limits, name)), said) for name, said in _said_of_limits())
    yield from table(("limit", "value", "meaning"), rows)


def _said_of_limits() -> Iterator[tuple[str, str]]:
    """Each limit, and the text behind it, which only the source has."""
    body = ast.parse(inspect.getsource(limits)).body
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = following.value if isinstance(following, ast.Expr) else None
            said = text.value if isinstance(text, ast.Constant) else ""
            yield node.targets[0].id, plain(str(said))


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(one) for one in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _examples(examples: list[dict[str, Any]]) -> Iterator[str]:
    for example in examples:
        yield from ("", "```json", json.dumps(example, indent=2, ensure_ascii=False), "```")


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "nodes": _nodes,
    "integrations": _integrations,
    "triggers": _triggers,
    "errors": _errors,
    "limits": _limits,
}
