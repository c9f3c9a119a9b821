"""Labels and folders of workflows, by the command line and the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infrastructure.cli.client import ApiError
from infrastructure.cli.output import Complaint
from tests.unit.commanded import CommandLine
from tests.unit.conftest import Aws
from tests.unit.invoked import USER, WORKFLOW, WORKSPACE, called
from tests.unit.test_route_permissions import who


def make(name: str, **more: Any) -> str:
    body = {"name": name, "definition": {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}, **more}
    return str(called("workflows", "POST", "/api/workflows", who("editor"), body)[1]["id"])


def listed(**query: str) -> list[str]:
    status, answer = called("workflows", "GET", "/api/workflows", who("viewer"), None, query)
    assert status == 200, answer
    return sorted(one["name"] for one in answer["items"])


@pytest.fixture
def cli(seeded: Aws, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(monkeypatch, who("editor"))


def test_labels_are_given_taken_away_and_found_whatever_their_case_is(cli: CommandLine):
    make("Invoices")
    make("Orders", labels=["Shop"])
    assert cli.run("labels", "Invoices").output.strip() == "Invoices has no label"

    assert "finance" in cli.run("labels", "Invoices", "--add", "finance", "--add", "Shop").output
    assert "nothing to change" in cli.run("labels", "Invoices", "--add", "FINANCE").output

    assert listed(label="SHOP") == ["Invoices", "Orders"]
    assert listed(label="finance", q="voic") == ["Invoices"]
    counted = json.loads(cli.run("labels", "--json").stdout)
    assert counted == [{"label": "finance", "workflows": 1}, {"label": "Shop", "workflows": 2}]
    cli.run("labels", "Invoices", "--remove", "shop")
    assert listed(label="shop") == ["Orders"]
    with pytest.raises(Complaint, match="no label 'shop'; it has finance"):
        cli.run("labels", "Invoices", "--remove", "shop")
    with pytest.raises(Complaint, match="name the workflow"):
        cli.run("labels", "--add", "shop")
    with pytest.raises(ApiError, match="labels"):
        cli.run("labels", "Invoices", "--add", "x" * 51)


def test_a_workflow_is_moved_and_found_in_its_folder_and_those_above(cli: CommandLine):
    make("Invoices")
    make("Orders", folder="Finances")
    assert "Invoices is in Finance/Incoming" in cli.run("move", "Invoices", "/Finance/Incoming/").output

    assert listed(folder="Finance") == listed(folder="Finance/Incoming") == ["Invoices"]
    row = cli.run("workflows", "--folder", "Finance").stdout.splitlines()[1]
    assert "Finance/Incoming" in row
    assert "Invoices is in no folder" in cli.run("move", "Invoices", "/").output
    assert listed(folder="Finance") == []
    assert "Invoices" in listed(folder="")
    with pytest.raises(ApiError, match="parts of a folder's name are not empty"):
        cli.run("move", "Invoices", "Finance//Incoming")


def test_only_active_ones_are_listed_if_that_is_asked(cli: CommandLine):
    made = make("Invoices")
    called("workflows", "POST", f"/api/workflows/{made}/activate", who("editor"))
    assert "Invoices" in cli.run("workflows", "--active").stdout
    assert "Invoices" not in cli.run("workflows", "--inactive").stdout


def test_organizing_makes_no_version_and_changes_nothing_that_runs(cli: CommandLine, seeded: Aws):
    before = seeded.workflows.get(WORKSPACE, WORKFLOW)
    cli.run("labels", WORKFLOW, "--add", "finance")
    cli.run("move", WORKFLOW, "Finance")
    after = seeded.workflows.get(WORKSPACE, WORKFLOW)
    assert (after.labels, after.folder) == (("finance",), "Finance")
    assert (after.version, after.published_version, after.triggers) == (
        before.version, before.published_version, before.triggers,
    )  # fmt: skip


def test_a_change_of_labels_that_another_one_precedes_is_refused(cli: CommandLine, monkeypatch: pytest.MonkeyPatch):
    made = make("Invoices")

    def meanwhile(*_: Any) -> list[str]:
        called("workflows", "PATCH", f"/api/workflows/{made}", who("editor"), {"labels": ["theirs"]})
        return ["mine"]

    monkeypatch.setattr("infrastructure.cli.organize._changed", meanwhile)
    with pytest.raises(ApiError, match="has been changed"):
        cli.run("labels", "Invoices", "--add", "mine")
    assert called("workflows", "GET", f"/api/workflows/{made}", who("viewer"))[1]["labels"] == ["theirs"]


def test_viewers_do_not_organize(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ApiError, match="does not grant the permission `edit`"):
        CommandLine(monkeypatch, {**who("viewer"), "user_id": USER}).run("move", WORKFLOW, "Finance")
