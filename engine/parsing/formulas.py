"""Texts that a spreadsheet program would run as a formula when it opens a CSV file."""

from __future__ import annotations

import re

_BEGINS = re.compile(r"[\s\ufeff\u200b]*[=+\-@＝＋－＠]")  # noqa: RUF001 - Excel takes the wide ones, too
_NUMBER = re.compile(r"\s*[+-]?([0-9][0-9.,' \u00a0\u202f]*|[.,][0-9]+)([eE][+-]?[0-9]+)?\s?%?\s*")
_LINE = re.compile(r"(?<=[^\r\n])([\r\n]+)(?=\s*[=＝])")  # noqa: RUF001


def harmless(text: str, other_delimiters: str) -> str:
    """Return the text with a `'` before everything that would be run as a formula.

    That is the beginning of the text, unless it is a number; the text after other delimiters than this file's, because
    a program with other settings divides the text there; and a `=` that begins a line.
    """
    if not any(sign in text for sign in "=+-@＝＋－＠"):  # noqa: RUF001
        return text
    first, *others = re.split(f"([{re.escape(other_delimiters)}])", _LINE.sub(r"\1'", text))
    parts = [f"'{first}" if _is_formula(first) else first]
    for part in others:
        dash = part[:1] in {"+", "-"} and part[1:2] in {"", " "}  # as in lists and prices: `12,- EUR`
        parts.append(f"'{part}" if _is_formula(part) and not dash else part)
    return "".join(parts)


def _is_formula(text: str) -> bool:
    return _BEGINS.match(text) is not None and _NUMBER.fullmatch(text) is None
