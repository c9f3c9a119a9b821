"""Finds the end of a `{{ … }}` in one pass over its tokens.

JSONata may contain `}}` itself: in a text, a quoted name, a comment, a regular expression, or as the ends of two
objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine import limits
from engine.errors import ExpressionError

_PIECE = re.compile(
    r"""(?P<space>\s++)
    |(?P<comment>/\*(?:[^*]|\*(?!/))*+(?:\*/)?)
    |(?P<text>"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?)
    |(?P<quoted>`[^`]*+`?)
    |(?P<word>[\w$]++)
    |(?P<other>\*\*|\?[?:]|.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX_PART = re.compile(r"\\.|[^\\/()\[\]{}]++|.", re.DOTALL)
_OPERATOR_WORDS = frozenset({"and", "or", "in"})
_OPERANDS = frozenset({"*", "**", "%", "?"})  # tokens in the position of a value: wildcards, the parent, a placeholder
_OPENERS, _CLOSERS = frozenset("([{"), frozenset(")]}")
_WITHIN_PATHS = frozenset("^@#")  # operators that continue a path


def find_end(text: str, start: int) -> int:
    """Return the position of the `}}` that closes the `{{` whose content begins at `start`.

    The library's parser takes time quadratic in a path's steps, so steps are limited here.

    Raises:
        ExpressionError: there is none, something inside is not closed, or it is too long.
    """
    braces = 0
    steps = [0]  # of the open path at each depth of brackets
    for piece, position, is_value in _pieces(text, start):
        if position - start > limits.MAX_EXPRESSION_LENGTH:
            raise _error(f"an expression has at most {limits.MAX_EXPRESSION_LENGTH} characters", text, start)
        if piece == "}" and not braces and text.startswith("}}", position):
            return position
        if piece in _OPENERS:
            braces += piece == "{"
            steps.append(0)
        elif piece in _CLOSERS:
            braces -= piece == "}" and braces > 0
            if len(steps) > 1:
                steps.pop()
        elif piece == ".":
            steps[-1] += 1
            if steps[-1] >= limits.MAX_PATH_STEPS:
                raise _error(f"a path has at most {limits.MAX_PATH_STEPS} steps", text, start)
        elif not is_value and piece not in _WITHIN_PATHS:
            steps[-1] = 0
    raise _error("`{{` is not closed by `}}`", text, start)


def _pieces(text: str, start: int) -> Iterator[tuple[str, int, bool]]:
    """Yield tokens other than spaces: each with its start, and whether it is in the position of a value.

    A `/` there begins a regular expression.
    """
    position, wants_value = start, True
    while (found := _PIECE.match(text, position)) is not None:
        kind, piece, end = found.lastgroup, found.group(), found.end()
        if kind in ("text", "quoted", "comment") and not _is_closed(piece):
            raise _error(f"`{piece[: 2 if kind == 'comment' else 1]}` is not closed", text, start)
        if kind in ("space", "comment"):
            position = end
            continue
        is_value = wants_value
        if piece == "/" and is_value:
            end, wants_value = _regex_end(text, position), False
        elif kind == "word":
            wants_value = not is_value and piece in _OPERATOR_WORDS
        else:
            wants_value = kind == "other" and piece not in _CLOSERS and not (is_value and piece in _OPERANDS)
        yield piece, position, is_value
        position = end


def _is_closed(piece: str) -> bool:
    if piece.startswith("/*"):
        return piece.endswith("*/") and len(piece) > 3  # noqa: PLR2004 - `/*/` is only the beginning
    return len(piece) > 1 and piece[-1] == piece[0]


def _regex_end(text: str, start: int) -> int:
    """Return the position behind the `/` that closes the one at `start`. One within brackets does not."""
    depth, position = 0, start + 1
    while position < len(text):
        found = _REGEX_PART.match(text, position)
        if found is None:
            break
        part, position = found.group(), found.end()
        if part in ("(", "[", "{"):
            depth += 1
        elif part in (")", "]", "}"):
            depth -= 1
        elif part == "/" and depth == 0:
            return position
    raise _error("the regular expression behind `/` is not closed by `/`", text, start)


def _error(reason: str, text: str, start: int) -> ExpressionError:
    return ExpressionError(reason, details={"expression": text[start : start + 80], "reason": reason})
