"""Where the editor draws things: `ui` of a definition and of the bodies of its loops.

It says nothing about what a workflow does, so it is taken off before a definition is checked, compared or run, kept
beside it, and put back for whoever reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UI = "ui"
Layout = dict[str, dict[str, Any]]
"""`ui` by the id of the loop whose body it is of; that of the definition itself by an empty text."""


def split(definition: Mapping[str, Any]) -> tuple[dict[str, Any], Layout]:
    """A definition, well-formed or not, without `ui`; and what there was of it.

    What is no object stays where it is, for the validator to see; what is in a loop without an id is dropped.
    """
    layout: Layout = {}
    return _without(definition, "", layout), layout


def _without(body: Mapping[str, Any], loop: str | None, layout: Layout) -> dict[str, Any]:
    kept = dict(body)
    if isinstance(kept.get(UI), dict):
        drawn = kept.pop(UI)
        if loop is not None:
            layout[loop] = drawn
    if isinstance(kept.get("nodes"), list):
        kept["nodes"] = [_without_in(node, layout) for node in kept["nodes"]]
    return kept


def _without_in(node: Any, layout: Layout) -> Any:
    if not (isinstance(node, dict) and isinstance(node.get("body"), dict)):
        return node
    loop = node.get("id")
    return {**node, "body": _without(node["body"], loop if isinstance(loop, str) else None, layout)}


def joined(definition: Mapping[str, Any], layout: Mapping[str, Mapping[str, Any]], loop: str = "") -> dict[str, Any]:
    """A definition with the `ui` that was taken off it, or off another one: of loops that are not there it is left."""
    whole = dict(definition)
    if not layout:
        return whole
    if loop in layout:
        whole[UI] = layout[loop]
    whole["nodes"] = [
        {**node, "body": joined(node["body"], layout, node["id"])} if node.get("body") else node
        for node in definition["nodes"]
    ]
    return whole
