"""Bounds on JSON values: what is not JSON, too deep or too large is found before anything is stored."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

from engine.errors import NodeError

_MOST_BITS = 13_000
"""Of a whole number: Python writes, and reads, at most 4,300 digits."""


def dumps(value: Any) -> str:
    """Compact JSON text that can be encoded as UTF-8; refuses NaN and infinities, which are not JSON.

    A half of a surrogate pair, which other people's JSON may hold, stays escaped as it came.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text


def is_equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; to Python `1`, `1.0` and `true` are."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_equal, one, other))
    return bool(one == other)


def depth_of(value: Any, limit: int) -> int:
    """How deep `value` is nested; stops counting over `limit`. A scalar has depth 0."""
    depth = 0
    level = [value]
    while level and depth <= limit:
        following: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                following.extend(item.values())
            elif isinstance(item, list):
                following.extend(item)
        if not following and not any(isinstance(item, dict | list) for item in level):
            break
        depth += 1
        level = following
    return depth


def check_output(value: Any, max_bytes: int, max_depth: int) -> int:
    """Refuse a node's output that cannot be stored; gives its size, as `dumps` writes it.

    Values shared between places count each time, as they do when written, and counting stops at the bound.

    Raises:
        NodeError: it is not JSON, is nested too deep, or is over `max_bytes`.
    """
    try:
        return _count(value, max_bytes, max_depth, _size)
    except UnicodeEncodeError:
        return _count(value, max_bytes, max_depth, _size_escaped)


def _count(value: Any, max_bytes: int, max_depth: int, size_of: Callable[[str], int]) -> int:
    size = 0
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, str):
            size += size_of(item)
        elif item is None or isinstance(item, bool):
            size += 5 if item is False else 4
        elif isinstance(item, int | float):
            size += _digits(item)
        elif isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                raise NodeError("an output's object keys must be text", code="output_not_json")
            size += 2 + 2 * len(item) - bool(item) + sum(map(size_of, item))
            stack.extend((child, depth + 1) for child in item.values())
        elif isinstance(item, list):
            size += 2 + len(item) - bool(item)
            stack.extend((child, depth + 1) for child in item)
        else:
            raise NodeError(f"a {type(item).__name__} is not JSON and cannot be an output", code="output_not_json")
        if depth > max_depth:
            raise NodeError(f"the output is nested more than {max_depth} deep", code="output_too_deep")
        if size > max_bytes:
            raise NodeError(f"the output is larger than {max_bytes} bytes", code="output_too_large")
    return size


def _size(text: str) -> int:
    """Bytes of a text in UTF-8, with its quotes and escapes."""
    written = encode_basestring(text)
    return len(written) if written.isascii() else len(written.encode())


def _size_escaped(text: str) -> int:
    return len(encode_basestring_ascii(text))


def _digits(number: float) -> int:
    if isinstance(number, int):
        if number.bit_length() > _MOST_BITS:
            raise NodeError("the output has a whole number of over 4,000 digits", code="output_not_json")
        return len(int.__repr__(number))
    if not math.isfinite(number):
        message = "the output has a number that is out of JSON's range, as 1e400 is; use a text"
        raise NodeError(message, code="output_not_json")
    return len(float.__repr__(number))
