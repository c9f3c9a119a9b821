"""What `mainspring run` and `activate` make of a file, and what they leave alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InvalidInput, PreconditionFailed
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.workflows import WorkflowBody, WorkflowCreation
from engine.services.principal import Principal
from engine.services.workflows.api import Filter, WorkflowService
from engine.services.workflows.changing import Seen
from infrastructure.cli.api_answers import ApiError
from infrastructure.cli.output import Complaint
from infrastructure.cli.saving import Choices, saved
from tests.unit.conftest import Aws

ADA = Principal("user-1", "session-1", "ws-1", "owner", is_admin=False)
QUICK = [{"id": "a", "type": "transform", "config": {"value": 1}}]


class FakeClient:
    """The API's workflows, as the command line meets them."""

    api_url = "https://api.example"

    def __init__(self, service: WorkflowService) -> None:
        self.service = service

    def find_workflow(self, name: str) -> str | None:
        found = [one.id for one in self.service.page(ADA, Filter(), None, 50).items if one.name == name]
        return found[0] if found else None

    def get_with_etag(self, path: str) -> tuple[dict[str, Any], str]:
        found = self.service.get(ADA, path.rpartition("/")[2])
        return told(found), f"{found.version}"

    def call(self, method: str, path: str, json: Any = None, headers: Any = None) -> dict[str, Any]:
        try:
            if method == "POST":
                return told(self.service.create(ADA, WorkflowCreation(**json)))
            seen = Seen(version=int(headers["if-match"]))
            return told(self.service.save(ADA, path.rpartition("/")[2], WorkflowBody(**json), seen))
        except (InvalidInput, PreconditionFailed) as error:
            raise ApiError(error.message, error.details) from None


def told(workflow: Any) -> dict[str, Any]:
    names = ("id", "name", "description", "version", "published_version", "definition")
    return {name: getattr(workflow, name) for name in names}


@pytest.fixture
def client(aws: Aws) -> Any:
    return FakeClient(WorkflowService(aws.repositories, NodeExecutorFactory(), aws.clock))


def file_of(folder: Path, name: str, *named: str, value: Any = 1, **more: Any) -> Path:
    subs = [
        {"id": f"n{number}", "type": "sub_workflow", "config": {"workflow": one}} for number, one in enumerate(named)
    ]
    nodes = subs or [{"id": "a", "type": "transform", "config": {"value": value}}]
    place = folder / f"{name.lower()}.json"
    place.write_text(json.dumps({"name": name, "definition": {"nodes": nodes, **more}}))
    return place


def test_files_are_saved_in_any_order(client: Any, tmp_path: Path):
    first = file_of(tmp_path, "First", "Second", "Third")
    file_of(tmp_path, "Second", "Third")
    file_of(tmp_path, "Third")
    (tmp_path / "broken.json").write_text("{")
    data = tmp_path / "data"
    made = saved(client, data, first, Choices())
    assert (made["version"], made["published_version"]) == (1, 1)
    assert {one.name for one in client.service.page(ADA, Filter(), None, 50).items} == {"First", "Second", "Third"}
    same = saved(client, data, first, Choices())
    assert same["version"] == 1, "what is exported with its names is what the file says"

    file_of(tmp_path, "First", "Fourth")
    file_of(tmp_path, "Fourth")
    changed = saved(client, data, first, Choices())
    assert (changed["version"], changed["published_version"]) == (2, 1)

    file_of(tmp_path, "Chicken", "Egg")
    with pytest.raises(Complaint, match="name each other"):
        saved(client, data, file_of(tmp_path, "Egg", "Chicken"), Choices())
    with pytest.raises(ApiError, match="no workflow called `Nobody`"):
        saved(client, data, file_of(tmp_path, "Lost", "Nobody"), Choices())


def test_nothing_is_published_unasked(client: Any, tmp_path: Path):
    data, file = tmp_path / "data", file_of(tmp_path, "Live")
    saved(client, data, file, Choices())
    file = file_of(tmp_path, "Live", value=2)
    assert saved(client, data, file, Choices())["published_version"] == 1
    again = saved(client, data, file, Choices(publish=True))
    assert (again["version"], again["published_version"]) == (2, 2), "it was saved before, and is published now"
    file = file_of(tmp_path, "Live", value=3)
    both = saved(client, data, file, Choices(publish=True))
    assert (both["version"], both["published_version"]) == (3, 3)


def test_unseen_version_is_not_replaced(client: Any, tmp_path: Path):
    data, file = tmp_path / "data", file_of(tmp_path, "Shared")
    made = saved(client, data, file, Choices())
    colleague = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "colleague"}}]}
    client.service.save(ADA, made["id"], WorkflowBody(definition=colleague), Seen(version=1))
    for choices in (Choices(), Choices(publish=True)):
        with pytest.raises(Complaint, match=r"version 2 of `Shared` .* was not saved from here"):
            saved(client, data, file, choices)
    assert client.service.get(ADA, made["id"]).version == 2
    replaced = saved(client, data, file, Choices(replace=True))
    assert (replaced["version"], replaced["published_version"]) == (3, 1)


def test_changed_layout_makes_no_version(client: Any, tmp_path: Path):
    data = tmp_path / "data"
    made = saved(client, data, file_of(tmp_path, "Drawn", ui={"positions": {"a": {"x": 1, "y": 2}}}), Choices())
    moved = file_of(tmp_path, "Drawn", ui={"positions": {"a": {"x": 3, "y": 4}}})
    again = saved(client, data, moved, Choices())
    assert (made["version"], again["version"]) == (1, 1)
    assert again["definition"]["ui"]["positions"]["a"] == {"x": 3, "y": 4}
    without = saved(client, data, file_of(tmp_path, "Drawn"), Choices())
    assert without["definition"] == again["definition"], "a file that draws nothing leaves it as it is"
