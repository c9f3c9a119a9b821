"""Validates event patterns: whether EventBridge would accept one, and if not, where it is wrong.

The grammar is that of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html.
`matching.py` matches events against patterns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from engine import limits
from engine.json_value import dumps

_TOP_LEVEL = frozenset(
    {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail", "$or"}
)
_TEXTS = frozenset({"version", "id", "detail-type", "source", "account", "time", "region"})
_SIGNS = frozenset({"<", "<=", "=", ">", ">="})
_MOST_NUMBER = 5e9


class BadPattern(ValueError):
    """EventBridge would refuse the pattern; the message says where and why."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where or 'the pattern'}: {message}")


def check_pattern(pattern: dict[str, Any]) -> None:
    """Refuse an invalid event pattern.

    Raises:
        BadPattern: the pattern is invalid; the message names the place.
    """
    if not pattern:
        raise BadPattern("", "it is empty, so it would fit every event; name a `source` at least")
    size = len(dumps(pattern).encode())
    if size > limits.MAX_PATTERN_BYTES:
        raise BadPattern("", f"it has at most {limits.MAX_PATTERN_BYTES} bytes, this has {size}")
    for key in pattern:
        if key not in _TOP_LEVEL:
            known = ", ".join(sorted(_TOP_LEVEL - {"$or"}))
            raise BadPattern(key, f"events have no field of this name; they have {known} (your data is in `detail`)")
    counted = _object(pattern, "")
    if counted > limits.MAX_PATTERN_ENTRIES:
        raise BadPattern("", f"it has {counted} values to compare; {limits.MAX_PATTERN_ENTRIES} are the most")
    combined = _combinations(pattern)
    if combined > limits.MAX_PATTERN_COMBINATIONS:
        raise BadPattern("", f"its `$or` make {combined} combinations; {limits.MAX_PATTERN_COMBINATIONS} are the most")


def _object(pattern: dict[str, Any], where: str) -> int:
    """Check an object of the pattern and return how many values it compares."""
    counted = 0
    for key, value in pattern.items():
        at = f"{where}.{key}" if where else key
        if key == "$or":
            counted += _alternatives(value, at, where)
        elif isinstance(value, dict) and not (not where and key in _TEXTS):
            if not value:
                raise BadPattern(at, "it is empty; leave it out to take any value")
            counted += _object(value, at)
        elif isinstance(value, list):
            counted += _leaf(value, at)
        else:
            raise BadPattern(at, f'a list of the values that fit is expected, such as ["{key}"]')
    return counted


def _alternatives(value: Any, at: str, where: str) -> int:
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(one, dict) and one for one in value):  # noqa: PLR2004
        raise BadPattern(at, "a list of at least two patterns is expected, of which one has to fit")
    if not where:
        for number, one in enumerate(value):
            for key in one:
                if key not in _TOP_LEVEL:
                    raise BadPattern(f"{at}[{number}].{key}", "events have no field of this name")
    return sum(_object(one, f"{at}[{number}]") for number, one in enumerate(value))


def _combinations(pattern: dict[str, Any]) -> int:
    """Return how many patterns without `$or` the pattern expands to."""
    counted = 1
    for key, value in pattern.items():
        if key == "$or":
            counted *= sum(_combinations(one) for one in value)
        elif isinstance(value, dict):
            counted *= _combinations(value)
    return counted


def _leaf(values: list[Any], at: str) -> int:
    if not values:
        raise BadPattern(at, "the list is empty, so nothing would fit")
    for number, value in enumerate(values):
        where = f"{at}[{number}]"
        if isinstance(value, dict):
            _operator(value, where)
        elif isinstance(value, list):
            raise BadPattern(where, "a value or an operator is expected, not a list in a list")
        elif isinstance(value, float) and not math.isfinite(value):
            raise BadPattern(where, "that is not a number of JSON")
    return len(values)


def _operator(value: dict[str, Any], where: str) -> None:
    if len(value) != 1:
        raise BadPattern(where, 'an operator is an object with one key, such as {"prefix": "a"}')
    ((name, operand),) = value.items()
    check = _OPERATORS.get(name)
    if check is None:
        raise BadPattern(f"{where}.{name}", f"there is no such operator; there are {', '.join(sorted(_OPERATORS))}")
    check(operand, f"{where}.{name}")


def _text(operand: Any, where: str) -> None:
    if not isinstance(operand, str) or not operand:
        raise BadPattern(where, "text is expected")


def _affix(operand: Any, where: str) -> None:
    if isinstance(operand, dict) and list(operand) == ["equals-ignore-case"]:
        operand = operand["equals-ignore-case"]
    _text(operand, where)


def _wildcard(operand: Any, where: str) -> None:
    _text(operand, where)
    bare = re.sub(r"\\[*\\]", "_", operand)
    if "\\" in bare:
        raise BadPattern(where, "a backslash stands before `*` or another backslash only, to take that as it is")
    if "**" in bare:
        raise BadPattern(where, "one `*` stands for any text; two in a row are not taken")


def _exists(operand: Any, where: str) -> None:
    if not isinstance(operand, bool):
        raise BadPattern(where, "true or false is expected")


def _cidr(operand: Any, where: str) -> None:
    try:
        ip_network(operand)
        valid = isinstance(operand, str) and "/" in operand
    except ValueError:
        valid = False
    if not valid:
        raise BadPattern(where, "a network is expected, such as 10.0.0.0/24")


def _numeric(operand: Any, where: str) -> None:
    message = 'a sign and a number are expected, or two of each, such as [">", 0, "<=", 5]'
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise BadPattern(where, message)
    signs, numbers = operand[::2], operand[1::2]
    for sign, number in zip(signs, numbers, strict=True):
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not isinstance(sign, str) or sign not in _SIGNS or not is_number or not abs(number) <= _MOST_NUMBER:
            raise BadPattern(where, f"{message}, up to five thousand million")
    if len(signs) == 2:  # noqa: PLR2004
        if signs[0] not in (">", ">=") or signs[1] not in ("<", "<="):
            raise BadPattern(where, 'of two bounds the lower comes first, as [">", 0, "<=", 5]')
        if numbers[0] >= numbers[1]:
            raise BadPattern(where, "the lower bound is not below the upper one")


def _anything_but(operand: Any, where: str) -> None:
    if isinstance(operand, dict):
        if len(operand) != 1 or not operand.keys() <= {"prefix", "suffix", "equals-ignore-case", "wildcard"}:
            message = "only `prefix`, `suffix`, `equals-ignore-case` and `wildcard` may stand in it"
            raise BadPattern(where, message)
        ((name, inner),) = operand.items()
        for one in inner if isinstance(inner, list) and inner else [inner]:
            (_wildcard if name == "wildcard" else _text)(one, f"{where}.{name}")
        return
    values = operand if isinstance(operand, list) else [operand]
    texts = all(isinstance(value, str) for value in values)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not values or not (texts or numbers):
        raise BadPattern(where, "a text, a number, or a list of only the one or only the other is expected")


_OPERATORS: dict[str, Callable[[Any, str], None]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _text,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _affix,
    "suffix": _affix,
    "wildcard": _wildcard,
}
