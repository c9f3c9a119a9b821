"""Laws of templates: where one ends, and what finding that costs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.workflow.expressions import template_scanner, templates
from engine.workflow.expressions.jsonata.bounds import Compiled
from engine.workflow.expressions.template_scanner import find_end

leaves = st.sampled_from(
    [
        "a",
        "1",
        "2.5e-3",
        "$x",
        "'}}'",
        '"{{\\""',
        "'it''s'",
        "`}}`",
        "/}}/",
        "/'/i",
        r"/\/\}/",
        "/[/]/",
        "*",
        "**",
        "null",
        "and",
        "$",
        "$$",
        "''",
        "/(a|\\))/",
        "/* }} ' */ a",
        "a/*}}*/",
        "%.b",
        "function($q){{'x': $q}}",
    ]
)
operators = st.sampled_from(
    [".", "+", "-", "*", "/", "%", "&", "=", "!=", "<", ">=", " and ", " or ", " in ", "~>", "??", "?:"]
)
sources = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, operators, inner).map("".join),
        st.builds("({};{})".format, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        inner.map(lambda one: f"{{'k': {one}}}"),
        inner.map(lambda one: f"{{'a': {{'b': {one}}}}}"),
        st.builds("{}?{}:{}".format, inner, inner, inner),
        inner.map(lambda one: f"$f({one}, ?)"),
        inner.map(lambda one: f"$ ~> |{one}|{{'x': 1}}, 'y'|"),
        inner.map(lambda one: f"-{one}"),
        inner.map(lambda one: f" {one} ^(>a)"),
    ),
    max_leaves=8,
)
hostile = st.lists(st.sampled_from(["{{", "}}", "{", "}", '"', "'", "`", "/", "/*", "*/", "\\", " a ", "1", "."])).map(
    "".join
)


@settings(max_examples=600, deadline=None)
@given(sources, st.sampled_from(["", " }}", "'", "}", " {{ b }}"]))
@example("/a'/", "'")
@example("a ?? /}}/", "")
@example("{'a': {'b': 1}}", "}")
def test_end_of_a_template_is_found_behind_any_expression(source: str, tail: str):
    try:
        Compiled(source)
    except ExpressionError:
        return

    assert find_end(f"{{{{{source}}}}}{tail}", 2) == len(source) + 2


class Work:
    """How much the scanner and the parser are given to do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = 0
        for name, pattern in (("_PIECE", template_scanner._PIECE), ("_REGEX_PART", template_scanner._REGEX_PART)):
            monkeypatch.setattr(template_scanner, name, self.counting(pattern))
        parse = templates._parse
        monkeypatch.setattr(templates, "_parse", lambda source: self.count(len(source)) or parse(source))

    def counting(self, pattern: Any) -> Any:
        work = self

        class Counting:
            def match(self, text: str, position: int) -> Any:
                found = pattern.match(text, position)
                work.count(1 + (len(found.group()) if found else len(text) - position))
                return found

        return Counting()

    def count(self, steps: int) -> None:
        self.steps += steps


@settings(max_examples=300, deadline=None)
@given(hostile.filter(lambda text: "{{" in text), st.integers(1, 40))
@example('{{ "\'" ', 200)
@example("{{ {'}} ", 200)
@example("{{ /}} ", 200)
@example("{{ } ", 200)
def test_finding_template_ends_takes_linear_time(text: str, times: int):
    with pytest.MonkeyPatch.context() as monkeypatch:
        work = Work(monkeypatch)
        with suppress(ExpressionError):
            templates._compile_template.__wrapped__(text * times)

    assert work.steps <= 4 * len(text) * times
