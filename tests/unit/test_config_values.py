"""Where templates meet fields: numbers in texts, one or none in lists, in every node."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.clock import SystemClock
from engine.errors import ExpressionError, NodeError
from engine.integrations.slack import PostMessage
from engine.nodes.context import NodeContext, NodeServices
from engine.nodes.registry import NodeExecutorFactory
from engine.workflow.expressions.config_values import fitted
from engine.workflow.expressions.scope import Scope
from engine.workflow.validator import validate
from tests.harness import edges, run

ID = 7615917337495251231
BODY: dict[str, Any] = {
    "id": ID,
    "price": 12.5,
    "whole": 5.0,
    "yes": True,
    "text": "[1,2]",
    "rows": [{"id": 1, "name": "a", "mail": "a@example.com", "status": 201, "e": {"source": {"text": "x"}}}],
    "words": ["a", 1],
    "none": [],
    "nil": None,
    "object": {"a": 1},
}


def config_of(node_type: str, raw: dict[str, Any]) -> Any:
    scope = Scope({"trigger": {"body": BODY}, "nodes": {}, "vars": {}}, datetime(2026, 1, 1, tzinfo=UTC))
    context = NodeContext("execution-1", "workspace-1", "x", 1, scope, NodeServices(), SystemClock())
    node_class = NodeExecutorFactory().node_class(node_type)
    assert not node_class.validate_config(raw)
    return context.config(node_class.Config, raw)


def field_of(config: Any, path: str) -> Any:
    for step in path.split("."):
        config = (
            config[int(step)] if step.isdigit() else config[step] if isinstance(config, dict) else getattr(config, step)
        )
    return config


MAIL = {"integration": "x", "to": ["a@example.com"], "subject": "x", "text": "x"}
HTTP = {"url": "https://example.com"}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ trigger.body.id }}", str(ID)),
        ("{{ trigger.body.id + 1 }}", str(ID + 1)),
        ("{{ trigger.body.price }}", "12.5"),
        ("{{ trigger.body.whole }}", "5"),
        ("{{ trigger.body.yes }}", "true"),
        ("{{ trigger.body.rows[id = 1].status }}", "201"),
        ("n {{ trigger.body.whole }}", "n 5"),
    ],
)
@pytest.mark.parametrize(
    ("node_type", "path", "raw"),
    [
        ("email", "subject", MAIL),
        ("email", "text", MAIL),
        ("email", "html", MAIL),
        ("hash", "source.text", {"source": {}}),
        ("http", "text", {**HTTP, "method": "POST"}),
        ("http", "headers.X-Account", {**HTTP, "headers": {}}),
        ("fail", "message", {}),
        ("slack", "text", {"integration": "x", "channel": "#a"}),
        ("telegram", "text", {"integration": "x", "chat_id": "1"}),
        ("csv", "columns.0", {"operation": "format", "rows": [], "columns": ["x"]}),
        ("approval", "message", {}),
    ],
)
def test_a_number_in_a_text_field_is_its_text(node_type: str, path: str, raw: dict[str, Any], template: str, text: str):
    raw = copy.deepcopy(raw)
    *around, last = path.split(".")
    at: Any = raw
    for step in around:
        at = at[step]
    at[int(last) if last.isdigit() else last] = template

    assert str(field_of(config_of(node_type, raw), path)) == text


@pytest.mark.parametrize(
    ("node_type", "path", "found", "raw"),
    [
        ("csv", "rows", "", {"operation": "format"}),
        ("csv", "columns", ".name", {"operation": "format", "rows": []}),
        ("spreadsheet", "sheets.0.rows", "", {"operation": "write", "save_as": "a.xlsx", "sheets": [{"name": "a"}]}),
        ("json", "value", "", {"operation": "format", "lines": True}),
        ("email", "cc", ".mail", MAIL),
        ("zip", "entries", ".e", {"operation": "pack", "save_as": "a.zip"}),
        ("zip", "only", ".name", {"source": {"text": "x"}}),
        ("http", "accept_statuses", ".status", HTTP),
        ("for_each", "items", "", {}),
        ("for_each", "items", ".name", {}),
        ("approval", "approvers", ".mail", {"message": "x"}),
    ],
)
def test_list_field_accepts_one_item_and_nothing(node_type: str, path: str, found: str, raw: dict[str, Any]):
    def given(template: str) -> Any:
        made = copy.deepcopy(raw)
        *around, last = path.split(".")
        at: Any = made
        for step in around:
            at = at[int(step) if step.isdigit() else step]
        at[last] = template
        config = config_of(node_type, made)
        return field_of(config, path)

    assert len(given(f"{{{{ trigger.body.rows[id = 1]{found} }}}}")) == 1
    if (node_type, path) != ("zip", "entries"):  # an archive has at least one
        assert list(given(f"{{{{ trigger.body.rows[id = 9]{found} }}}}")) == []
        assert list(given(f"{{{{ trigger.body.none{found} }}}}")) == []
    with pytest.raises(ExpressionError, match="did you mean"):
        given(f"{{{{ trigger.body.rws[id = 9]{found} }}}}")


def test_search_results_are_fitted_without_changing_the_data():
    before = copy.deepcopy(BODY)
    config = config_of("csv", {"operation": "format", "rows": [], "columns": "{{ trigger.body.words }}"})

    assert config.columns == ["a", "1"]
    assert before == BODY


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ trigger.body.text }}", "it is the text '[1,2]', not a list"),
        ("{{ trigger.body.text & '' }}", "it is the text '[1,2]', not a list"),
        ("{{ trigger.body.id }}", f"it is {ID}, not a list"),
        ("{{ trigger.body.yes }}", "it is true, not a list"),
    ],
)
def test_a_loop_over_what_is_no_list_is_an_error(template: str, says: str):
    with pytest.raises(NodeError, match=r"config\.items") as caught:
        config_of("for_each", {"items": template})

    assert says in caught.value.message


@pytest.mark.parametrize(
    ("node_type", "raw", "says"),
    [
        ("fail", {"message": "{{ trigger.body.object }}"}, "`$string(…)`"),
        ("fail", {"message": "{{ trigger.body.nil }}"}, "config.message: Input should be a valid string"),
        ("csv", {"operation": "format", "rows": [], "columns": "{{ trigger.body.object }}"}, "valid list"),
        ("fail", {"message": "{{ trigger.body.rows[id = 9] }}"}, "it has no value here"),
        ("transform", {"value": {"a": ["{{ trigger.body.rows[id = 9] }}"]}}, "it has no value here"),
        ("http", {**HTTP, "json": "{{ trigger.body.rows[id = 9] }}"}, "it has no value here"),
    ],
)
def test_value_that_does_not_fit_is_reported(node_type: str, raw: dict[str, Any], says: str):
    with pytest.raises(NodeError) as caught:
        config_of(node_type, raw)

    assert says in caught.value.message


def test_the_parameters_of_actions_are_fitted_too():
    given = fitted(PostMessage, {"channel": "#a", "text": ID}, root="params")

    assert given.text == str(ID)


@pytest.mark.parametrize(
    "template", ["{{ trigger.body.rows[id = 9] }}", "{{ trigger.body.none }}", "{{ trigger.body.nil }}"]
)
def test_loop_over_an_empty_search_result_succeeds(template: str):
    definition = {
        "nodes": [
            {
                "id": "each",
                "type": "for_each",
                "config": {"items": template},
                "body": {"nodes": [{"id": "in_it", "type": "transform", "config": {"value": 1}}], "edges": []},
            },
            {"id": "sum", "type": "transform", "config": {"value": "{{ $sum(trigger.body.rows[id = 9].amount) }}"}},
        ],
        "edges": edges("each>sum"),
    }
    done = run(definition, BODY)

    assert done.execution.status == "succeeded", done.execution.error
    assert done.outcomes["each"].output == []
    assert done.execution.result == {"sum": 0}


@pytest.mark.parametrize("value", [{"{{ vars.k }}": 1}, {"a": [{"b": {"x {{ vars.k }}": 1}}]}])
@pytest.mark.parametrize("where", ["config", "output"])
def test_a_template_in_a_key_is_refused(value: Any, where: str):
    raw: dict[str, Any] = {
        "vars": {"k": "a"},
        "nodes": [{"id": "x", "type": "transform", "config": {"value": value if where == "config" else 1}}],
        "edges": [],
    }
    if where == "output":
        raw["output"] = value
    _, problems = validate(raw, NodeExecutorFactory())

    assert [problem.code for problem in problems] == ["template_in_key"]
