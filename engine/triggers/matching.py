"""Matches events against patterns with the results of EventBridge.

The language is that of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html, with the
semantics of https://github.com/aws/event-ruler, which EventBridge runs: a pattern names paths, and an event has leaves
at paths. A path through a list leads to each of its elements, and conditions on several fields below a list must hold
for one and the same element. Only numbers differ: EventBridge tells 300 from 300.0 where a pattern has a bare number,
parsed JSON does not.

Patterns have passed `check_pattern`; they are not checked again here.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Test = Callable[[Any], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(slots=True)
class _Place:
    """The conditions of a pattern at one path: matching values, presence or absence, and the paths below it."""

    tests: list[Test] = field(default_factory=list)
    exists: set[bool] = field(default_factory=set)
    is_leaf: bool = False
    below: dict[str, _Place] = field(default_factory=dict)


class Pattern:
    """A pattern that is compiled for matching."""

    def __init__(self, pattern: Mapping[str, Any]) -> None:
        self._alternatives = [_tree(leaves) for leaves in _expanded(pattern, (), [{}])]

    def fits(self, event: Mapping[str, Any]) -> bool:
        """Return whether an event, in the form in which EventBridge delivers it, matches."""
        return any(_fits(event, places) for places in self._alternatives)

    def may_fit(self, source: str, detail_type: str) -> bool:
        """Return whether an event of this source and type may match. The cost does not depend on the event's size."""
        known = {"source": source, "detail-type": detail_type}
        return any(
            all(_fits(known, {name: place}) for name, place in places.items() if name in known)
            for places in self._alternatives
        )


def _expanded(
    pattern: Mapping[str, Any], path: tuple[str, ...], alternatives: list[dict[tuple[str, ...], Any]]
) -> list[dict[tuple[str, ...], Any]]:
    """Return the alternatives of a pattern without `$or`, each with its values by path.

    As in EventBridge, the later of two equal paths counts, and `a.b` is the path of `b` below `a`.
    """
    for key, value in pattern.items():
        if key == "$or":
            alternatives = [
                one for branch in value for one in _expanded(branch, path, [dict(each) for each in alternatives])
            ]
            continue
        here = (*path, *key.split("."))
        if isinstance(value, Mapping):
            alternatives = _expanded(value, here, alternatives)
        else:
            for one in alternatives:
                one[here] = value
    return alternatives


def _tree(leaves: Mapping[tuple[str, ...], list[Any]]) -> dict[str, _Place]:
    root = _Place()
    for path, values in leaves.items():
        place = root
        for name in path:
            place = place.below.setdefault(name, _Place())
        place.is_leaf = True
        for value in values:
            if isinstance(value, dict) and "exists" in value:
                place.exists.add(value["exists"])
            else:
                place.tests.append(_test(value))
    return root.below


def _fits(there: Any, places: Mapping[str, _Place]) -> bool:
    for name, place in places.items():
        value = there.get(name, _NOTHING) if isinstance(there, Mapping) else _NOTHING
        if place.is_leaf and not _leaf_fits(value, place):
            return False
        if place.below and not any(_fits(one, place.below) for one in list(_objects(value)) or [{}]):
            return False
    return True


def _leaf_fits(value: Any, place: _Place) -> bool:
    if place.exists and any(True for _ in _leaves(value)) in place.exists:
        return True
    return any(test(leaf) for leaf in _leaves(value) for test in place.tests)


_NOTHING: Any = object()


def _leaves(value: Any) -> Iterator[Any]:
    """Return the values at a path that are not objects; a list contributes its elements."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    elif value is not _NOTHING and not isinstance(value, Mapping):
        yield value


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _objects(one)


# -- conditions on values ------------------------------------------------------------------------------------


def _test(wanted: Any) -> Test:
    if not isinstance(wanted, dict):
        return lambda value: _equal(value, wanted)
    ((name, operand),) = wanted.items()
    return _TESTS[name](operand)


def _equal(value: Any, wanted: Any) -> bool:
    if _is_number(value) and _is_number(wanted):
        return bool(value == wanted)
    return type(value) is type(wanted) and bool(value == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _prefix(operand: Any) -> Test:
    if isinstance(operand, dict):
        expression = re.compile(_any_case(operand["equals-ignore-case"]))
        return lambda value: isinstance(value, str) and expression.match(value) is not None
    return lambda value: isinstance(value, str) and value.startswith(operand)


def _suffix(operand: Any) -> Test:
    if isinstance(operand, dict):
        text = operand["equals-ignore-case"]
        expression = re.compile(_any_case(text) + r"\Z")
        most = _LONGEST_CASE * len(text)
        return lambda value: isinstance(value, str) and expression.search(value[-most:]) is not None
    return lambda value: isinstance(value, str) and value.endswith(operand)


def _equals_ignore_case(operand: str) -> Test:
    expression = re.compile(_any_case(operand))
    return lambda value: isinstance(value, str) and expression.fullmatch(value) is not None


_LONGEST_CASE = 3
"""The characters that a character may become in the other case."""


def _any_case(text: str) -> str:
    """Return a regular expression for a text in any mix of upper and lower case, including `SS` for `ß`."""
    return "".join(f"(?:{re.escape(one.lower())}|{re.escape(one.upper())})" for one in text)


def _wildcard(operand: str) -> Test:
    r"""Match wildcards in one pass: each `*` stands for any text; `\*` and `\\` are the characters themselves."""
    parts, escaped = [""], False
    for character in operand:
        if escaped or character not in "*\\":
            parts[-1] += character
            escaped = False
        elif character == "*":
            parts.append("")
        else:
            escaped = True
    if len(parts) == 1:
        return lambda value: bool(value == parts[0])
    first, *middle, last = parts

    def fits(value: Any) -> bool:
        if not isinstance(value, str) or len(value) < len(first) + len(last):
            return False
        if not (value.startswith(first) and value.endswith(last)):
            return False
        at, end = len(first), len(value) - len(last)
        for part in middle:
            at = value.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return fits


def _cidr(operand: str) -> Test:
    network = ip_network(operand)

    def fits(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        try:
            address = ip_address(value)
        except ValueError:
            return False
        return address in network

    return fits


def _numeric(operand: list[Any]) -> Test:
    bounds = [(_COMPARE[sign], number) for sign, number in zip(operand[::2], operand[1::2], strict=True)]
    return lambda value: _is_number(value) and all(compare(value, number) for compare, number in bounds)


def _anything_but(operand: Any) -> Test:
    if isinstance(operand, dict):
        ((name, inner),) = operand.items()
        tests = [_TESTS[name](one) for one in (inner if isinstance(inner, list) else [inner])]
    else:
        tests = [_test(one) for one in (operand if isinstance(operand, list) else [operand])]
    return lambda value: not any(test(value) for test in tests)


_TESTS: dict[str, Callable[[Any], Test]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _equals_ignore_case,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
