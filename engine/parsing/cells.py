"""Values of workbook cells: numbers with all their digits, times, and the effects of number formats."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_TIME = re.compile(r"[dmyhs]", re.IGNORECASE)
_ZEROS = re.compile(r'(?:0|[-/ ().]|\\[-/ ().]|"[^"]*")+')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_INTEGER = re.compile(r"\s*-?[0-9]+\s*")
_EPOCHS = {False: dt.datetime(1899, 12, 30), True: dt.datetime(1904, 1, 1)}  # noqa: DTZ001 - workbooks know no zones
_DAY = 86_400_000
"""A day in milliseconds."""
_LEAP_DAY = 60
"""1900 was no leap year, but Excel treats it as one."""
BUILT_IN: dict[int, str] = {
    **dict.fromkeys((14, 15, 16, 17, 22, *range(27, 32), *range(34, 37), 50, 51, 52, 53, 54, 55, 56, 57, 58), "d"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 45, 47), "h"),
    46: "[h]",
}
"""The built-in time formats that have a number; their exact appearance does not matter."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a number format changes what a number means."""

    kind: Literal["number", "time", "elapsed", "zeros"] = "number"
    zeros: str = ""


def shown_by(code: str) -> Shown:
    """Return the effect of a number format."""
    first = code.split(";", maxsplit=1)[0]
    if _ZEROS.fullmatch(first) and first.count("0") > 1 and not re.search(r"0\.0", first):
        return Shown("zeros", re.sub(r'\\(.)|"([^"]*)"', lambda found: found[1] or found[2] or "", first))
    plain = _NOT_SHOWN.sub("", first)
    if _ELAPSED.search(plain):
        return Shown("elapsed")
    return Shown("time") if _TIME.search(plain) else Shown()


def number(text: str, shown: Shown, *, is_1904: bool) -> Any:
    """Return a number, or the time or zero-padded text that its format makes of it.

    Raises:
        ValueError: the text is no number, or the number is too large.
    """
    if _INTEGER.fullmatch(text):
        value: int | float = int(text)
    else:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"the number {text[:50]} is larger than a number can be")
    if shown.kind == "zeros" and isinstance(value, int) and value >= 0:
        return _padded(str(value), shown.zeros)
    if shown.kind == "elapsed":
        return round(value * 86_400, 3)
    return _time(value, is_1904=is_1904) if shown.kind == "time" else value


def _padded(digits: str, zeros: str) -> str:
    """Put digits into the places of zeros, from the right: `0123-45` for 12345 and `0000-00`."""
    left = list(digits)
    found = [(left.pop() if left else "0") if place == "0" else place for place in reversed(zeros)]
    at = len(zeros) - zeros.index("0")
    found[at:at] = reversed(left)  # leading digits that have no place
    return "".join(reversed(found))


def _time(value: float, *, is_1904: bool) -> Any:
    """Return RFC 3339 without a time zone; the number itself where no such time exists."""
    days, part = divmod(value, 1)
    milliseconds = round(part * _DAY)
    if 0 <= value < 1 and milliseconds < _DAY:
        return (_EPOCHS[False] + dt.timedelta(milliseconds=milliseconds)).time().isoformat()
    if value < 0:
        return value
    if value < _LEAP_DAY and not is_1904:
        days += 1
    try:
        return (_EPOCHS[is_1904] + dt.timedelta(days=days, milliseconds=milliseconds)).isoformat()
    except OverflowError:
        return value


def unescaped(text: str) -> str:
    """Decode escapes such as `_x000D_`, which stand for characters that XML cannot hold, or would change."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def escaped(text: str) -> str:
    """Encode for `unescaped`: control characters, and text that looks like an escape."""
    text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return re.sub("[\x00-\x08\x0b-\x1f\ufffe\uffff]", lambda found: f"_x{ord(found[0]):04X}_", text)
