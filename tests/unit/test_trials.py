"""Test runs: what is pinned does not run, only what was asked for runs, and nobody outside is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Conflict, InvalidInput, MainspringError
from engine.history.model import Execution
from engine.schemas.executions import RetryBody, StartBody
from engine.services.executions.api import ExecutionService, ExecutionView
from engine.services.principal import Principal
from tests.harness import edges
from tests.unit.conftest import Aws
from tests.world import WORKSPACE, World, execution_service

USER = Principal("user-1", "session", WORKSPACE, "owner", is_admin=True)
EFFECT = {"type": "effect", "config": {"output": "real"}}
CHAIN = {
    "nodes": [
        {"id": "last", "type": "transform", "config": {"value": "{{ nodes.send }} {{ nodes.fetch }}"}},
        {"id": "send", "type": "effect", "config": {"output": "sent {{ nodes.fetch }}"}},
        {"id": "fetch", **EFFECT},
    ],
    "edges": edges("fetch>send", "send>last"),
    "output": "{{ nodes.last }}",
}
BRANCHES = {
    "nodes": [
        {"id": "ask", "type": "approval", "config": {"message": "?"}},
        {"id": "yes", "type": "transform", "config": {"value": "yes"}},
        {"id": "no", "type": "transform", "config": {"value": "no"}},
        {"id": "broken", "type": "transform", "config": {"value": "{{ nodes.ask.error.message }}"}},
    ],
    "edges": edges("ask:approved>yes", "ask:rejected>no", "ask:error>broken"),
}
LOOP = {
    "nodes": [
        {"id": "list", "type": "transform", "config": {"value": [1, 2, 3]}},
        {
            "id": "each", "type": "for_each", "config": {"items": "{{ nodes.list }}"},
            "body": {
                "nodes": [
                    {"id": "call", **EFFECT},
                    {"id": "after", "type": "transform", "config": {"value": "{{ item }} {{ nodes.call }}"}},
                ],
                "edges": edges("call>after"),
                "output": "{{ nodes.after }}",
            },
        },
    ],
    "edges": edges("list>each"),
}  # fmt: skip


@pytest.fixture
def world(aws: Aws) -> World:
    return World(aws)


@pytest.fixture
def service(world: World) -> ExecutionService:
    return execution_service(world)


def run_test(world: World, service: ExecutionService, definition: dict[str, Any], **body: Any) -> ExecutionView:
    workflow_id = world.workflow(definition)
    made = service.start(USER, StartBody.model_validate({"workflow_id": workflow_id, **body}), None)
    assert made.is_test
    world.settle()
    return service.get(USER, made.id)


def statuses(view: ExecutionView) -> dict[str, str]:
    return {node.id: node.status for node in view.nodes}


def test_a_pinned_node_does_not_run(world: World, service: ExecutionService):
    view = run_test(world, service, CHAIN, pins={"fetch": {"output": "pinned"}})

    assert view.execution.result == "sent pinned pinned"
    assert (world.effects.count("fetch"), world.effects.count("send")) == (0, 1)
    assert {node.id for node in view.nodes if node.is_pinned} == {"fetch"}


@pytest.mark.parametrize(
    ("pin", "ran", "result"),
    [
        ({"output": {}, "port": "rejected"}, "no", "no"),
        ({"output": {}}, "yes", "yes"),
        ({"output": {"code": "c", "message": "it broke"}, "port": "error"}, "broken", "it broke"),
    ],
)
def test_pinned_node_continues_by_its_port(
    world: World, service: ExecutionService, pin: dict[str, Any], ran: str, result: str
):
    view = run_test(world, service, BRANCHES, pins={"ask": pin})

    assert view.execution.result == {ran: result}
    others = {"yes", "no", "broken"} - {ran}
    assert {statuses(view)[node] for node in others} == {"skipped"}


def test_pin_in_a_loop_applies_to_each_iteration(world: World, service: ExecutionService):
    view = run_test(world, service, LOOP, pins={"each.call": {"output": "p"}})

    assert view.execution.result == {"each": ["1 p", "2 p", "3 p"]}
    assert world.effects.events == []
    assert {node.id for node in view.nodes if node.is_pinned} == {f"each[{n}].call" for n in range(3)}


def test_pin_in_a_distributed_map_applies_to_each_iteration(world: World, service: ExecutionService):
    many = {**LOOP, "nodes": [{**LOOP["nodes"][0], "config": {"value": list(range(201))}}, LOOP["nodes"][1]]}
    view = run_test(world, service, many, pins={"each.call": {"output": "p"}})

    assert view.execution.result["each"][200] == "200 p"
    assert world.effects.events == []


def test_a_pinned_loop_does_not_run_its_body(world: World, service: ExecutionService):
    view = run_test(world, service, LOOP, pins={"each": {"output": ["x"]}})

    assert view.execution.result == {"each": ["x"]}
    assert world.effects.events == []


def test_until_runs_only_what_leads_to_a_node(world: World, service: ExecutionService):
    view = run_test(world, service, CHAIN, until="send")

    assert view.execution.result == {"send": "sent real"}
    assert statuses(view) == {"last": "skipped", "send": "succeeded", "fetch": "succeeded"}


def test_until_a_node_in_a_loop(world: World, service: ExecutionService):
    view = run_test(world, service, LOOP, until="each.call")

    assert view.execution.result == {"each": [{"call": "real"}] * 3}
    assert statuses(view)["each[0].after"] == "skipped"


def test_only_runs_one_node_whatever_leads_to_it(world: World, service: ExecutionService):
    view = run_test(world, service, CHAIN, only="last", pins={"fetch": {"output": 1}, "send": {"output": 2}})

    assert view.execution.result == {"last": "2 1"}
    assert world.effects.events == []
    by_a_dead_branch = run_test(world, service, BRANCHES, only="no", pins={"ask": {"output": 1, "port": "approved"}})
    assert by_a_dead_branch.execution.result["no"] == "no"


def test_an_unfinished_rest_is_no_problem_until_a_node(world: World, service: ExecutionService):
    unfinished = {**CHAIN, "nodes": [{"id": "last", "type": "", "config": 5}, *CHAIN["nodes"][1:]]}
    workflow_id = world.workflow(LOOP)

    def start(**body: Any) -> Execution:
        asked = {"workflow_id": workflow_id, "draft": unfinished, **body}
        return service.start(USER, StartBody.model_validate(asked), None)

    with pytest.raises(InvalidInput):
        start()
    made = start(until="send")
    world.settle()
    view = service.get(USER, made.id)
    assert made.is_of_draft
    assert view.execution.result == {"send": "sent real"}
    assert service.definition(USER, made.id)[1].definition["nodes"] == CHAIN["nodes"][1:]


def test_a_draft_is_what_runs_and_can_be_seen_later(world: World, service: ExecutionService):
    workflow_id = world.workflow(LOOP)
    made = service.start(USER, StartBody(workflow_id=workflow_id, draft=CHAIN), None)
    world.settle()

    assert service.get(USER, made.id).execution.result == "sent real real"
    assert service.definition(USER, made.id)[1].definition == CHAIN


def test_draft_snapshot_is_removed_when_no_test_run_needs_it(world: World, service: ExecutionService):
    """It is kept for as long as a run may take, and what is known of that is kept; trying it again puts that off."""

    def kept_until(workflow_id: str) -> list[int]:
        found = world.aws.automation.query(f"WORKFLOW#{workflow_id}", after="TRIED#", before="TRIED$")
        return [item["expires_at"] for item in found]

    workflow_id = world.workflow(LOOP)
    service.start(USER, StartBody(workflow_id=workflow_id, draft=CHAIN), None)
    (first,) = kept_until(workflow_id)
    world.clock.sleep_until(world.clock.now() + timedelta(days=1))
    service.start(USER, StartBody(workflow_id=workflow_id, draft=CHAIN), None)

    assert first > world.clock.now().timestamp() + (365 + 30) * 86_400
    assert kept_until(workflow_id) == [first + 86_400]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"pins": {"nobody": {"output": 1}}}, "pins.nobody"),
        ({"pins": {"fetch": {"output": 1, "port": "left"}}}, "pins.fetch.port"),
        ({"until": "nobody"}, "until"),
        ({"only": "nobody"}, "only"),
        ({"only": "send", "until": "send"}, "only"),
        ({"draft": CHAIN, "version": 1}, "draft"),
        ({"trigger": {"id": "nobody"}}, "trigger.id"),
        ({"trigger": {"id": "hook"}, "input": 1}, "input"),
    ],
)
def test_what_does_not_fit_names_its_field(world: World, service: ExecutionService, body: dict[str, Any], field: str):
    workflow_id = world.workflow(CHAIN)
    with pytest.raises(InvalidInput) as refused:
        service.start(USER, StartBody.model_validate({"workflow_id": workflow_id, **body}), None)
    assert refused.value.details[0]["path"] == field


def test_test_run_starts_like_a_trigger_of_the_draft(world: World, service: ExecutionService):
    draft = {
        "nodes": [{"id": "a", "type": "transform", "config": {"value": "{{ trigger.body.n }} {{ trigger.method }}"}}],
        "triggers": [{"id": "hook", "type": "webhook"}],
    }
    trigger = {"id": "hook", "payload": {"body": {"n": 7}}}
    view = run_test(world, service, CHAIN, draft=draft, trigger=trigger)

    assert view.execution.result == {"a": "7 POST"}
    assert view.execution.trigger_type == "webhook"
    with pytest.raises(Conflict) as nothing:
        run_test(world, service, CHAIN, draft=draft, trigger={"id": "hook", "last": True})
    assert nothing.value.code == "nothing_captured"


FAILS = {"nodes": [{"id": "a", "type": "fail", "config": {"message": "no"}}]}


def test_test_run_publishes_no_events(world: World, service: ExecutionService):
    follow_up = world.workflow({"nodes": [{"id": "a", "type": "effect"}]})
    child = world.workflow({**FAILS, "on_failure": {"workflow": follow_up}})
    parent = {
        "nodes": [{"id": "sub", "type": "sub_workflow", "config": {"workflow": child}}],
        "on_failure": {"workflow": follow_up},
        "concurrency": {"limit": 1},
    }
    workflow_id = world.workflow(parent)
    real = world.start(workflow_id)
    made = service.start(USER, StartBody(workflow_id=workflow_id, test=True), None)
    assert made.queue_position is None  # it takes nobody's slot, and waits for none
    world.settle()

    everything = world.all()
    told = {one.id for one in everything if not one.is_test}
    assert {one.trigger_type for one in everything if one.is_test} == {"manual", "workflow"}
    assert [one.trigger_type for one in everything if one.id in told].count("failure") == 2  # of the real ones
    world.publisher.executions_ended([one.id for one in everything])
    assert {event.data["execution_id"] for event in world.bus.told} == told
    assert real in told
    world.check()


def test_test_run_cannot_be_forked(world: World, service: ExecutionService):
    made = service.start(USER, StartBody(workflow_id=world.workflow(FAILS), test=True), None)
    world.settle()
    with pytest.raises(MainspringError) as refused:
        service.retry(USER, made.id, RetryBody(), None)
    assert refused.value.code == "test_run"


def test_the_same_key_starts_one_test_run(world: World, service: ExecutionService):
    body = StartBody.model_validate({"workflow_id": world.workflow(CHAIN), "pins": {"fetch": {"output": 1}}})
    first, second = (service.start(USER, body, "key").id for _ in range(2))
    assert first == second
    with pytest.raises(Conflict):
        service.start(USER, body.model_copy(update={"until": "send"}), "key")
