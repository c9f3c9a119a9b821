"""One node of an execution: what it was given, its attempts, its output; samples and previews made of that."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InvalidInput, NotFound
from engine.execution.inspection import HIDDEN
from engine.ids import new_id
from engine.schemas.previews import PreviewBody
from engine.services.executions.node_details import NodeDetails, NodeInspector
from engine.services.executions.previews import Previews
from engine.services.executions.samples import Samples
from engine.services.principal import Principal
from engine.services.workflows.changing import author_of
from engine.storage.drafts import Draft
from tests.harness import edges
from tests.unit.conftest import Aws
from tests.world import WORKSPACE, World

USER = Principal("user-1", "session", WORKSPACE, "owner", is_admin=True)
VIEWER = Principal("user-2", "session", WORKSPACE, "viewer", is_admin=False)
BODY = {
    "nodes": [
        {"id": "call", "type": "effect", "config": {"output": {"id": "{{ item.id }}", "n": "{{ nodes.list[0].id }}"}}},
        {"id": "sum", "type": "transform", "config": {"value": "{{ nodes.call.id & '-' & $string(index) }}"}},
    ],
    "edges": edges("call>sum"),
    "output": "{{ nodes.sum }}",
}
LOOP = {
    "nodes": [
        {"id": "list", "type": "transform", "config": {"value": [{"id": "a"}, {"id": "b"}]}},
        {"id": "each", "type": "for_each", "config": {"items": "{{ nodes.list }}"}, "body": BODY},
        {
            "id": "done",
            "type": "transform",
            "config": {"value": {"password": "{{ vars.p }}", "all": "{{ nodes.each }}"}},
        },
    ],
    "edges": edges("list>each", "each>done"),
    "vars": {"p": "hunter2"},
}


@pytest.fixture
def world(aws: Aws) -> World:
    return World(aws)


def inspector(world: World) -> NodeInspector:
    found = NodeInspector(world.repositories, "https://api.example", world.clock)
    found._factory = world.factory
    return found


def ran(world: World, definition: dict[str, Any], value: Any = None) -> str:
    execution_id = world.start(world.workflow(definition), value)
    world.settle()
    return execution_id


def details(world: World, execution_id: str, path: str, user: Principal = USER, **page: Any) -> NodeDetails:
    return inspector(world).details(user, execution_id, path, page.get("after"), page.get("limit", 50))


def test_node_in_a_loop_shows_its_input(world: World):
    execution_id = ran(world, LOOP)
    found = details(world, execution_id, "each[1].sum")

    assert found.evaluated == {"value": "b-1"}
    assert found.scope == {"item": {"id": "b"}, "index": 1}
    assert found.came_from == ["call"]
    assert found.state.output == "b-1"
    call = details(world, execution_id, "each[1].call")
    assert call.evaluated is not None
    assert call.evaluated["output"] == {"id": "b", "n": "a"}


def test_fields_that_look_like_secrets_are_hidden(world: World):
    found = details(world, ran(world, LOOP), "done")
    assert found.evaluated == {"value": {"password": HIDDEN, "all": ["a-0", "b-1"]}}


def test_iterations_of_a_loop_are_shown_in_pages(world: World):
    execution_id = ran(world, LOOP)
    first = details(world, execution_id, "each", limit=1)
    second = details(world, execution_id, "each", limit=1, after=first.next_iteration)

    assert [(one.index, one.status) for one in first.iterations or ()] == [(0, "succeeded")]
    assert [(one.index, one.status) for one in second.iterations or ()] == [(1, "succeeded")]
    assert second.next_iteration is None


def test_node_in_a_distributed_map_shows_its_input(world: World):
    items = [{"id": f"i{number}"} for number in range(201)]
    many = {**LOOP, "nodes": [{**LOOP["nodes"][0], "config": {"value": items}}, *LOOP["nodes"][1:]]}
    execution_id = ran(world, many)
    found = details(world, execution_id, "each[150].sum")

    assert (found.state.status, found.state.output) == ("succeeded", "i150-150")
    assert found.scope == {"item": {"id": "i150"}, "index": 150}
    assert found.evaluated == {"value": "i150-150"}
    page = details(world, execution_id, "each", after=149, limit=2)
    assert [one.index for one in page.iterations or ()] == [150, 151]
    with pytest.raises(NotFound):
        details(world, execution_id, "each[201].sum")


def test_attempts_are_shown_with_their_errors(world: World):
    node = {"id": "a", "type": "effect", "config": {"fail_times": 2, "output": 1}}
    node["retry"] = {"max_attempts": 3, "interval_seconds": 1, "backoff_rate": 10}
    found = details(world, ran(world, {"nodes": [node]}), "a")

    assert [(one.attempt, one.status) for one in found.history] == [(1, "failed"), (2, "failed"), (3, "succeeded")]
    assert found.history[0].error == {"code": "broken", "message": "it broke"}


def test_a_template_without_a_value_is_a_problem_of_its_field(world: World):
    nodes = [
        {"id": "a", "type": "transform", "config": {"value": {"x": "{{ trigger.body.nam }}", "y": "{{ vars.v }}"}}}
    ]
    found = details(world, ran(world, {"nodes": nodes, "vars": {"v": 1}}, {"name": 1}), "a")

    assert found.evaluated == {"value": {"x": None, "y": 1}}
    assert [(one.path, one.expression) for one in found.problems] == [("config.value.x", "trigger.body.nam")]
    assert "did you mean `name`" in found.problems[0].message


def test_urls_of_callbacks_are_only_for_those_who_may_answer(world: World):
    nodes = [{"id": "a", "type": "transform", "config": {"value": "{{ execution.callbacks.wait }}"}}]
    nodes.append({"id": "wait", "type": "wait_for_callback", "config": {"timeout_seconds": 60}})
    execution_id = ran(world, {"nodes": nodes})

    assert details(world, execution_id, "a").evaluated["value"].startswith("https://api.example/")  # type: ignore[index]
    assert details(world, execution_id, "a", VIEWER).evaluated == {"value": HIDDEN}
    previews = Previews(inspector(world), Samples(world.repositories, inspector(world), world.clock), world.clock)
    body = PreviewBody(text="{{ execution.callbacks.wait }}", execution_id=execution_id)
    assert previews.of(VIEWER, body).value == HIDDEN


def test_no_node_and_no_iteration_is_not_found(world: World):
    execution_id = ran(world, LOOP)
    for path in ("nobody", "each[7].call", "each.call", "list[0]"):
        with pytest.raises(NotFound):
            details(world, execution_id, path)
    with pytest.raises(NotFound):
        details(world, new_id(), "list")


def test_an_output_that_is_too_large_to_be_shown_has_an_address(world: World):
    nodes = [{"id": "a", "type": "effect", "config": {"output": ["{{ $pad('', 2100000, 'x') }}"] * 2}}]
    found = details(world, ran(world, {"nodes": nodes}), "a")

    assert found.state.output is None
    assert found.output_bytes == 4_200_007
    assert "output.json" in str(found.output_url)


def test_preview_uses_scope_execution_or_samples(world: World):
    workflow_id = world.workflow(LOOP)
    execution_id = world.start(workflow_id)
    world.settle()
    samples = Samples(world.repositories, inspector(world), world.clock)
    previews = Previews(inspector(world), samples, world.clock)

    def preview(**body: Any) -> Any:
        return previews.of(USER, PreviewBody.model_validate(body))

    assert preview(text="{{ trigger.n + 1 }}", scope={"trigger": {"n": 1}}).value == 2
    assert preview(text="{{ nodes.list[1].id }}", execution_id=execution_id).value == "b"
    assert preview(text="{{ item.id }}!", execution_id=execution_id, path="each[1].call").value == "b!"
    assert preview(text="{{ nodes.each }}", workflow_id=workflow_id).value == ["a-0", "b-1"]
    wrong = preview(text="😀 {{ nodes.lst }} {{ 1 + }}", execution_id=execution_id)
    assert (wrong.found, wrong.value) == (False, None)
    assert [(one.offset, one.length) for one in wrong.problems] == [(6, 9), (22, 3)]
    assert preview(value={"a": ["{{ nodes.lst }}"]}, execution_id=execution_id).problems[0].path == "a[0]"
    for body in (
        {},
        {"text": "a", "value": 1},
        {"text": "a", "path": "list"},
        {"text": "a", "scope": {"x": 1}},
        {"text": "{{ nodes.a.b }}", "scope": {"nodes": [1]}},
    ):
        with pytest.raises(InvalidInput):
            preview(**body)


def test_samples_are_the_newest_output_of_each_node(world: World):
    workflow_id = world.workflow(LOOP)
    first = world.start(workflow_id, 1)
    world.settle()
    world.clock.offset += 10
    world.cancel(second := world.start(workflow_id, 2))
    found = Samples(world.repositories, inspector(world), world.clock).of(USER, workflow_id)

    assert found.executions == [second, first]
    assert (found.trigger, found.trigger_execution_id) == ({"type": "manual", "body": 2}, second)
    assert found.nodes["each.call"].output == {"id": "a", "n": "a"}
    assert (found.nodes["each"].item, found.nodes["each"].index) == ({"id": "a"}, 0)
    assert found.nodes["list"].execution_id == first
    with pytest.raises(NotFound):
        Samples(world.repositories, inspector(world), world.clock).of(USER, workflow_id, new_id())


WEBHOOK = {"id": "hook", "type": "webhook", "config": {"body": "json"}}
FAILED = {"pattern": {"source": ["mainspring"], "detail-type": ["execution.failed"]}}


def test_before_the_first_execution_the_trigger_is_made_up(world: World):
    workflow_id = world.workflow({**LOOP, "triggers": [WEBHOOK]})
    samples = Samples(world.repositories, inspector(world), world.clock)
    previews = Previews(inspector(world), samples, world.clock)
    found = samples.of(USER, workflow_id)
    body = PreviewBody.model_validate({"text": "{{ trigger.body.text }}", "workflow_id": workflow_id})

    assert (found.trigger_execution_id, found.executions) == (None, [])
    assert found.trigger is not None
    assert (found.trigger["type"], found.trigger["body"]) == ("webhook", {"id": "sample-1", "text": "Hello"})
    assert previews.of(USER, body).value == "Hello"


@pytest.mark.parametrize(
    ("definition", "wanted"),
    [
        ({"triggers": [{"id": "on", "type": "event", "config": FAILED}]}, "call"),
        ({"triggers": [{"id": "none"}, "unfinished", {"id": "on", "type": "event", "config": FAILED}]}, "call"),
        ({"triggers": [{"id": "hook", "type": "webhook", "config": {"body": 17}}]}, None),
        ({"triggers": {"no": "list"}}, None),
        ({}, None),
    ],
)
def test_the_made_up_trigger_is_that_of_the_draft_also_of_an_unfinished_one(
    world: World, definition: dict[str, Any], wanted: str | None
):
    workflow_id = world.workflow({**LOOP, "triggers": [WEBHOOK]})
    at = "2026-05-01T09:00:00.000Z"
    draft = Draft(workflow_id, author_of(USER), 0, at, at, "", definition)
    world.repositories.drafts.save(draft, None)
    trigger = Samples(world.repositories, inspector(world), world.clock).of(USER, workflow_id).trigger

    assert (trigger and trigger["body"]["error"]["node"]) == wanted
