"""Laws of expressions, retries, graphs and values."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError, NodeError
from engine.execution.retry_policy import next_delay
from engine.ids import first_id_at, is_id, new_id
from engine.json_value import check_output, depth_of, dumps
from engine.nodes.registry import NodeExecutorFactory
from engine.workflow.definition import Edge, Retry
from engine.workflow.expressions.jsonata.bounds import Compiled
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.templates import render
from engine.workflow.graph import Graph, Progress, find_cycle
from engine.workflow.validator import validate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-1e6, 1e6) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
PIECES = r"""vars vars.a {{ }} { } [ ] ( ) . ' " ` / \ 1 $ $sum : + & = ?? ~> a null % * ** ^(a) @$v | , ; := ?
    function($x){$x}"""
pieces = st.sampled_from([*PIECES.split(), " "])
soups = st.lists(pieces, max_size=12).map("".join)
texts = st.one_of(
    st.text(alphabet=st.sampled_from("{}$ab.()[]'\" \\\n"), max_size=30),
    soups,
    soups.map(lambda soup: f"{{{{ {soup} }}}}"),
)


@st.composite
def paths(draw: st.DrawFn) -> tuple[Any, list[str | int]]:
    """A value, and steps that mostly lead somewhere in it."""
    value = draw(values)
    steps: list[str | int] = []
    at = value
    while len(steps) < 5 and (isinstance(at, dict | list) and at) and draw(st.integers(0, 9)):
        step = draw(st.sampled_from(sorted(at)) if isinstance(at, dict) else st.integers(0, len(at) - 1) | names)
        steps.append(step)
        if isinstance(at, list) and isinstance(step, str):
            break
        at = at[step]
    return value, [*steps, *draw(st.lists(names | st.integers(0, 3), max_size=1))]


@settings(max_examples=400, deadline=None)
@given(paths())
@example(({"a": [{"b": 1}, {"b": [2]}]}, ["a", "b"]))
@example(({"a": [[1, 2], [3]]}, ["a", 0, 1]))
@example(({"a": [None, 1]}, ["a", 0]))
def test_a_plain_path_gives_what_jsonata_gives(drawn: tuple[Any, list[str | int]]):
    """The quick way and the long way agree on every value that both find."""
    value, steps = drawn
    source = "vars" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    scope = Scope({"vars": value}, NOW)
    try:
        quick = render(f"{{{{ {source} }}}}", scope)
    except ExpressionError:
        return
    slow = Compiled(source).evaluate(scope, "x")

    assert quick == slow


whole = st.integers(-(2**200), 2**200)


@settings(max_examples=200, deadline=None)
@given(whole, whole, st.sampled_from(["+", "-", "*", "=", "!=", "<", "<=", ">", ">="]))
@example(2**53, 2**53 + 1, "=")
def test_whole_numbers_of_any_size_are_calculated_and_compared_as_mathematics_has_it(a: int, b: int, operator: str):
    python = {"=": "=="}.get(operator, operator)
    scope = Scope({"vars": {"a": a, "b": b, "text": str(a)}}, NOW)

    assert render(f"{{{{ vars.a {operator} vars.b }}}}", scope) == eval(f"{a} {python} {b}")  # noqa: S307
    assert render(f"{{{{ {a} {operator} {b} }}}}", scope) == eval(f"{a} {python} {b}")  # noqa: S307
    assert render("{{ '' & vars.a }}", scope) == str(a)
    assert render("{{ $number(vars.text) }}", scope) == a


@given(st.lists(whole, min_size=1, max_size=6))
def test_lists_of_whole_numbers_are_summed_sorted_and_searched_exactly(numbers: list[int]):
    scope = Scope({"vars": {"numbers": numbers, "rows": [{"id": n} for n in numbers]}}, NOW)

    assert render("{{ $sum(vars.numbers) }}", scope) == sum(numbers)
    assert render("{{ [$sort(vars.numbers)] }}", scope) == sorted(numbers)
    assert render("{{ [$distinct(vars.numbers)] }}", scope) == list(dict.fromkeys(numbers))
    assert render(f"{{{{ $count(vars.rows[id = {numbers[0]}]) }}}}", scope) == numbers.count(numbers[0])
    assert render(f"{{{{ {numbers[0]} in vars.numbers }}}}", scope) is True


@settings(max_examples=200, deadline=None)
@given(values | texts)
def test_data_is_never_evaluated(value: Any):
    scope = Scope({"trigger": {"body": value}}, NOW)

    assert render("{{ trigger.body }}", scope) == value
    if isinstance(value, str):
        assert render("<{{ trigger.body }}>", scope) == f"<{value}>"


@settings(max_examples=500, deadline=None)
@given(texts)
def test_any_template_text_gives_a_value_or_an_expression_error(text: str):
    with suppress(ExpressionError):
        render(text, Scope({"vars": {}}, NOW))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(values, lambda inner: st.fixed_dictionaries({"nodes": st.lists(inner), "edges": st.lists(inner)})))
def test_validator_answers_any_input(raw: Any):
    definition, problems = validate(raw, NodeExecutorFactory())

    assert (definition is None) == bool(problems)


@given(
    st.integers(1, 20),
    st.floats(0, 1000),
    st.floats(1, 10),
    st.floats(0, 5000),
    st.floats(0, 10_000),
    st.integers(0, 99),
)
def test_a_back_off_is_bounded_grows_and_honours_retry_after(
    attempts: int, interval: float, rate: float, longest: float, after: float, seed: int
):
    retry = Retry(max_attempts=attempts, interval_seconds=interval, backoff_rate=rate, max_interval_seconds=longest)
    error = NodeError("x", retryable=True, retry_after=after)
    for attempt in range(1, attempts + 2):
        delay = next_delay(retry, attempt, error, Random(seed))
        if attempt >= attempts:
            assert delay is None
        else:
            full = min(interval * rate ** (attempt - 1), longest)
            assert delay is not None
            assert max(full / 2, after) <= delay <= max(full, after)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 9))
    ids = tuple(f"n{i}" for i in range(count))
    pairs = draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=15, unique=True))
    return Graph(ids, tuple(Edge.model_validate({"from": a, "to": b}) for a, b in pairs))


@given(graphs())
def test_a_cycle_is_found_iff_there_is_one_and_is_a_real_walk(graph: Graph):
    cycle = find_cycle(graph)

    assert bool(cycle) == (len(graph.topological_order()) < len(graph.nodes))
    if cycle:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        walked = {(edge.source, edge.target) for edge in graph.edges}
        assert all(pair in walked for pair in pairwise(cycle))


@given(graphs(), st.randoms(use_true_random=False))
def test_each_node_becomes_ready_or_skipped_exactly_once(graph: Graph, random: Any):
    if find_cycle(graph):
        return
    progress = Progress(graph)
    ready = list(progress.ready)
    seen = set(ready)
    progress.ready.clear()
    while ready:
        node = ready.pop(random.randrange(len(ready)))
        progress.settle(node, random.choice(["main", None]))
        for following in progress.ready:
            assert following not in seen
            seen.add(following)
            ready.append(following)
        progress.ready.clear()

    assert progress.finished
    assert seen | progress.skipped == set(graph.nodes)
    assert not seen & progress.skipped


@given(st.integers(946_684_800, 7_258_118_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_ids_sort_by_time(moment: datetime):
    now = datetime.now(UTC)
    made = new_id()

    assert is_id(made)
    assert (first_id_at(moment) < made) == (moment < now)
    assert first_id_at(now.replace(microsecond=0)) <= made


@given(values)
def test_depth_is_that_of_the_deepest_value(value: Any):
    def deep(item: Any) -> int:
        inner = list(item.values()) if isinstance(item, dict) else item if isinstance(item, list) else None
        return 0 if inner is None else 1 + max(map(deep, inner), default=0)

    assert depth_of(value, 99) == deep(value)


odd_texts = st.text(st.characters(codec=None), max_size=20)
written_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | odd_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(odd_texts, inner, max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(written_values)
@example("\U0001f600\ud800")
@example({"a\n": [10**300, False, {}, [], "\x00ü"]})
def test_an_outputs_size_is_that_of_what_is_written(value: Any):
    size = len(dumps(value).encode())
    check_output(value, size, 99)
    with pytest.raises(NodeError) as caught:
        check_output(value, size - 1, 99)

    assert caught.value.code == "output_too_large"


@pytest.mark.parametrize("value", [float("inf"), float("nan"), [{"a": 10**5000}], {1: 2}, object()])
def test_unserializable_value_is_refused_as_output(value: Any):
    with pytest.raises(NodeError) as caught:
        check_output(value, 10**9, 99)

    assert caught.value.code == "output_not_json"
