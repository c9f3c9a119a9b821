"""Reads untrusted JSON: its memory is counted before it is built, and errors name the place."""

from __future__ import annotations

import json
import re
from typing import Any

from engine import limits
from engine.errors import NodeError
from engine.json_value import depth_of

_TEXT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MAYBE_TOO_LARGE = re.compile(r"[0-9][eE]\+?[0-9]{3}|[0-9]{300}")
_BYTES = {"{": 190, "[": 64, ":": 60, ",": 45}
"""The most memory that Python needs for an object, list, key or value, by its character in the text."""


def read_json(text: str, what: str = "the content", code: str = "bad_content") -> Any:
    """Parse JSON.

    Raises:
        NodeError: `code`: the text is not JSON, is nested too deep, or has a number that is too large; `too_large`:
            the value would take too much memory.
    """
    if _memory(text) > limits.MAX_VALUE_BYTES and _memory(_TEXT.sub("", text)) > limits.MAX_VALUE_BYTES:
        most = limits.MAX_VALUE_BYTES // 1024**2
        raise NodeError(f"{what} has so many values that they would take more than {most} MB", code="too_large")
    numbers: dict[str, Any] = {"parse_float": _float} if _MAYBE_TOO_LARGE.search(text) else {}
    try:
        value = json.loads(text, parse_constant=_refuse_constant, **numbers)
    except RecursionError:
        raise _too_deep(what, code) from None
    except ValueError as error:
        raise NodeError(f"{what} is not JSON: {error}", code=code) from None
    if depth_of(value, limits.MAX_JSON_DEPTH) > limits.MAX_JSON_DEPTH:
        raise _too_deep(what, code)
    return value


def json_text(content: bytes, what: str = "the content", code: str = "bad_content") -> str:
    """Decode JSON's own encodings: UTF-8, UTF-16 and UTF-32, which the positions of zero bytes reveal.

    Raises:
        NodeError: `code`: the content is in none of them.
    """
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        byte = content[error.start]
        message = (
            f"{what} is not JSON: the byte 0x{byte:02x} at {error.start} is not of {encoding.removesuffix('-sig')}"
        )
        raise NodeError(message, code=code) from None


def read_json_lines(text: str) -> list[Any]:
    """Parse JSON Lines: one value a line; empty lines are skipped.

    Raises:
        NodeError: as `read_json`, with the line's number; `too_large` for all lines together.
    """
    found, size = [], 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            size += _memory(line) + _BYTES[","]
            if size > limits.MAX_VALUE_BYTES:
                size += _memory(_TEXT.sub("", line)) - _memory(line)
            if size > limits.MAX_VALUE_BYTES:
                most = limits.MAX_VALUE_BYTES // 1024**2
                message = f"line {number}: the values up to here would take more than {most} MB"
                raise NodeError(message, code="too_large")
            found.append(read_json(line, f"line {number}"))
    return found


def _memory(text: str) -> int:
    return sum(size * text.count(mark) for mark, size in _BYTES.items())


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:50]} is larger than a number can be (1.8e308); send it as a text")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _too_deep(what: str, code: str) -> NodeError:
    return NodeError(f"{what} is nested more than {limits.MAX_JSON_DEPTH} deep", code=code)
