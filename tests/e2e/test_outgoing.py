"""Telling others: outgoing webhooks that are signed, repeated, logged, sent again and given up; silence is told too."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.clock import parse_time
from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of, output_of, run_recovery
from tests.e2e.conftest import PASSWORD, Caller, caller
from tests.e2e.triggers import eventually, live, trigger

WORKS = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "{{ trigger.body.x }}"}}]}


class Receiver:
    """A server that keeps what it gets; it answers these statuses in turn, and then 200."""

    def __init__(self, server: HTTPServer) -> None:
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = server.url_for("/hook")
        server.expect_request("/hook").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        self.seen.append(({name.lower(): value for name, value in request.headers.items()}, request.get_data()))
        return Response("no", self.statuses.pop(0)) if self.statuses else Response("ok", 200)

    def of(self, kind: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """What came of one type of events."""
        found = [(headers, json.loads(body)) for headers, body in self.seen]
        return [one for one in found if one[1]["type"] == kind]


@pytest.fixture(scope="module")
def owner(admin: Caller, api_url: str) -> Caller:
    """Somebody with a workspace of their own: in that of others there are failures of other tests to be told of."""
    admin.ok("POST", "/api/users", json={"email": "receiver@example.com", "password": PASSWORD})
    return caller(api_url, "receiver@example.com", PASSWORD)


@pytest.fixture
def receiver(httpserver: HTTPServer) -> Receiver:
    return Receiver(httpserver)


@pytest.fixture
def subscription(owner: Caller, receiver: Receiver) -> Iterator[dict[str, Any]]:
    body = {"url": receiver.url, "events": ["execution.failed", "trigger.*"]}
    made = owner.ok("POST", "/api/subscriptions", json=body)
    yield made
    owner.request("DELETE", f"/api/subscriptions/{made['id']}")


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As https://www.standardwebhooks.com says, without the product's own code."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(wanted).decode()}" in headers["webhook-signature"].split()


def test_failed_execution_is_delivered_signed_and_retried(
    stack: LocalStack, owner: Caller, receiver: Receiver, subscription: dict[str, Any]
):
    receiver.statuses = [500]
    workflow_id = owner.workflow(WORKS)["id"]
    assert owner.wait(owner.start(workflow_id, {"x": 1})["id"])["status"] == "succeeded"
    failed = owner.wait(owner.start(workflow_id, {})["id"])
    eventually(lambda: receiver.seen)
    log = f"/api/subscriptions/{subscription['id']}/deliveries"
    (delivery,) = eventually(lambda: [one for one in owner.ok("GET", log)["items"] if one["attempts"]])
    assert (delivery["status"], delivery["attempts"][0]["status"]) == ("pending", 500)
    assert delivery["attempts"][0]["error"] == "answered 500: no"
    assert delivery["next_at"]

    eventually(lambda: datetime.now(UTC) > parse_time(delivery["next_at"]))
    assert run_recovery(stack)["sent"] >= 1

    eventually(lambda: len(receiver.seen) == 2)
    (first, body), (second, again) = receiver.seen
    assert body == again
    assert first["webhook-id"] == second["webhook-id"] == delivery["id"]
    assert verified(subscription["secret"], second, body)
    told = json.loads(body)
    assert (told["type"], told["data"]["execution_id"]) == ("execution.failed", failed["id"])
    delivery = eventually(lambda: (one := owner.ok("GET", f"{log}/{delivery['id']}"))["status"] == "delivered" and one)
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 200]
    assert delivery["body"].encode() == body

    owner.ok("POST", f"{log}/{delivery['id']}/replay")
    eventually(lambda: len(receiver.seen) == 3)
    assert receiver.seen[2][0]["webhook-id"] == delivery["id"]


def test_subscription_secret_is_shown_once_and_can_be_rotated(
    owner: Caller, receiver: Receiver, subscription: dict[str, Any]
):
    address = f"/api/subscriptions/{subscription['id']}"
    shown = json.dumps([owner.ok("GET", address), owner.ok("GET", "/api/subscriptions")])
    assert subscription["secret"] not in shown
    changed = owner.ok("POST", f"{address}/rotate")["secret"]
    owner.ok("POST", f"{address}/ping")

    ((headers, body),) = eventually(lambda: receiver.seen)
    assert verified(subscription["secret"], headers, body)
    assert verified(changed, headers, body)


def test_subscription_whose_receiver_answers_410_is_disabled(
    owner: Caller, receiver: Receiver, subscription: dict[str, Any]
):
    receiver.statuses = [410]
    address = f"/api/subscriptions/{subscription['id']}"
    owner.ok("POST", f"{address}/ping")

    told = eventually(lambda: not (one := owner.ok("GET", address))["is_enabled"] and one)
    assert told["disabled_reason"] == "the receiver answered 410 Gone"
    assert owner.request("POST", f"{address}/ping").status_code == 409
    assert owner.ok("PATCH", address, json={"is_enabled": True})["disabled_reason"] is None
    owner.ok("POST", f"{address}/ping")
    eventually(lambda: len(receiver.seen) == 2)


def test_invalid_subscription_is_refused(owner: Caller, other: Caller, subscription: dict[str, Any]):
    for body, field in (
        ({"url": "ftp://x", "events": ["*"]}, "url"),
        ({"url": "https://user:pw@x.example", "events": ["*"]}, "url"),
        ({"url": "https://x.example", "events": ["execution.exploded"]}, "events[0]"),
        ({"url": "https://x.example", "events": []}, "events"),
        ({"events": ["*"]}, "url"),
    ):
        answer = owner.request("POST", "/api/subscriptions", json=body)
        assert (answer.status_code, answer.json()["error"]["details"][0]["path"]) == (422, field), answer.text
    address = f"/api/subscriptions/{subscription['id']}"
    assert {other.request(verb, address).status_code for verb in ("GET", "DELETE")} == {404}
    assert other.request("POST", f"{address}/ping").status_code == 404


def test_silent_trigger_is_announced(
    stack: LocalStack, owner: Caller, receiver: Receiver, subscription: dict[str, Any]
):
    hook = {"id": "in", "type": "webhook", "config": {"expected_every_seconds": 60}}
    workflow_id = live(owner, [hook], WORKS["nodes"])
    eventually(lambda: trigger(owner, workflow_id)["next_expected_at"])
    past = "2026-01-01T00:00:00.000Z"  # as if nothing had come since then
    client_of(stack, "dynamodb").update_item(
        TableName=output_of(stack, "AutomationTable"),
        Key={"PK": {"S": f"WORKFLOW#{workflow_id}"}, "SK": {"S": "TRIGGER#in"}},
        UpdateExpression="SET expected_at = :past, next_check_at = :past",
        ExpressionAttributeValues={":past": {"S": past}},
    )
    run_recovery(stack)

    ((_, told),) = eventually(lambda: receiver.of("trigger.silent"))
    assert (told["data"]["workflow_id"], told["data"]["expected_at"]) == (workflow_id, past)
    found = trigger(owner, workflow_id)
    assert (found["status"], found["silent_since"]) == ("silent", past)

    import httpx2

    httpx2.post(found["url"], json={"x": 1})
    assert trigger(owner, workflow_id)["status"] == "healthy"
