"""Workflows name others by their names: what that means is settled when a version is saved."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from engine.clock import Clock
from engine.errors import InvalidInput
from engine.history.model import Status
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.workflows import WorkflowBody
from engine.services.principal import Principal
from engine.services.workflows import WorkflowService
from engine.storage.integrations import IntegrationRepository
from engine.testing import run_workflow
from infrastructure.cli.client import ApiError
from infrastructure.cli.output import Complaint
from infrastructure.cli.workflows import _published
from tests.harness import run
from tests.unit.conftest import Aws

ADA = Principal("user-1", "session-1", "ws-1", "owner", is_admin=False)
QUICK = {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}


def sub(named: str, node: str = "sub") -> dict[str, Any]:
    return {"id": node, "type": "sub_workflow", "config": {"workflow_id": named}}


@pytest.fixture
def service(aws: Aws) -> WorkflowService:
    clock: Clock = aws.clock
    return WorkflowService(aws.workflows, IntegrationRepository(aws.automation), NodeExecutorFactory(), clock)


def saved(service: WorkflowService, name: str, definition: Any = QUICK) -> Any:
    return service.create(ADA, WorkflowBody(name=name, definition=definition))


def stored(aws: Aws, made: Any) -> dict[str, Any]:
    """What an execution of it runs."""
    return aws.workflows.get_version(made.id, made.version).definition


def test_a_name_stays_in_what_its_author_reads_and_is_an_id_in_what_runs(aws: Aws, service: WorkflowService):
    pay, mourn = saved(service, "Pay an invoice"), saved(service, "Mourn")
    loop = {"id": "each", "type": "for_each", "config": {"items": [1]}, "body": {"nodes": [sub("Pay an invoice")]}}
    tool = {"name": "pay", "description": "d", "workflow_id": "Pay an invoice", "input_schema": {"type": "object"}}
    chat = {"id": "chat", "type": "ai_chat", "config": {"model": "m", "prompt": "p", "tools": [tool]}}
    written = {"nodes": [loop, sub(pay.id, "by_id"), chat], "on_failure": {"workflow_id": "Mourn"}}

    made = saved(service, "Caller", written)

    runs = stored(aws, made)
    assert runs["nodes"][0]["body"]["nodes"][0]["config"]["workflow_id"] == pay.id
    assert runs["nodes"][1]["config"]["workflow_id"] == pay.id
    assert runs["nodes"][2]["config"]["tools"][0]["workflow_id"] == pay.id
    assert runs["on_failure"]["workflow_id"] == mourn.id
    assert made.definition == service.get(ADA, made.id).definition == written
    assert service.get_version(ADA, made.id, 1).definition == written
    updated = service.update(ADA, made.id, WorkflowBody(name="Caller", definition=made.definition), 1)
    assert updated.definition == service.get(ADA, made.id).definition == written


def test_what_is_saved_means_the_same_when_names_change(aws: Aws, service: WorkflowService):
    pay = saved(service, "Pay")
    made = saved(service, "Caller", {"nodes": [sub("Pay")]})
    service.update(ADA, pay.id, WorkflowBody(name="Pay, as it was", definition=QUICK), 1)
    assert stored(aws, made)["nodes"][0]["config"]["workflow_id"] == pay.id

    again = service.update(ADA, made.id, WorkflowBody(name="Caller", definition=made.definition), 1)
    assert stored(aws, again)["nodes"][0]["config"]["workflow_id"] == pay.id, "an edit keeps what the name has meant"

    other = saved(service, "Pay")
    assert stored(aws, again)["nodes"][0]["config"]["workflow_id"] == pay.id
    third = service.update(ADA, made.id, WorkflowBody(name="Caller", definition=made.definition), 2)
    assert stored(aws, third)["nodes"][0]["config"]["workflow_id"] == other.id, "who has the name now is meant"


def test_a_workflow_may_name_itself(aws: Aws, service: WorkflowService):
    made = saved(service, "Again", {"nodes": QUICK["nodes"], "on_failure": {"workflow_id": "Again"}})
    assert stored(aws, made)["on_failure"]["workflow_id"] == made.id


def refused(service: WorkflowService, definition: Any) -> list[dict[str, Any]]:
    with pytest.raises(InvalidInput) as caught:
        saved(service, "Caller", definition)
    assert caught.value.code == "unknown_workflow"
    return caught.value.details


def test_a_name_that_means_nothing_is_refused_with_the_nearest(service: WorkflowService):
    saved(service, "Pay an invoice")
    gone = saved(service, "Gone")
    service.delete(ADA, gone.id)
    service.create(Principal("u", "s", "ws-2", "owner", is_admin=False), WorkflowBody(name="Foreign", definition=QUICK))

    found = refused(
        service, {"nodes": [sub("Pay an invoce"), sub("Gone", "b")], "on_failure": {"workflow_id": "Foreign"}}
    )

    by_path = {one["path"]: one for one in found}
    assert list(by_path) == [
        "definition.on_failure.workflow_id",
        "definition.nodes[0].config.workflow_id",
        "definition.nodes[1].config.workflow_id",
    ]
    assert "did you mean `Pay an invoice`?" in by_path["definition.nodes[0].config.workflow_id"]["message"]
    assert by_path["definition.nodes[1].config.workflow_id"]["node"] == "b"
    assert "save that one first" in by_path["definition.on_failure.workflow_id"]["message"]


def test_a_name_that_several_have_is_refused_with_their_ids(service: WorkflowService):
    ids = {saved(service, "Pay").id, saved(service, "Pay").id}
    (found,) = refused(service, {"nodes": [sub("Pay")]})
    assert all(one in found["message"] for one in ids)


class FakeClient:
    """The API's workflows, as `mainspring run` meets them."""

    api_url = "https://api.example"

    def __init__(self, service: WorkflowService) -> None:
        self.service = service

    def find_workflow(self, name: str) -> str | None:
        found = [one.id for one in self.service.page(ADA, None, 50).items if one.name == name]
        return found[0] if found else None

    def call(self, method: str, path: str, json: Any = None, headers: Any = None) -> dict[str, Any]:
        try:
            if method == "POST":
                done = self.service.create(ADA, WorkflowBody(**json))
            elif method == "GET":
                done = self.service.get(ADA, path.rpartition("/")[2])
            else:
                version = int(headers["if-match"].strip('"'))
                done = self.service.update(ADA, path.rpartition("/")[2], WorkflowBody(**json), version)
        except InvalidInput as error:
            raise ApiError(error.message, error.details) from None
        return asdict(done)


def test_files_are_published_in_any_order(aws: Aws, service: WorkflowService, tmp_path: Path):
    def file(name: str, *named: str) -> Path:
        nodes = [sub(one, f"n{number}") for number, one in enumerate(named)] or QUICK["nodes"]
        place = tmp_path / f"{name.lower()}.json"
        place.write_text(json.dumps({"name": name, "definition": {"nodes": nodes}}))
        return place

    first = file("First", "Second", "Third")
    file("Second", "Third")
    file("Third")
    (tmp_path / "broken.json").write_text("{")
    client: Any = FakeClient(service)
    made = _published(client, tmp_path / "data", first, None, publish=False, may_be_live=False)
    assert made["version"] == 1
    assert {one.name for one in service.page(ADA, None, 50).items} == {"First", "Second", "Third"}
    same = _published(client, tmp_path / "data", first, None, publish=False, may_be_live=False)
    assert same["version"] == 1, "what is exported with its names is what the file says"

    file("First", "Fourth")
    file("Fourth")
    changed = _published(client, tmp_path / "data", first, None, publish=False, may_be_live=False)
    assert changed["version"] == 2

    file("Chicken", "Egg")
    with pytest.raises(Complaint, match="name each other"):
        _published(client, tmp_path / "data", file("Egg", "Chicken"), None, publish=False, may_be_live=False)
    with pytest.raises(ApiError, match="no workflow called `Nobody`"):
        _published(client, tmp_path / "data", file("Lost", "Nobody"), None, publish=False, may_be_live=False)


def test_a_template_gives_an_id_and_says_so_of_a_name():
    execution = run({"nodes": [sub("{{ trigger.body.which }}")]}, {"which": "Pay"}).execution
    assert execution.status is Status.FAILED
    assert execution.error["code"] == "config"
    assert "its name can stand there only as it is" in execution.error["message"]


def test_cases_are_tried_without_the_workflows_that_are_named():
    definition = {"nodes": [sub("Pay")], "on_failure": {"workflow_id": "Mourn"}}
    done = run_workflow(definition, nodes={"sub": {"output": {"paid": True}}})
    assert done.execution.result == {"sub": {"paid": True}}
