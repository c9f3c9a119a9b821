"""References to other workflows: by id, or by a name that is resolved to an id when the version is saved.

A version keeps the id beside the name, so what an execution starts never changes while it runs, whoever drives it; and
neither renaming that workflow nor creating another one of its name changes the meaning of a saved version. Readers of
the version see the name as its author wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from engine.ids import is_id

KEY = "workflow"
"""The key in a config that names a workflow."""


@dataclass(frozen=True, slots=True)
class Known:
    """The workflows that may be referenced: names by id; and what names meant in the previous version."""

    names: Mapping[str, str]
    before: Mapping[str, str]

    def meant_by(self, name: str) -> str | None:
        """Return the id of the one workflow with the name; or of the one that it meant in the previous version."""
        found = self.ids(name)
        if found:
            return found[0] if len(found) == 1 else None
        earlier = self.before.get(name)
        return earlier if earlier in self.names else None

    def ids(self, name: str) -> list[str]:
        """Return all workflows with the name."""
        return [workflow_id for workflow_id, one in self.names.items() if one == name]

    def why_not(self, name: str) -> str:
        """Return what is wrong with a name that refers to no workflow, or to several."""
        found = self.ids(name)
        if found:
            return f"{len(found)} workflows are called `{name}`: {', '.join(sorted(found))}; give the id of one"
        from difflib import get_close_matches

        close = get_close_matches(name, set(self.names.values()), n=1)
        hint = f"did you mean `{close[0]}`?" if close else "save that one first, or give its id"
        return f"there is no workflow called `{name}`; {hint}"


def nodes_in(body: Mapping[str, Any], where: str = "definition") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the nodes of a definition and of its loops' bodies, by path; a loop before the nodes in it.

    Malformed parts are skipped, here and below: drafts are searched, too.
    """
    listed = body.get("nodes")
    for number, node in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(node, dict):
            continue
        at = f"{where}.nodes[{number}]"
        yield at, node
        if isinstance(node.get("body"), dict):
            yield from nodes_in(node["body"], f"{at}.body")


def references(definition: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the references of a definition that are not templates, by field."""
    for at, holder in _holders(definition):
        named = holder.get(KEY) if isinstance(holder, dict) else None
        if isinstance(named, str) and named and "{{" not in named:
            yield f"{at}.{KEY}", holder


def _holders(definition: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "definition.on_failure", definition.get("on_failure")
    for at, node in nodes_in(definition):
        config = node.get("config")
        if node.get("type") == "sub_workflow":
            yield f"{at}.config", config
        tools = config.get("tools") if node.get("type") == "ai_chat" and isinstance(config, dict) else None
        for index, tool in enumerate(tools if isinstance(tools, list) else []):
            yield f"{at}.config.tools[{index}]", tool


def workflows_named(definition: Mapping[str, Any]) -> set[str]:
    """Return the workflows that a definition references, as its author wrote them."""
    return {holder[KEY] for _, holder in references(definition)}


def bound(definition: Mapping[str, Any], ids: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a definition with ids for names, and the names by field, to be restored by `as_written`."""
    copied = deepcopy(dict(definition))
    named: dict[str, str] = {}
    for path, holder in references(copied):
        if not is_id(holder[KEY]):
            named[path] = holder[KEY]
            holder[KEY] = ids[holder[KEY]]
    return copied, named


def as_written(definition: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Any]:
    """Return a definition with the names that its author wrote."""
    if not named:
        return dict(definition)
    copied = deepcopy(dict(definition))
    for path, holder in references(copied):
        holder[KEY] = named.get(path, holder[KEY])
    return copied


def meanings(definition: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, str]:
    """Return the meanings of the names in a saved version: ids by name."""
    return {named[path]: holder[KEY] for path, holder in references(definition) if path in named}
