"""What expressions make of values: whole numbers, texts, lists of one and of none, null, times; what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from jsonata.jsonata import Jsonata

from engine.errors import ExpressionError
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.templates import expressions_of, render

A, B = 7615917337495251231, 7615917337495251232
DATA: dict[str, Any] = {
    "trigger": {
        "body": {
            "a": A,
            "b": B,
            "card": {"id": A, "text": str(A)},
            "list": [{"id": A, "n": 1}, {"id": B, "n": 2}],
            "one": [{"id": A, "n": 1}],
            "none": [],
            "nil": None,
            "order-id": 7,
            "float": 3.0,
            "price": 19.99,
            "name": "Straße",
        }
    },
    "nodes": {},
    "vars": {"key": "order-id"},
}


def evaluate(source: str) -> Any:
    return render(f"{{{{ {source} }}}}", Scope(DATA, datetime(2026, 7, 1, 12, tzinfo=UTC)), "config.value")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'x-' & trigger.body.a", f"x-{A}"),
        ("$string(trigger.body.a)", str(A)),
        ("$string({'id': trigger.body.a})", f'{{"id":{A}}}'),
        ("$string([1234567890123456])", "[1234567890123456]"),
        ("1234567890123456 & ''", "1234567890123456"),
        (f"{A}", A),
        (f"-{A}", -A),
        (f"- {A} + 0", -A),
        ("-trigger.body.a", -A),
        ("trigger.body.a = trigger.body.b", False),
        ("trigger.body.a != trigger.body.b", True),
        ("trigger.body.card = {'id': trigger.body.b, 'text': trigger.body.card.text}", False),
        ("[trigger.body.a] = [trigger.body.b]", False),
        ("trigger.body.a < trigger.body.b", True),
        ("trigger.body.a >= trigger.body.b", False),
        ("trigger.body.a in trigger.body.list[1].id", False),
        ("trigger.body.a in trigger.body.list.id", True),
        ("trigger.body.list[id = $$.trigger.body.b].n", 2),
        (f"trigger.body.list[id = {B}].n", 2),
        ("trigger.body.a + 1 = trigger.body.b", True),
        ("trigger.body.b - trigger.body.a", 1),
        ("trigger.body.a * 2", 2 * A),
        ("trigger.body.a % 1000", A % 1000),
        ("-trigger.body.a % 1000", -(A % 1000)),
        ("trigger.body.a * 10 / 10", A),
        ("$sum(trigger.body.list.id)", A + B),
        ("$sum([1, 2.5, 3])", 6.5),
        ("$sum([0.1, 0.2, 0.3])", 0.6),
        ("$max(trigger.body.list.id)", B),
        ("$average([1, 2])", 1.5),
        ("$average([trigger.body.a, trigger.body.a])", A),
        ("$number(trigger.body.card.text)", A),
        ("$number(trigger.body.card.text) = trigger.body.a", True),
        ("$number(' 12.50 ')", 12.5),
        ("$number('0x1F')", 31),
        ("$number('1e3')", 1000),
        ("$number('9007199254740993.0')", 9007199254740993),
        ("$number('9.007199254740993e15')", 9007199254740993),
        ("$sqrt(trigger.body.a * trigger.body.a)", A),
        ("$sqrt(2.25)", 1.5),
        ("$floor(trigger.body.a)", A),
        ("$ceil(trigger.body.a)", A),
        ("$round(trigger.body.a)", A),
        ("$round(trigger.body.a, -3)", 7615917337495251000),
        ("$round(2.675, 2)", 2.68),
        ("$round(-4.5)", -4),
        ("$abs(-trigger.body.a)", A),
        ("$power(3, 40)", 3**40),
        ("$power(2, -1)", 0.5),
        ("$power(-1, 1000001)", -1),
        ("$power(0, 0)", 1),
        ("$formatBase(trigger.body.a, 16)", f"{A:x}"),
        ("$formatNumber(trigger.body.a, '#,##0')", f"{A:,}"),
        ("$formatInteger(trigger.body.a, '0')", str(A)),
        ("$sort(trigger.body.list.id)", [A, B]),
        ("trigger.body.list^(>id).n", [2, 1]),
        ("$distinct(trigger.body.list.id)", [A, B]),
        ("$distinct([1, 1.0, true, '1', null, null, [1], [true], {'a': 1}, {'a': 1}])", None),
        ("$count(trigger.body.list{$string(id): n})", 1),
        ("$keys(trigger.body.list{$string(id): n})", [str(A), str(B)]),
        ("$clone(trigger.body.card).id", A),
        ("(trigger.body.card ~> |$|{'n': 1}|).id", A),
        ("$map(trigger.body.list, function($x) { $x.id })", [A, B]),
        ("$reduce(trigger.body.list.id, function($x, $y) { $x + $y })", A + B),
        ("5.5 % 2", 1.5),
        ("[1..trigger.body.float]", [1, 2, 3]),
        ("1 in [true]", False),
        ("1 = true", False),
        ("0.1 + 0.2 & ''", "0.3"),
        ("trigger.body.float & ''", "3"),
        ("1e22 & ''", "1e+22"),
        ("10 / 4", 2.5),
        ("$boolean(trigger.body.a)", True),
    ],
)
def test_numbers_are_exact(source: str, value: Any):
    result = evaluate(source)
    if value is None:
        value = [1, True, "1", None, [1], [True], {"a": 1}]

    assert result == value
    assert str(result) == str(value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("5 / 0", "division by zero"),
        ("5 % 0", "division by zero"),
        ("trigger.body.a + 0.5", f"{A} and a fraction cannot be combined exactly"),
        ("$sum([trigger.body.a, 0.5])", "cannot be combined exactly"),
        ("$number('12 apples')", "'12 apples' is not a number"),
        ("$number('1_000')", "'1_000' is not a number"),
        ("$number('nan')", "'nan' is not a number"),
        ("$number(null)", "null is not a number"),
        ("$number('9007199254740993.5')", "keep it a text"),
        ("$sqrt(-4)", "-4 is negative and has no square root"),
        ("$sum([1, null])", "list of numbers"),
        ("$power(10, 400)", "the number is too large"),
        ("$power(-8, 1/3)", "not a real number"),
        ("1e308 * 10.5", "out of range"),
        ("'20' > 5", "'20' > 5: a text and a number cannot be compared"),
        ("$sort([1, 'a'])", "$sort without a function takes only texts, or only numbers"),
        ("$fromMillis(1764216000000, '[D1].[M1].', 'Nowhere/City')", "'Nowhere/City' is not a time zone"),
        ("$fromMillis(1e18)", "beyond the years 1 to 9999"),
        ("$toMillis('yesterday')", "'yesterday' is not a time in ISO 8601"),
        ("$now('[Y,100000000]')", "a width in a picture is at most 100"),
        ("$fromMillis(0, '[Y, 1 0 0 0 0 0 0 0 0]')", "a width in a picture is at most 100"),
        ("$fromMillis(0, '[M,*-100000000]')", "a width in a picture is at most 100"),
        ("$formatInteger(1e9, 'I')", "$formatInteger takes at most"),
        ("$eval('1')", "text is never evaluated"),
        ("$floor(null)", "$floor does not take null here; `??` gives a default"),
        ("$toMillis(null)", "$toMillis does not take null here"),
        ("$formatBase(5, 99)", "between 2 and 36"),
        ("$parseInteger('abc', '0')", "$parseInteger cannot work with this: 'abc', '0'"),
        ("$fromMillis(0, '[Q]')", "$fromMillis cannot work with this"),
        ("[1] ~> |$|{'a': 1}|", "changes objects"),
        ("$uppercase(5)", "uppercase"),
        ("trigger.body[vars.key & '']", "`$lookup(object, name)`"),
        ("($k := vars.key; trigger.body[$k])", "`$lookup(object, name)`"),
        ("trigger.body[$$.vars.key]", "`$lookup(object, name)`"),
        ("trigger.body[$string('a')]", "`$lookup(object, name)`"),
    ],
)
def test_impossible_calculation_is_refused_with_the_reason(source: str, says: str):
    with pytest.raises(ExpressionError) as caught:
        evaluate(source)

    assert says in caught.value.message


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_name_in_brackets_is_refused_when_it_is_written(quote: str):
    with pytest.raises(ExpressionError, match=r"write \.`order-id`"):
        expressions_of(f"{{{{ trigger.body[{quote}order-id{quote}] }}}}")

    assert evaluate("trigger.body.`order-id`") == 7
    assert evaluate("$lookup(trigger.body, vars.key)") == 7
    assert evaluate("trigger.body.card[text].id") == A


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("trigger.body.nil ?? 'none'", "none"),
        ("trigger.body.missing ?? 'none'", "none"),
        ("trigger.body.nil ?? trigger.body.missing ?? 'none'", "none"),
        ("(trigger.body.nil ?? null) ?? 'none'", "none"),
        ("trigger.body.`order-id` ?? 'none'", 7),
        ("0 ?? 1", 0),
        ("false ?? true", False),
        ("'' ?? 'x'", ""),
        ("'' ?: 'x'", "x"),
        ("null ?? 1 + 1", 2),
        ("trigger.body.list[1].n ?? 'none'", 2),
        ("trigger.body.list[5].n ?? 'none'", "none"),
        ("[null][0] ?? 'none'", "none"),
    ],
)
def test_a_default_is_for_what_is_absent_or_null(source: str, value: Any):
    assert evaluate(source) == value


def test_null_in_a_list_can_be_searched():
    data = {"vars": {"list": [1, None, 2]}}

    assert render("{{ vars.list[$ = null] }}", Scope(data)) is None
    assert render("{{ vars.list[$ != null] }}", Scope(data)) == [1, 2]


def test_defaults_in_defaults_are_parsed_and_evaluated_once():
    source = "(" * 40 + "trigger.body.missing" + " ?? trigger.body.missing)" * 39 + " ?? 'end')"

    assert evaluate(source) == "end"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$sum(trigger.body.none)", 0),
        ("$sum(trigger.body.none.n)", 0),
        ("$sum(trigger.body.list[id = 9].n)", 0),
        ("$sum(trigger.body.list[id = 9].(n * 2))", 0),
        ("$sum($filter(trigger.body.list, function($x) { $x.n > 5 }).n)", 0),
        ("($rows := trigger.body.list[id = 9]; $sum($rows.n))", 0),
        ("$count(trigger.body.list[id = 9])", 0),
        ("$join(trigger.body.list[id = 9].name, ', ')", ""),
        ("$sum(trigger.body.list[id = 9].n) > 0", False),
    ],
)
def test_sum_and_join_of_no_matches_are_zero_and_empty(source: str, value: Any):
    assert evaluate(source) == value


@pytest.mark.parametrize(
    "source",
    [
        "$sum(trigger.body.lst.n)",
        "$sum(trigger.body.list.amount)",
        "$sum(trigger.body.list[n > 0].amount)",
        "$join(trigger.body.list.name)",
        "$max(trigger.body.none)",
    ],
)
def test_sum_over_a_misspelled_name_is_an_error(source: str):
    with pytest.raises(ExpressionError):
        evaluate(source)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$lowercase(trigger.body.name)", "straße"),
        ("$uppercase(trigger.body.name)", "STRASSE"),
        ("$string({'name': trigger.body.name})", '{"name":"Straße"}'),
        ("$string([0.1 + 0.2])", "[0.3]"),
        ("$replace('a.b.c', '.', '$$')", "a$$b$$c"),
        (r"$replace('ab12', /([a-z])(\d)/, '$2-$1')", "a1-b2"),
        (r"$replace('x', /x/, 'C:\\new $$5')", r"C:\new $5"),
        (r"$replace('abc', /(b)/, '$12')", "ab2c"),
        ("$replace('aaa', /a/, 'b', 2)", "bba"),
        ("$replace('aaa', 'a', 'b', 2)", "bba"),
        ("$replace('ab', /b/, function($m) { $uppercase($m.match) })", "aB"),
        (r"$split('a1b22c', /\d+/)", ["a", "b", "c"]),
        ("$split('abc', '', 2)", ["a", "b"]),
        ("$match('abab', /a(b)/, 1).groups", ["b"]),
        ("$substring(?, 0, 3)('abcdef')", "abc"),
        ("'abc' ~> $uppercase() ~> $length()", 3),
        ("$now('[H01]:[m01]', 'Europe/Berlin')", "14:00"),
        ("$now('[H01]:[m01]', '+0530')", "17:30"),
        ("$now('[H01]:[m01]', '-03:00')", "09:00"),
        ("$now('[H01]:[m01]', 'Z')", "12:00"),
        ("$fromMillis(1764216000000, '[D1].[M1].[Y]', 'Europe/Berlin')", "27.11.2025"),
        ("$toMillis('2017-05-15T15:12:59.153Z')", 1494861179153),
        ("$fromMillis($toMillis('2026-03-29T00:30:00Z'), '[H01][Z0101]', 'Europe/Berlin')", "01+0100"),
    ],
)
def test_text_and_time_functions_give_jsonata_results(source: str, value: Any):
    assert evaluate(source) == value


def test_a_range_has_as_many_items_as_it_says():
    assert evaluate("$count([1..100000])") == 100_000
    with pytest.raises(ExpressionError, match="a range has at most 100000 items"):
        evaluate("[1..100001]")


def test_a_partial_application_of_a_function_sees_what_is_around_it():
    assert evaluate("($n := 2; $first := $substring(?, 0, $n); $map(['abc', 'def'], $first))") == ["ab", "de"]


FUNCTIONS = [name for name, one in Jsonata.static_frame.bindings.items() if isinstance(one, Jsonata.JNativeFunction)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_gives_a_value_or_says_what_is_wrong(function: str):
    odd = ["null", "'x'", "-1.5", "true", "[1, 'a']", "{'a': 1}", "$sum", "/a/", "missing"]
    said = []
    for arguments in ([], *([one] for one in odd), *([one, other] for one in odd for other in odd)):
        try:
            evaluate(f"${function}({', '.join(arguments)})")
        except ExpressionError as error:
            said.append(error.message)

    assert not [message for message in said if "cannot evaluate it over this data" in message]
