"""A webhook whose secret is not set refuses every delivery: the API says so, and so does who activates it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infrastructure.cli import triggers as cli_triggers
from infrastructure.cli import workflows
from infrastructure.cli.main import app
from tests.unit.conftest import Aws
from tests.unit.invoked import TRIGGERS, WORKFLOW, event, invoke, route_key


class Api:
    """The API's handlers, called as the command line calls the API."""

    api_url = "https://api.example"

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        request = event("api/triggers_get")
        function = "triggers" if "/triggers" in path else "workflows"
        request |= {"rawPath": path, "pathParameters": {}, "routeKey": route_key(function, method, path)}
        request["headers"] = {**request["headers"], "content-type": "application/json", **arguments.get("headers", {})}
        request["requestContext"]["http"] |= {"method": method, "path": path}
        if "json" in arguments:
            request["body"] = json.dumps(arguments["json"])
        answer = invoke(function, request)
        assert answer["statusCode"] < 300, answer["body"]
        return json.loads(answer["body"]) if answer.get("body") else None

    def get_with_etag(self, path: str) -> tuple[Any, str]:
        return self.call("GET", path), "*"

    def pages(self, path: str, **_query: Any) -> Any:
        return self.call("GET", path)["items"]

    def find_workflow(self, _name: str) -> str:
        return WORKFLOW

    workflow_id = find_workflow


@pytest.fixture
def api(seeded: Aws, monkeypatch: pytest.MonkeyPatch) -> Api:
    assert seeded
    made = Api()
    for module in (workflows, cli_triggers):
        monkeypatch.setattr(module, "client_for", lambda *_arguments, **_options: made)
    return made


def activated(folder: Path) -> Any:
    nodes = [{"id": "a", "type": "transform", "config": {"value": 1}}]
    triggers = [one for one in TRIGGERS if one["type"] == "webhook"]
    file = folder / "w.json"
    file.write_text(json.dumps({"name": "w", "definition": {"nodes": nodes, "triggers": triggers}}))
    return CliRunner().invoke(app, ["activate", str(file), "--publish", "--replace", "--data", str(folder / "data")])


def test_the_api_says_that_a_secret_is_missing(api: Api):
    hook = f"/api/workflows/{WORKFLOW}/triggers/hook"
    before = api.call("GET", hook)
    assert (before["status"], before["has_secret"]) == ("no_secret", False)
    api.call("PUT", f"{hook}/secret", json={"secret": "s" * 32})
    after = api.call("GET", hook)
    assert (after["status"], after["has_secret"]) == ("healthy", True)


def test_activating_warns_of_a_missing_secret_and_says_what_to_do(api: Api, tmp_path: Path):
    done = activated(tmp_path)
    assert done.exit_code == 0, done.output
    assert "is active" in done.stdout
    assert f"hook: its secret is not set, so it refuses every delivery: mainspring trigger secret {WORKFLOW} hook" in (
        done.stderr
    )

    given = CliRunner().invoke(app, ["trigger", "secret", WORKFLOW, "hook"], input="s" * 32)
    assert given.exit_code == 0, given.output
    assert "secret" not in activated(tmp_path).stderr
    assert api.call("GET", f"/api/workflows/{WORKFLOW}/triggers/hook")["is_active"]


def test_the_list_of_triggers_fails_and_says_why(api: Api, tmp_path: Path):
    assert api
    activated(tmp_path)
    listed = CliRunner().invoke(app, ["triggers"])
    assert listed.exit_code == 1
    assert "its secret is not set" in listed.stdout
