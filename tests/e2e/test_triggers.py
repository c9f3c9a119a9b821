"""How triggers are, and trying them, for real."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.e2e.conftest import Caller
from tests.e2e.triggers import ECHO, eventually, live, runs_of, trigger


def test_trigger_shows_its_health(admin: Caller):
    nodes = [{"id": "a", "type": "transform", "config": {"value": "{{ trigger.body.x + 1 }}"}}]
    workflow_id = live(admin, [{"id": "in", "type": "webhook"}], nodes)
    url = trigger(admin, workflow_id)["url"]
    assert trigger(admin, workflow_id)["status"] == "healthy"

    for value in ("text", "text"):
        admin.wait(httpx2.post(url, json={"x": value}).json()["execution_id"])
    told = eventually(lambda: (found := trigger(admin, workflow_id))["consecutive_failures"] == 2 and found)
    assert (told["status"], told["last_outcome"]["status"], told["fired"]) == ("failing", "failed", 2)

    admin.wait(httpx2.post(url, json={"x": 1}).json()["execution_id"])
    eventually(lambda: trigger(admin, workflow_id)["status"] == "healthy")
    assert httpx2.post(url, content=b"{", headers={"content-type": "application/json"}).status_code == 422
    listed = [one for one in admin.ok("GET", "/api/triggers")["items"] if one["workflow_id"] == workflow_id]
    assert [(one["refused"], one["last_refusal"][:9]) for one in listed] == [(1, "body: the")]


@pytest.mark.parametrize(
    ("kind", "config", "payload"),
    [
        ("schedule", {"cron": "0 0 1 1 *", "input": {"a": 1}}, {"body": {"a": 2}}),
        ("webhook", {"body": "text"}, {"body": "mine", "method": "POST"}),
        ("event", {"pattern": {"source": ["shop"], "detail": {"kind": ["a"]}}}, {"body": {"kind": "b"}}),
    ],
)
def test_trigger_can_be_tested_with_a_sample(admin: Caller, kind: str, config: dict[str, Any], payload: dict[str, Any]):
    definition = {"nodes": [ECHO], "triggers": [{"id": "t", "type": kind, "config": config}]}
    address = f"/api/workflows/{admin.workflow(definition)['id']}/triggers/t"
    sample = admin.ok("GET", f"{address}/sample")["sample"]

    first = admin.wait(admin.ok("POST", f"{address}/test")["id"])
    assert first["input"] == sample["body"]
    assert (first["trigger_type"], first["trigger"]["test"]) == (kind, True)
    second = admin.wait(admin.ok("POST", f"{address}/test", json={"payload": payload})["id"])
    assert second["input"] == payload["body"]
    assert admin.request("POST", f"{address}/test", json={"last": True}).status_code == 409
    bad = admin.request("POST", f"{address}/test", json={"payload": {"colour": 1}})
    assert (bad.status_code, bad.json()["error"]["details"][0]["path"]) == (422, "payload.colour")
    assert admin.request("POST", f"{address}x/test").status_code == 404


def test_trigger_can_be_tested_with_a_captured_delivery(admin: Caller):
    workflow_id = live(admin, [{"id": "in", "type": "webhook"}])
    admin.wait(httpx2.post(trigger(admin, workflow_id)["url"], json={"real": 1}).json()["execution_id"])
    address = f"/api/workflows/{workflow_id}/triggers/in"
    eventually(lambda: admin.ok("GET", f"{address}/sample")["last"])

    repeated = admin.wait(admin.ok("POST", f"{address}/test", json={"last": True})["id"])
    assert repeated["input"] == {"real": 1}


def test_schedule_of_every_minute_has_fired(admin: Caller, ticking: str):
    runs = eventually(lambda: runs_of(admin, ticking), 90)
    execution = admin.wait(runs[0]["id"])

    assert execution["result"]["echo"]["scheduled_at"][17:] == "00.000Z"
    times = [admin.ok("GET", f"/api/executions/{run['id']}")["trigger"]["scheduled_at"] for run in runs]
    assert len(set(times)) == len(times)
    told = trigger(admin, ticking, "tick")
    assert (told["status"], told["fired"]) == ("healthy", len(runs))
    admin.ok("POST", f"/api/workflows/{ticking}/deactivate")
