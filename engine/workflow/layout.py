"""The layout of the editor: `ui` of a definition and of the bodies of its loops.

It does not affect what a workflow does, so it is removed before a definition is checked, compared or run, stored
separately, and put back for readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UI = "ui"
Layout = dict[str, dict[str, Any]]
"""`ui` by the id of the loop whose body it belongs to; the empty id is the definition itself."""
_OF_DRAFTS = frozenset({"pins", "testInput"})
"""What one person tries a workflow with: outputs that stand in for nodes, and what it begins with."""


def split(definition: Mapping[str, Any]) -> tuple[dict[str, Any], Layout]:
    """Return a definition, well-formed or not, without `ui`; and its `ui`.

    A `ui` that is not an object stays, for the validator to report; that of a loop without an id is dropped.
    """
    layout: Layout = {}
    return _without(definition, "", layout), layout


def of_versions(layout: Layout) -> Layout:
    """Return the part of a layout that everybody gets: data that somebody tries a draft with stays in the draft."""
    kept = {
        loop: {key: value for key, value in drawn.items() if key not in _OF_DRAFTS} for loop, drawn in layout.items()
    }
    return {loop: drawn for loop, drawn in kept.items() if drawn or not layout[loop]}


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
    """Return a definition with the `ui` that was removed from it, or from another one.

    That of missing loops is left out.
    """
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
