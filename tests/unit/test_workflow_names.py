"""Workflows name others by their names: what that means is settled when a version is saved."""

from __future__ import annotations

from typing import Any

import pytest

from engine.clock import Clock
from engine.errors import InvalidInput
from engine.history.model import Status
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.workflows import WorkflowBody, WorkflowChange, WorkflowCreation
from engine.services.principal import Principal
from engine.services.workflows.api import WorkflowService
from engine.services.workflows.changing import Seen
from engine.testing import run_workflow
from tests.harness import run
from tests.unit.conftest import Aws

ADA = Principal("user-1", "session-1", "ws-1", "owner", is_admin=False)
QUICK = {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}


def sub(named: str, node: str = "sub") -> dict[str, Any]:
    return {"id": node, "type": "sub_workflow", "config": {"workflow": named}}


@pytest.fixture
def service(aws: Aws) -> WorkflowService:
    clock: Clock = aws.clock
    return WorkflowService(aws.repositories, NodeExecutorFactory(), clock)


def saved(service: WorkflowService, name: str, definition: Any = QUICK) -> Any:
    return service.create(ADA, WorkflowCreation(name=name, definition=definition))


def stored(aws: Aws, made: Any) -> dict[str, Any]:
    """What an execution of it runs."""
    return aws.workflows.get_version(made.id, made.version).definition


def test_a_name_stays_in_what_its_author_reads_and_is_an_id_in_what_runs(aws: Aws, service: WorkflowService):
    pay, mourn = saved(service, "Pay an invoice"), saved(service, "Mourn")
    loop = {"id": "each", "type": "for_each", "config": {"items": [1]}, "body": {"nodes": [sub("Pay an invoice")]}}
    tool = {"name": "pay", "description": "d", "workflow": "Pay an invoice", "input_schema": {"type": "object"}}
    chat = {"id": "chat", "type": "ai_chat", "config": {"model": "m", "prompt": "p", "tools": [tool]}}
    written = {"nodes": [loop, sub(pay.id, "by_id"), chat], "on_failure": {"workflow": "Mourn"}}

    made = saved(service, "Caller", written)

    runs = stored(aws, made)
    assert runs["nodes"][0]["body"]["nodes"][0]["config"]["workflow"] == pay.id
    assert runs["nodes"][1]["config"]["workflow"] == pay.id
    assert runs["nodes"][2]["config"]["tools"][0]["workflow"] == pay.id
    assert runs["on_failure"]["workflow"] == mourn.id
    assert made.definition == service.get(ADA, made.id).definition == written
    assert aws.workflows.written(made.id, 1).definition == written
    updated = service.save(ADA, made.id, WorkflowBody(definition=made.definition), Seen(version=1))
    assert updated.definition == service.get(ADA, made.id).definition == written
    assert updated.version == 1, "it says the same"


def test_what_is_saved_means_the_same_when_names_change(aws: Aws, service: WorkflowService):
    pay = saved(service, "Pay")
    made = saved(service, "Caller", {"nodes": [sub("Pay")]})
    service.patch(ADA, pay.id, WorkflowChange(name="Pay, as it was"), Seen())
    assert stored(aws, made)["nodes"][0]["config"]["workflow"] == pay.id

    longer = {"nodes": [sub("Pay"), sub("Pay", "more")]}
    again = service.save(ADA, made.id, WorkflowBody(definition=longer), Seen(version=1))
    assert again.version == 2
    assert stored(aws, again)["nodes"][0]["config"]["workflow"] == pay.id, "an edit keeps what the name has meant"

    other = saved(service, "Pay")
    assert stored(aws, again)["nodes"][0]["config"]["workflow"] == pay.id
    third = service.save(ADA, made.id, WorkflowBody(definition=longer), Seen(version=2))
    assert third.version == 3, "it is written as before, and means something else"
    assert stored(aws, third)["nodes"][0]["config"]["workflow"] == other.id, "who has the name now is meant"


def test_a_workflow_may_name_itself(aws: Aws, service: WorkflowService):
    made = saved(service, "Again", {"nodes": QUICK["nodes"], "on_failure": {"workflow": "Again"}})
    assert stored(aws, made)["on_failure"]["workflow"] == made.id


def refused(service: WorkflowService, definition: Any) -> list[dict[str, Any]]:
    with pytest.raises(InvalidInput) as caught:
        saved(service, "Caller", definition)
    assert caught.value.code == "unknown_workflow"
    return caught.value.details


def test_a_name_that_means_nothing_is_refused_with_the_nearest(service: WorkflowService):
    saved(service, "Pay an invoice")
    gone = saved(service, "Gone")
    service.delete(ADA, gone.id)
    stranger = Principal("u", "s", "ws-2", "owner", is_admin=False)
    service.create(stranger, WorkflowCreation(name="Foreign", definition=QUICK))

    found = refused(service, {"nodes": [sub("Pay an invoce"), sub("Gone", "b")], "on_failure": {"workflow": "Foreign"}})

    by_path = {one["path"]: one for one in found}
    assert list(by_path) == [
        "definition.on_failure.workflow",
        "definition.nodes[0].config.workflow",
        "definition.nodes[1].config.workflow",
    ]
    assert "did you mean `Pay an invoice`?" in by_path["definition.nodes[0].config.workflow"]["message"]
    assert by_path["definition.nodes[1].config.workflow"]["node"] == "b"
    assert "save that one first" in by_path["definition.on_failure.workflow"]["message"]


def test_a_name_that_several_have_is_refused_with_their_ids(service: WorkflowService):
    ids = {saved(service, "Pay").id, saved(service, "Pay").id}
    (found,) = refused(service, {"nodes": [sub("Pay")]})
    assert all(one in found["message"] for one in ids)


def test_a_template_gives_an_id_and_says_so_of_a_name():
    execution = run({"nodes": [sub("{{ trigger.body.which }}")]}, {"which": "Pay"}).execution
    assert execution.status is Status.FAILED
    assert execution.error["code"] == "config"
    assert "its name can stand there only as it is" in execution.error["message"]


def test_cases_are_tried_without_the_workflows_that_are_named():
    definition = {"nodes": [sub("Pay")], "on_failure": {"workflow": "Mourn"}}
    done = run_workflow(definition, nodes={"sub": {"output": {"paid": True}}})
    assert done.execution.result == {"sub": {"paid": True}}
