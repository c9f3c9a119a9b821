"""What an `output` template gives where a node was skipped, has failed, or found nothing."""

from __future__ import annotations

from typing import Any

import pytest

from engine.history.model import Status
from tests.harness import edges, run

BRANCHES = [
    {"id": "large", "type": "conditional", "config": {"expression": "{{ trigger.body.total > 10 }}"}},
    {"id": "ask", "type": "transform", "config": {"value": {"by": "Ada", "n": 1}}},
    {"id": "book", "type": "transform", "config": {"value": {"number": 7}}},
]
WAYS = edges("large:true>ask", "large:false>book")


def ended(output: Any, body: Any = None, nodes: Any = None, ways: Any = WAYS) -> Any:
    definition = {"nodes": nodes or BRANCHES, "edges": ways, "output": output}
    return run(definition, body or {"total": 5, "rows": [{"id": 1}]}).execution


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("{{ nodes.ask.by }}", None),
        ("{{ nodes.ask }}", None),
        ({"by": "{{ nodes.ask.by }}", "number": "{{ nodes.book.number }}"}, {"by": None, "number": 7}),
        (["{{ nodes.ask.n + 1 }}", 2], [None, 2]),
        ("by {{ nodes.ask.by }}, number {{ nodes.book.number }}", "by , number 7"),
        ("{{ nodes.ask.by ?? 'nobody' }}", "nobody"),
        ("{{ trigger.body.rows[id = 9] }}", None),
        ({"found": "{{ trigger.body.rows[id = 9].id }}"}, {"found": None}),
    ],
)
def test_missing_values_are_null_in_the_result(output: Any, expected: Any):
    execution = ended(output)
    assert (execution.status, execution.result) == (Status.SUCCEEDED, expected), execution.error


def test_a_node_that_failed_and_was_handled_has_given_nothing_but_its_error():
    failing = {"id": "a", "type": "transform", "config": {"value": "{{ trigger.body.missing }}"}}
    nodes = [failing, {"id": "b", "type": "merge"}]
    output = {"value": "{{ nodes.a.value }}", "why": "{{ nodes.a.error.code }}"}
    execution = ended(output, nodes=nodes, ways=edges("a:error>b"))
    assert (execution.status, execution.result) == (Status.SUCCEEDED, {"value": None, "why": "expression"})


@pytest.mark.parametrize("output", ["{{ nodes.book.numbr }}", "{{ trigger.body.totl }}", "no {{ nodes.book.numbr }}"])
def test_a_name_that_is_wrong_is_an_error_as_ever(output: str):
    execution = ended(output)
    assert execution.status is Status.FAILED
    assert execution.error["code"] == "expression"


def test_the_result_of_an_iteration_is_no_different():
    body = {"nodes": BRANCHES, "edges": WAYS, "output": {"by": "{{ nodes.ask.by }}", "n": "{{ nodes.book.number }}"}}
    loop = {"id": "each", "type": "for_each", "config": {"items": [1, 2]}, "body": body}
    execution = ended("{{ nodes.each }}", nodes=[loop], ways=[])
    assert execution.result == [{"by": None, "n": 7}] * 2
