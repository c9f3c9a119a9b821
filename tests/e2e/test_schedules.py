"""Schedules, for real: made, changed and removed with their workflows, fired once a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.local.stack import LocalStack
from tests.e2e.aws import call, client_of
from tests.e2e.conftest import Caller
from tests.e2e.triggers import ECHO, eventually, live, runs_of, trigger

pytestmark = pytest.mark.usefixtures("ticking")
"""Its workflow begins to come each minute here; `test_triggers.py` looks at it later."""


def schedules_of(stack: LocalStack, workflow_id: str) -> list[str]:
    group, prefix = "Mainspring-schedules", workflow_id.replace("-", "")
    found = client_of(stack, "scheduler").list_schedules(GroupName=group, NamePrefix=prefix)["Schedules"]
    return [one["Name"] for one in found]


def test_a_schedule_follows_its_workflow_and_fires_once(stack: LocalStack, admin: Caller):
    soon = (datetime.now(UTC) + timedelta(seconds=4)).replace(microsecond=0)
    config = {"at": soon.isoformat(), "input": {"report": "daily"}}
    workflow_id = live(admin, [{"id": "once", "type": "schedule", "config": config}])
    eventually(lambda: schedules_of(stack, workflow_id))

    (run,) = eventually(lambda: runs_of(admin, workflow_id), 40)
    execution = admin.wait(run["id"])

    assert (execution["trigger_type"], execution["trigger_id"]) == ("schedule", "once")
    assert execution["input"] == {"report": "daily"}
    assert execution["result"]["echo"]["scheduled_at"] == soon.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    # However often it is delivered:
    again = {"workflow_id": workflow_id, "trigger_id": "once", "scheduled_at": soon.isoformat()}
    assert [call(stack, "Dispatch", {"schedule": again}) for _ in range(3)] == [{"done": "known"}] * 3
    assert len(runs_of(admin, workflow_id)) == 1
    # A time that is none of its own, and a workflow that is not active, start nothing:
    other = {**again, "scheduled_at": (soon + timedelta(hours=1)).isoformat()}
    assert call(stack, "Dispatch", {"schedule": other}) == {"done": "not_due"}
    admin.ok("POST", f"/api/workflows/{workflow_id}/deactivate")
    assert call(stack, "Dispatch", {"schedule": again}) == {"done": "not_live"}
    eventually(lambda: not schedules_of(stack, workflow_id))
    assert trigger(admin, workflow_id, "once")["refused"] == 1


def test_schedules_are_made_changed_and_removed_with_their_workflow(stack: LocalStack, admin: Caller):
    workflow_id = live(admin, [{"id": "a", "type": "schedule", "config": {"cron": "0 9 1 * 1", "timezone": "UTC"}}])
    scheduler = client_of(stack, "scheduler")
    names = eventually(lambda: len(found := schedules_of(stack, workflow_id)) == 2 and found)
    expressions = {
        scheduler.get_schedule(GroupName="Mainspring-schedules", Name=name)["ScheduleExpression"] for name in names
    }
    assert expressions == {"cron(0 9 1 * ? *)", "cron(0 9 ? * 2 *)"}  # either day field counts

    changed = {"nodes": [ECHO], "triggers": [{"id": "b", "type": "schedule", "config": {"every": "5 minutes"}}]}
    body = {"definition": changed, "publish": True}
    admin.ok("PUT", f"/api/workflows/{workflow_id}", json=body, headers={"if-match": "*"})
    eventually(lambda: len(found := schedules_of(stack, workflow_id)) == 1 and found != names)
    admin.ok("DELETE", f"/api/workflows/{workflow_id}")
    eventually(lambda: not schedules_of(stack, workflow_id))


def test_schedule_shows_next_times_and_backfills_missed_ones(admin: Caller):
    config = {"cron": "0 6 * * *", "timezone": "Europe/Berlin"}
    workflow_id = admin.workflow({"nodes": [ECHO], "triggers": [{"id": "d", "type": "schedule", "config": config}]})[
        "id"
    ]

    schedule = admin.ok("GET", f"/api/workflows/{workflow_id}/schedule")
    assert len(schedule["items"][0]["times"]) == 10
    assert schedule["items"][0]["timezone"] == "Europe/Berlin"

    body = {"from": "2026-03-27T00:00:00Z", "to": "2026-03-30T12:00:00Z"}
    first = admin.ok("POST", f"/api/workflows/{workflow_id}/backfill", json=body)
    second = admin.ok("POST", f"/api/workflows/{workflow_id}/backfill", json=body)
    times = [item["scheduled_at"][:16] for item in first["items"]]
    assert times == ["2026-03-27T05:00", "2026-03-28T05:00", "2026-03-29T04:00", "2026-03-30T04:00"]
    assert (first["started"], second["started"]) == (4, 0)
    assert [item["execution_id"] for item in first["items"]] == [item["execution_id"] for item in second["items"]]

    for bad, field in (
        ({**body, "to": "2036-01-01T00:00:00Z"}, "to"),
        ({**body, "from": "2020-01-01T00:00:00Z"}, "from"),
        ({"from": body["to"], "to": body["from"]}, "from"),
        ({"from": "yesterday", "to": body["to"]}, "from"),
    ):
        answer = admin.request("POST", f"/api/workflows/{workflow_id}/backfill", json=bad)
        assert (answer.status_code, answer.json()["error"]["details"][0]["path"]) == (422, field), answer.text
