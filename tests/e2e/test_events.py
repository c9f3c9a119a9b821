"""Events, for real: of the workspace, of the account, of other workflows, S3 and queues."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of, output_of
from tests.e2e.conftest import Caller
from tests.e2e.triggers import ECHO, eventually, live, runs_of, trigger


def test_an_event_starts_the_workflows_whose_pattern_fits_once(admin: Caller, other: Caller):
    pattern = {"source": ["shop"], "detail-type": ["order.created"], "detail": {"total": [{"numeric": [">", 100]}]}}
    listening = [{"id": "in", "type": "event", "config": {"pattern": pattern}}]
    mine, theirs = live(admin, listening), live(other, listening)  # from now on nothing is missed
    for total, name in ((50, None), (500, "e-1"), (500, "e-1")):
        body = {"source": "shop", "type": "order.created", "data": {"total": total}, **({"id": name} if name else {})}
        admin.ok("POST", "/api/events", json=body)

    (run,) = eventually(lambda: runs_of(admin, mine))
    seen = admin.wait(run["id"])["result"]["echo"]
    assert (seen["body"], seen["event"]["id"], seen["event"]["source"]) == ({"total": 500}, "e-1", "shop")
    time.sleep(0.5)
    assert len(runs_of(admin, mine)) == 1
    assert runs_of(other, theirs) == []
    assert "mainspring:" not in json.dumps(seen)

    for bad, field in (
        ({"source": "mainspring", "type": "x"}, "source"),
        ({"source": "aws.s3", "type": "x"}, "source"),
        ({"source": "a b", "type": "x"}, "source"),
        ({"source": "a", "type": "x", "data": 1}, "data"),
    ):
        answer = admin.request("POST", "/api/events", json=bad)
        assert (answer.status_code, answer.json()["error"]["details"][0]["path"]) == (422, field), answer.text
    large = {"source": "a", "type": "x", "data": {"x": "y" * 250_000}}
    assert admin.request("POST", "/api/events", json=large).status_code == 413


def rules_of(stack: LocalStack, pattern: dict[str, Any]) -> list[str]:
    """The rules on the account's bus that have a pattern."""
    rules = client_of(stack, "events").list_rules(EventBusName="default")["Rules"]
    return [rule["Name"] for rule in rules if json.loads(rule.get("EventPattern") or "null") == pattern]


def test_events_of_the_workspace_take_no_rules(stack: LocalStack, admin: Caller):
    """Each trigger hears all that comes after it was activated, and nothing after it was deactivated."""
    events = client_of(stack, "events")
    before = [rule["Name"] for rule in events.list_rules(EventBusName="Mainspring-events")["Rules"]]
    source = f"shop-{uuid4()}"
    patterns = [{"source": [source], "detail": {"n": [n, 9]}} for n in range(3)]
    ids = [live(admin, [{"id": "in", "type": "event", "config": {"pattern": pattern}}]) for pattern in patterns]
    for n in (9, 1, 8):
        admin.ok("POST", "/api/events", json={"source": source, "type": "x", "data": {"n": n}})
    eventually(lambda: [len(runs_of(admin, one)) for one in ids] == [1, 2, 1])
    admin.ok("POST", f"/api/workflows/{ids[0]}/deactivate")
    admin.ok("POST", "/api/events", json={"source": source, "type": "x", "data": {"n": 9}})

    eventually(lambda: [len(runs_of(admin, one)) for one in ids] == [1, 3, 2])
    assert [rule["Name"] for rule in events.list_rules(EventBusName="Mainspring-events")["Rules"]] == before
    assert len(before) == 1


def test_triggers_with_one_pattern_on_the_accounts_bus_share_a_rule(stack: LocalStack, admin: Caller):
    pattern = {"source": [f"app-{uuid4()}"]}
    listening = [{"id": "in", "type": "event", "config": {"bus": "account", "pattern": pattern}}]
    first, second = live(admin, listening), live(admin, listening)

    def tell() -> None:
        entry = {"Source": pattern["source"][0], "DetailType": "x", "Detail": "{}"}
        assert client_of(stack, "events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    eventually(lambda: len(rules_of(stack, pattern)) == 1)
    time.sleep(1)  # both have been told of by the stream
    assert len(rules_of(stack, pattern)) == 1
    tell()
    eventually(lambda: [len(runs_of(admin, one)) for one in (first, second)] == [1, 1])

    admin.ok("POST", f"/api/workflows/{first}/deactivate")
    time.sleep(2)
    assert len(rules_of(stack, pattern)) == 1  # the other one needs it
    tell()
    eventually(lambda: len(runs_of(admin, second)) == 2)
    assert len(runs_of(admin, first)) == 1
    admin.ok("DELETE", f"/api/workflows/{second}")
    eventually(lambda: rules_of(stack, pattern) == [])


def test_end_of_one_workflow_starts_another(admin: Caller):
    first = admin.workflow({"nodes": [ECHO]})["id"]
    pattern = {"source": ["mainspring"], "detail-type": ["execution.succeeded"], "detail": {"workflow_id": [first]}}
    second = live(admin, [{"id": "in", "type": "event", "config": {"pattern": pattern}}])
    started = admin.start(first, {"x": 1})["id"]

    (run,) = eventually(lambda: runs_of(admin, second))
    told = admin.wait(run["id"])["input"]
    assert (told["execution_id"], told["status"], told["result"]["echo"]["body"]) == (started, "succeeded", {"x": 1})


def test_workflows_that_start_each_other_are_stopped(admin: Caller):
    """Each of two follows the other's ends: none follows its own."""

    def body(*sources: dict[str, Any]) -> dict[str, Any]:
        return {"nodes": [ECHO], "triggers": [{"id": "in", "type": "event", "config": {"pattern": {"$or": sources}}}]}

    def ends_of(workflow_id: str) -> dict[str, Any]:
        own = {"source": ["mainspring"], "detail-type": ["execution.succeeded"]}
        return {**own, "detail": {"workflow_id": [workflow_id]}}

    go, other = {"source": ["go"]}, {"source": ["nobody"]}
    first = admin.workflow(body(go, other))["id"]
    second = admin.workflow(body(ends_of(first), other))["id"]
    update = {"definition": body(go, ends_of(second)), "publish": True}
    admin.ok("PUT", f"/api/workflows/{first}", json=update, headers={"if-match": "*"})
    for workflow_id in (first, second):
        admin.ok("POST", f"/api/workflows/{workflow_id}/activate")
    admin.ok("POST", "/api/events", json={"source": "go", "type": "x"})

    told = eventually(lambda: (found := trigger(admin, first))["failed"] and found, 60)
    assert told["last_failure"]["code"] == "too_deep"
    assert told["status"] == "failing"
    assert [len(runs_of(admin, one)) for one in (first, second)] == [5, 5]


def test_s3_uploads_and_queue_messages_arrive_as_events(stack: LocalStack, admin: Caller, other: Caller):
    bucket = f"uploads-{uuid4()}"
    s3 = client_of(stack, "s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    upload = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [bucket]}}}
    message = {"source": ["mainspring.queue"], "detail": {"body": {"kind": ["invoice"]}}}
    triggers = [
        {"id": name, "type": "event", "config": {"bus": "account", "pattern": pattern}}
        for name, pattern in (("upload", upload), ("message", message))
    ]
    refused = other.request(
        "POST", "/api/workflows", json={"name": "x", "definition": {"nodes": [ECHO], "triggers": triggers}}
    )
    assert refused.status_code == 403
    assert "triggers[0].config.bus" in refused.json()["error"]["message"]

    workflow_id = live(admin, triggers)
    eventually(lambda: rules_of(stack, upload) and rules_of(stack, message))
    s3.put_object(Bucket=bucket, Key="in/a.csv", Body=b"1;2")
    body = json.dumps({"kind": "invoice", "n": 7})
    client_of(stack, "sqs").send_message(QueueUrl=output_of(stack, "InboxUrl"), MessageBody=body)

    runs = eventually(lambda: len(found := runs_of(admin, workflow_id)) == 2 and found)
    inputs = {run["trigger_id"]: admin.wait(run["id"])["input"] for run in runs}
    assert inputs["upload"]["object"]["key"] == "in/a.csv"
    assert inputs["message"]["body"] == {"kind": "invoice", "n": 7}
