"""Templates: values, text, errors, bounds, and what cannot be reached."""

from __future__ import annotations

import resource
from datetime import UTC, datetime
from random import Random

import pytest

from engine import limits
from engine.errors import ExpressionError
from engine.workflow.expressions import templates as expressions
from engine.workflow.expressions.jsonata.bounds import Compiled
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.templates import expressions_of, render, templates
from engine.workflow.expressions.text_cache import cached_by_length

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
DATA = {
    "trigger": {"body": {"total": 5, "items": [{"p": 1}, {"p": 2}], "name": "Zoë", "none": None, "in": 3}},
    "nodes": {"a": {"list": [5], "empty": [], "map": {"k": "v"}}},
    "vars": {"limit": 10},
}


def evaluate(template: object) -> object:
    return render(template, Scope(DATA, NOW, Random(1)), "config.value")


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"),
        ("{{ trigger.body.total }}", 5),
        (" {{ trigger.body.total }} ", 5),
        ("{{trigger.body.items[1].p}}", 2),
        ("{{ trigger.body.items.p }}", [1, 2]),
        ("{{ trigger.body.none }}", None),
        ("{{ nodes.a.list }}", [5]),
        ("{{ nodes.a.empty }}", []),
        ("{{ trigger.body.total * 2 > vars.limit - 1 }}", True),
        ("total: {{ trigger.body.total }}, {{ trigger.body.name }}", "total: 5, Zoë"),
        ("{{ nodes.a.map }} and {{ trigger.body.none }}", '{"k":"v"} and null'),
        ("{{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("{{{'a': {'b': trigger.body.total}}}}", {"a": {"b": 5}}),
        ("x{{ '}}' }}y", "x}}y"),
        ("{{ '{{' }}", "{{"),
        ("{{ trigger.body.missing ?? 'default' }}", "default"),
        ("{{ $exists(trigger.body.missing) }}", False),
        ("{{ 10 / 4 }}", 2.5),
        ("{{ 10 / 2 }}", 5),
        ("{{ true }}", True),
        ("{{ null }}", None),
        ("{{ $now() }}", "2026-03-01T12:30:00.000Z"),
        ("{{ $millis() }}", 1772368200000),
        ({"k": ["{{ vars.limit }}", {"deep": "{{ vars.limit }}"}]}, {"k": [10, {"deep": 10}]}),
        ({"{{ key }}": 1}, {"{{ key }}": 1}),
    ],
)
def test_expression_gives_value(template: object, value: object):
    result = evaluate(template)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ trigger.body.totl }}", "`trigger.body.totl` does not exist; did you mean `total`?"),
        ("{{ trigger.body.totl > 3 }}", "`trigger.body.totl` does not exist; did you mean `total`?"),
        ("{{ trigger.body.items[7].p }}", "the list has 2 items"),
        ("{{ trigger.body.none.x }}", "`trigger.body.none` is null"),
        ("{{ trigger.body.name.x }}", "`trigger.body.name` is text"),
        ("{{ nodes.b.x }}", "that node has not run"),
        ("{{ $sum }}", "the result is a function"),
        ("{{ $number('1e999') }}", "out of range"),
        ("{{ trigger.body.total + 'x' }}", "number"),
        ("{{ $error('boom') }}", "boom"),
    ],
)
def test_an_error_says_what_was_wrong(template: str, says: str):
    with pytest.raises(ExpressionError) as caught:
        evaluate(template)

    assert says in caught.value.message
    assert caught.value.details["field"] == "config.value"
    assert caught.value.details["expression"] == template.removeprefix("{{ ").removesuffix(" }}")


@pytest.mark.parametrize(
    "template", ["{{ ", "{{}}", "{{ a b }}", "{{ ( }}", "{{ /(/ }}", "{{ " + "1+" * 5000 + "1 }}", "{{ 'a }}"]
)
def test_what_does_not_parse_is_an_error(template: str):
    with pytest.raises(ExpressionError):
        expressions_of(template)


BOMBS = [
    "{{ [1..10000000] }}",
    "{{ $pad('a', 1e9) }}",
    "{{ $pad('a', -1e12) }}",
    "{{ $match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /(a+)+$/) }}",
    "{{ $contains('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /^(a|a?)+$/) }}",
    "{{ ($f := function($n) { $f($n + 1) }; $f(1)) }}",
    "{{ ($f := function($n) { 1 + $f($n + 1) }; $f(1)) }}",
    "{{ ($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, [$a, $a]) }; $f(60, [1])) }}",
    "{{ ($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, $append($a, $a)) }; $f(60, [1])) }}",
    "{{ ($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, $a & $a) }; $f(60, 'ab')) }}",
    "{{ ($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, $a * $a) }; $f(60, 10)) }}",
    "{{ ($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, {'a': $a, 'b': $a}) }; $string($f(40, 1))) }}",
    "{{ $map([1..1000], function($i) { $map([1..1000], function($j) { $i * $j }) }) }}",
    "{{ $string($map([1..10000], function($x) { $pad('', 100000) })) }}",
    "{{ $replace($pad('a', 1000000, 'a'), 'a', $pad('b', 1000000, 'b')) }}",
    "{{ $join($map([1..100000], function($x) { $pad('', 1000) })) }}",
    "{{ $eval('1') }}",
]


@pytest.mark.parametrize("template", BOMBS)
def test_expensive_expression_fails_within_time_and_memory(template: str):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ExpressionError):
        evaluate(template)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


ESCAPES = [
    "{{ trigger.__class__ }}",
    "{{ trigger.body.__dict__ }}",
    "{{ $lookup(trigger, '__class__') }}",
    "{{ $.__init__.__globals__ }}",
    "{{ trigger.body.name.format }}",
    "{{ nodes.constructor }}",
    "{{ nodes.__proto__ }}",
    "{{ __import__('os') }}",
    "{{ $import('os') }}",
    "{{ open('/etc/passwd') }}",
]


@pytest.mark.parametrize("template", ESCAPES)
def test_expressions_cannot_reach_python(template: str):
    with pytest.raises(ExpressionError):
        evaluate(template)


def test_reading_time_or_chance_is_noticed():
    seen = {}
    for source in ("$now()", "$millis()", "$random()", "$shuffle([1,2,3])", "1 + 1", "vars.limit"):
        scope = Scope(DATA, NOW)
        render(f"{{{{ {source} }}}}", scope)
        seen[source] = scope.nondeterministic

    assert seen == {
        "$now()": True,
        "$millis()": True,
        "$random()": True,
        "$shuffle([1,2,3])": True,
        "1 + 1": False,
        "vars.limit": False,
    }


def test_an_evaluation_leaves_its_data_as_it_was():
    before = repr(DATA)
    evaluate("{{ trigger.body ~> |$|{'total': 6}| }}")
    evaluate("{{ $append(nodes.a.list, 3) }}")

    assert repr(DATA) == before


def test_references_are_told_without_running():
    source = "nodes.a.x[p = nodes.q] + $sum(nodes.c.items.p) ? $$.nodes.d : (nodes.e).f"

    assert list(Compiled(source).references()) == [
        ("nodes", "a", "x"),
        ("nodes", "c", "items", "p"),
        ("nodes", "d"),
        ("nodes", "e"),
    ]


def test_templates_are_found_with_their_fields():
    config = {"url": "{{ a }}", "headers": {"X": "y{{ b }}"}, "list": [1, "{{ c }}"], "plain": "z"}

    assert [where for where, _ in templates(config, "config")] == ["config.url", "config.headers.X", "config.list[1]"]


@pytest.mark.parametrize("template", [r"{{ $match('a', /\p/) }}", "{{ $match('a', /a{99999999999}/) }}"])
def test_a_regex_that_python_refuses_is_an_expression_error(template: str):
    with pytest.raises(ExpressionError):
        expressions_of(template)


def test_braces_in_quotes_and_regexes_do_not_end_an_expression():
    assert evaluate("{{ $contains('a}b', /\\}/) }} {{ '{' }} {{ \"}}\" & `x` ?? 1 }}").startswith("true { ")
    assert evaluate("{{ $replace('a{b', '{', '}}') }}") == "a}}b"


def test_all_expressions_of_a_node_share_a_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "MAX_RENDER_SECONDS", 0.02)
    monkeypatch.setattr(limits, "MAX_OUTPUT_BYTES", 10_000)
    with pytest.raises(ExpressionError, match="in total"):
        evaluate(["{{ $count([1..2000][$ % 2 = 0]) }}"] * 200)
    with pytest.raises(ExpressionError, match="in total"):
        evaluate(["{{ trigger.body.name }}" * 5] * 1_000)


def test_slow_expression_is_recorded_as_nondeterministic(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "SLOW_EXPRESSION", 0.0)
    scope = Scope(DATA, NOW)
    render("{{ 1 + 1 }}", scope)

    assert scope.nondeterministic


def test_expression_errors_print_no_data(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ExpressionError):
        evaluate("{{ trigger.body.name() }}")

    assert "Zoë" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "step", ["a.", "a.%.", "(a).", "-a.", "a[0].", "a^(a).", "a@$b.", "a#$b.", "$f(a).", "{'a': 1}."]
)
def test_a_path_of_very_many_steps_is_refused_before_it_is_parsed(step: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(expressions, "_parse", lambda source: pytest.fail(source[:20]))
    with pytest.raises(ExpressionError, match="a path has at most 200 steps"):
        expressions_of("{{ " + step * 250 + "a }}")


def test_many_short_paths_are_accepted():
    short = ", ".join(["trigger.body.total"] * 300)

    assert evaluate(f"{{{{ [{short}] }}}}") == [5] * 300


def test_caches_hold_few_characters_and_no_text_without_templates():
    made = []

    @cached_by_length(100)
    def remember(text: str) -> str:
        made.append(text)
        return text

    for text in ("a" * 60, "b" * 30, "a" * 60, "c" * 30, "b" * 30, "d" * 1_000, "d" * 1_000, "c"):
        assert remember(text) == text

    assert [text[0] for text in made] == ["a", "b", "c", "b", "d", "d", "c"]


def test_text_without_templates_is_not_cached(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(expressions, "_compile_template", pytest.fail)

    assert expressions.compile_text("plain" * 1_000) == "plain" * 1_000
