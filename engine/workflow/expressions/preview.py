"""What a template gives, expression by expression, and where what is wrong with it stands: for editors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.errors import ExpressionError
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.template_scanner import find_end
from engine.workflow.expressions.templates import NOTHING, Notes, expressions_of, render

_NAMED = re.compile(r"^`([^`]+)` is not there|^`([^`]+)` has no value")


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """What is wrong, and where in the template it stands, in the units in which JavaScript counts."""

    message: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class PreviewedExpression:
    """One `{{ … }}` of a template: where it stands with its braces, and its value or what is wrong with it."""

    offset: int
    length: int
    expression: str
    value: Any = None
    problem: TemplateProblem | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """The value of a template, if it is `found`."""

    value: Any
    found: bool
    parts: list[PreviewedExpression]
    problems: list[TemplateProblem]


def preview(text: str, scope: Scope) -> Preview:
    """What a template gives over a scope. All that is wrong is told at once."""
    parts = list(_parts(text, scope))
    problems = [part.problem for part in parts if part.problem is not None]
    if problems:
        return Preview(None, found=False, parts=parts, problems=problems)
    notes = Notes()
    try:
        value = render(text, scope, "", notes)
    except ExpressionError as error:  # all of them together are over a bound
        return Preview(None, found=False, parts=parts, problems=[TemplateProblem(_reason(error), 0, _units(text))])
    return Preview(None if value is NOTHING else value, found=value is not NOTHING, parts=parts, problems=[])


def _parts(text: str, scope: Scope) -> Iterator[PreviewedExpression]:
    position = 0
    while (start := text.find("{{", position)) >= 0:
        try:
            end = find_end(text, start + 2)
        except ExpressionError as error:
            rest = text[start:]
            problem = TemplateProblem(_reason(error), _units(text[:start]), _units(rest))
            yield PreviewedExpression(_units(text[:start]), _units(rest), rest[2:].strip(), problem=problem)
            return
        yield _part(text, start, end, scope)
        position = end + 2


def _part(text: str, start: int, end: int, scope: Scope) -> PreviewedExpression:
    inside = text[start + 2 : end]
    source = inside.strip()
    place = _units(text[:start]), _units(text[start : end + 2])
    try:
        (expression,) = expressions_of(text[start : end + 2])
        value = expression.evaluate(scope, "", Notes())
    except ExpressionError as error:
        begin = start + 2 + len(inside) - len(inside.lstrip())
        at, length = _position_of_mistake(source, error)
        where = _units(text[: begin + at])
        problem = TemplateProblem(_reason(error), where, _units(source[at : at + length]) or place[1])
        return PreviewedExpression(*place, source, problem=problem)
    return PreviewedExpression(*place, source, None if value is NOTHING else value)


def _position_of_mistake(source: str, error: ExpressionError) -> tuple[int, int]:
    """Where in an expression the mistake is, as far as that is known: else all of it."""
    details = error.details if isinstance(error.details, dict) else {}
    position = details.get("position")
    if isinstance(position, int) and 0 < position <= len(source):
        token = str(details.get("token") or source[position - 1])
        begin = source.rfind(token, 0, position)
        return (begin, len(token)) if begin >= 0 else (position - 1, 1)
    named = _NAMED.match(str(details.get("reason", "")))
    if named:
        name = named[1] or named[2]
        begin = source.find(name)
        if begin >= 0:
            return begin, len(name)
    return 0, len(source)


def _reason(error: ExpressionError) -> str:
    details = error.details if isinstance(error.details, dict) else {}
    return str(details.get("reason") or error.message)


def _units(text: str) -> int:
    """The length of a text in UTF-16, which is what JavaScript calls its length."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
