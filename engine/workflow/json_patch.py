"""The changes between two JSON values as JSON Patch (RFC 6902), with the former values for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.json_value import is_equal

Operation = dict[str, Any]


def changes(before: Any, after: Any, path: str = "") -> Iterator[Operation]:
    """Return the operations that turn `before` into `after`; `before` in an operation is the value that it removes."""
    if is_equal(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    else:
        yield {"op": "replace", "path": path, "value": after, "before": before}


def _of_objects(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Operation]:
    for name, value in before.items():
        if name not in after:
            yield {"op": "remove", "path": f"{path}/{_escaped(name)}", "before": value}
    for name, value in after.items():
        at = f"{path}/{_escaped(name)}"
        if name in before:
            yield from changes(before[name], value, at)
        else:
            yield {"op": "add", "path": at, "value": value}


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Operation]:
    """Return the changes of a list: equal ends stay; in between, entries are changed, then removed or added."""
    begin = 0
    while begin < min(len(before), len(after)) and is_equal(before[begin], after[begin]):
        begin += 1
    end = 0
    while end < min(len(before), len(after)) - begin and is_equal(before[-1 - end], after[-1 - end]):
        end += 1
    old, new = before[begin : len(before) - end], after[begin : len(after) - end]
    both = min(len(old), len(new))
    for number in range(both):
        yield from changes(old[number], new[number], f"{path}/{begin + number}")
    for number in reversed(range(both, len(old))):
        yield {"op": "remove", "path": f"{path}/{begin + number}", "before": old[number]}
    for number in range(both, len(new)):
        yield {"op": "add", "path": f"{path}/{begin + number}", "value": new[number]}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
