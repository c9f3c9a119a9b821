"""What the functions behind triggers do, each in one scene that fails where one of its grants is missing."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from uuid import uuid4

import httpx2

from engine.services.triggers.dispatch import scheduled_id
from engine.storage.listeners import pattern_digest
from infrastructure.local.stack import LocalStack
from tests.e2e.aws import call, client_of, driver_arn, output_of, run_recovery
from tests.e2e.conftest import Caller

ECHO = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "{{ trigger.body }}"}}]}
LONG = {"nodes": [{"id": "a", "type": "delay", "config": {"seconds": 3600}}]}
LIMITED = {"limit": 1, "when_full": "cancel_oldest"}
LARGE = Random(11).randbytes(20_000).hex()
NOISE = b64encode(Random(12).randbytes(9_500)).decode()  # too large for an item, small enough for a trigger's config


def _month_half_a_year_ago() -> datetime:
    now = datetime.now(UTC)
    months = now.year * 12 + now.month - 1 - 6
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


class Scenes:
    """Workflows with triggers, and what calls them. Each scene says whether all went well."""

    def __init__(self, stack: LocalStack, admin: Caller) -> None:
        self.stack, self.admin = stack, admin
        self._states = client_of(stack, "stepfunctions")
        hook = {"id": "t", "type": "webhook", "config": {}}
        self._month = _month_half_a_year_ago()  # each of its minutes is a time, but none comes while this runs
        every = {"id": "t", "type": "schedule", "config": {"cron": f"* * * {self._month.month} *", "input": NOISE}}
        answering = {**hook, "config": {"answer": "result"}}
        respond = {"nodes": [{"id": "a", "type": "respond", "config": {"body": "hi"}}]}
        self.limited = self._live({**LONG, "concurrency": LIMITED, "triggers": [hook]})
        self.result = self._live({**ECHO, "triggers": [answering]})
        self.respond = self._live({**respond, "triggers": [{**hook, "config": {"answer": "respond"}}]})
        self.scheduled = self._live({**LONG, "concurrency": LIMITED, "triggers": [every]})
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Gone)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.gone = f"http://127.0.0.1:{server.server_port}/"

    def _live(self, definition: dict[str, Any]) -> str:
        workflow_id = self.admin.workflow(definition)["id"]
        self.admin.ok("POST", f"/api/workflows/{workflow_id}/activate")
        return workflow_id

    def _listens(self) -> str:
        """One more workflow that listens, so that whoever knows the others has to read them anew."""
        heard = {"id": "e", "type": "event", "config": {"pattern": {"source": [f"scene-{uuid4()}"]}}}
        return self._live({**ECHO, "triggers": [heard]})

    def _url(self, workflow_id: str) -> str:
        return str(self.admin.ok("GET", f"/api/workflows/{workflow_id}/triggers/t")["url"])

    def _is_driven(self, execution_id: str, status: str) -> bool:
        try:
            found = self._states.describe_execution(executionArn=driver_arn(self.stack, execution_id))
        except self._states.exceptions.ExecutionDoesNotExist:
            return False
        return str(found["status"]) == status

    # -- webhooks ------------------------------------------------------------------------------------------

    def takes_deliveries(self) -> bool:
        """Two large ones to a workflow with one slot: the second takes that of the first."""
        url = self._url(self.limited)
        answers = [httpx2.post(url, json={"x": LARGE}, timeout=60) for _ in range(2)]
        if {answer.status_code for answer in answers} != {202}:
            return False
        first, second = (answer.json()["execution_id"] for answer in answers)
        well = self._is_driven(first, "ABORTED") and self._is_driven(second, "RUNNING")
        self.admin.request("POST", f"/api/executions/{second}/cancel")
        return well

    def answers(self) -> bool:
        """A large result, and what a node responds; without a state machine."""
        large = httpx2.post(self._url(self.result), json={"x": LARGE}, timeout=60)
        small = httpx2.post(self._url(self.respond), json={}, timeout=60)
        if (large.status_code, small.status_code) != (200, 200):
            return False
        execution = self.admin.ok("GET", f"/api/executions/{small.headers['mainspring-execution']}")
        return bool(execution["bill"]["transitions"] == 0)

    # -- the API of triggers and events --------------------------------------------------------------------

    def asks_about_triggers(self) -> bool:
        """Lists, samples, tries, rotates and fills up; the last of what was started takes the slot of the others."""
        address = f"/api/workflows/{self.scheduled}"
        tries = f"/api/workflows/{self.limited}/triggers/t"
        asked = [
            ("GET", "/api/triggers?limit=100", None),
            ("POST", f"{tries}/rotate", None),
            ("POST", f"/api/workflows/{self.result}/triggers/t/test", {"payload": {"body": LARGE}}),
            ("GET", f"/api/workflows/{self.result}/triggers/t/sample", None),
        ]
        if not all(self.admin.request(verb, path, json=body).is_success for verb, path, body in asked):
            return False
        begin = self._month + timedelta(minutes=int(time.time() * 10) % 40_000)
        span = {"from": begin.isoformat(), "to": (begin + timedelta(seconds=60)).isoformat()}
        answer = self.admin.request("POST", f"{address}/backfill", json=span)
        if not answer.is_success:
            return False
        *earlier, last = [item["execution_id"] for item in answer.json()["items"]]
        well = self._is_driven(last, "RUNNING") and all(self._is_driven(one, "ABORTED") for one in earlier)
        self.admin.request("POST", f"/api/executions/{last}/cancel")
        return well

    def tells_and_subscribes(self) -> bool:
        """An event; a subscription made, changed, tried and deleted; its delivery comes to be tried."""
        made = self.admin.request("POST", "/api/subscriptions", json={"url": "http://127.0.0.1:9/", "events": ["ping"]})
        if not made.is_success:
            return False
        address = f"/api/subscriptions/{made.json()['id']}"
        asked = [
            ("POST", "/api/events", {"source": "scene", "type": "x"}),
            ("PATCH", address, {"description": "x"}),
            ("POST", f"{address}/ping", None),
            ("GET", f"{address}/deliveries", None),
        ]
        well = all(self.admin.request(verb, path, json=body).is_success for verb, path, body in asked)
        return well and self.admin.request("DELETE", address).is_success

    def keeps_integrations(self) -> bool:
        """One that is made, changed, found in the list and deleted."""
        body = {"name": str(uuid4()), "type": "http_bearer", "config": {"hosts": ["a.example"], "token": "x"}}
        made = self.admin.request("POST", "/api/integrations", json=body)
        if not made.is_success:
            return False
        address = f"/api/integrations/{made.json()['id']}"
        asked = [
            ("PATCH", address, {"description": "x"}),
            ("GET", "/api/integrations", None),
            ("DELETE", address, None),
        ]
        return all(self.admin.request(verb, path, json=body).is_success for verb, path, body in asked)

    def keeps_data(self) -> bool:
        """A file and a row that are written, found, changed and removed, and rows that come as CSV."""
        name, rows = f"grants/{uuid4()}.txt", "/api/data-tables/grants/rows"
        link = self.admin.request("POST", "/api/files/upload", json={"name": name, "bytes": 5})
        if not link.is_success or not self._is_uploaded(link.json()):
            return False
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", "/api/files", {}),
            ("POST", "/api/files/download", {"json": {"name": name}}),
            ("DELETE", "/api/files", {"params": {"name": name}}),
            ("PUT", rows, {"params": {"key": "a"}, "json": {"value": 1}}),
            ("GET", rows, {}),
            ("POST", "/api/data-tables/grants/csv", {"json": {"csv": "key,n\na,2\nb,3\n"}}),
            ("DELETE", rows, {"params": {"key": "b"}}),
            ("GET", "/api/data-tables", {}),
            ("DELETE", "/api/data-tables/grants", {}),
        ]
        return all(self.admin.request(verb, path, **more).is_success for verb, path, more in asked)

    @staticmethod
    def _is_uploaded(link: dict[str, Any]) -> bool:
        return httpx2.put(link["url"], content=b"hello", headers=link["headers"]).is_success

    def drafts_at_length(self) -> bool:
        """A draft that is too large for an item is saved, read and discarded."""
        address = f"/api/workflows/{self.respond}/draft"
        saved = self.admin.request(
            "PUT", address, json={"definition": {"notes": LARGE + str(uuid4())}}, headers={"if-match": "*"}
        )
        if not saved.is_success or not self.admin.request("GET", address).is_success:
            return False
        return self.admin.request("DELETE", address, headers={"if-match": saved.headers["etag"]}).is_success

    # -- those without an address --------------------------------------------------------------------------

    def fires(self) -> bool:
        """Two times of a schedule with a large input: the second takes the slot of the first; and a message."""
        begin = self._month + timedelta(minutes=2 * (int(time.time() * 10) % 20_000))
        times = [begin, begin + timedelta(minutes=1)]
        for at in times:
            asked = {"workflow_id": self.scheduled, "trigger_id": "t", "scheduled_at": at.isoformat()}
            if call(self.stack, "Dispatch", {"schedule": asked}) != {"done": "started"}:
                return False
        first, second = (scheduled_id(self.scheduled, "t", at) for at in times)
        well = self._is_driven(first, "ABORTED") and self._is_driven(second, "RUNNING")
        self.admin.request("POST", f"/api/executions/{second}/cancel")
        record = {
            "messageId": str(uuid4()), "body": "x", "attributes": {"SentTimestamp": "1777626000000"},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:inbox",
        }  # fmt: skip
        return well and call(self.stack, "Dispatch", {"Records": [record]}) == {"batchItemFailures": []}

    def reconciles(self) -> bool:
        """Schedules and rules of a workflow made, changed and removed."""
        cron = {"id": "t", "type": "schedule", "config": {"cron": "0 0 1 1 *"}}
        heard = {"id": "e", "type": "event", "config": {"bus": "account", "pattern": {"source": [f"scene-{uuid4()}"]}}}
        changed = {**cron, "config": {"cron": "1 1 1 1 *"}}
        workflow_id = self.admin.workflow({**ECHO, "triggers": [cron, heard]})["id"]
        address = f"/api/workflows/{workflow_id}"
        update = {"definition": {**ECHO, "triggers": [changed, heard]}, "publish": True}
        steps = [("POST", f"{address}/activate", None), ("PUT", address, update), ("DELETE", address, None)]
        keys = f"WORKFLOW#{workflow_id}", f"RULE#{pattern_digest(heard['config']['pattern'])}"
        told = {"Records": [{"dynamodb": {"Keys": {"PK": {"S": key}}, "SequenceNumber": key}} for key in keys]}
        for verb, path, body in steps:
            self.admin.ok(verb, path, json=body, headers={"if-match": "*"})
            if call(self.stack, "Reconciler", told) != {
                "batchItemFailures": []
            }:  # the stream tells of it too, perhaps before
                self.admin.request("DELETE", address)
                return False
        return True

    def stops_listening(self) -> bool:
        """A workflow with an event trigger is activated and deactivated."""
        heard = {"id": "e", "type": "event", "config": {"pattern": {"source": ["scene"]}}}
        address = f"/api/workflows/{self.admin.workflow({**ECHO, 'triggers': [heard]})['id']}"
        self.admin.request("POST", f"{address}/activate")
        well = self.admin.request("POST", f"{address}/deactivate").is_success
        return self.admin.request("DELETE", address).is_success and well

    def reconciles_everything(self) -> bool:
        """All workflows with triggers, and all schedules and rules."""
        done = call(self.stack, "Reconciler", {"reconcile": {}})
        return done is not None and "failed" not in done

    def announces(self) -> bool:
        """The end of an execution with a large result that a trigger had started; a new subscription is told."""
        subscription, listens = self._subscribes("execution.*"), self._listens()
        ended = httpx2.post(self._url(self.result), json={"x": LARGE}, timeout=60).headers["mainspring-execution"]
        keys = {"PK": {"S": f"EXECUTION#{ended}"}}
        told = call(self.stack, "Publisher", {"Records": [{"dynamodb": {"Keys": keys}}]})
        self.admin.ok("DELETE", f"/api/subscriptions/{subscription}")
        self.admin.ok("DELETE", f"/api/workflows/{listens}")
        return bool(told == {"batchItemFailures": []})

    def sends(self) -> bool:
        """An attempt to a receiver who is gone: that is noted, and another subscription is told of it."""
        gone, other, listens = self._subscribes("ping"), self._subscribes("subscription.disabled"), self._listens()
        delivery = self.admin.ok("POST", f"/api/subscriptions/{gone}/ping")["id"]
        call(self.stack, "Deliveries", {"deliver": [[gone, delivery]]})
        log = f"/api/subscriptions/{other}/deliveries"
        well = _soon(lambda: bool(self.admin.ok("GET", log)["items"]))
        for subscription in (gone, other):
            self.admin.ok("DELETE", f"/api/subscriptions/{subscription}")
        self.admin.ok("DELETE", f"/api/workflows/{listens}")
        return well

    def looks_after_triggers(self) -> bool:
        """One that should have fired is told of; somebody who has subscribed to that is sent it."""
        subscription = self._subscribes("trigger.silent")
        hook = {"id": "t", "type": "webhook", "config": {"expected_every_seconds": 60}}
        workflow_id = self._live({**ECHO, "triggers": [hook]})
        key = {"PK": {"S": f"WORKFLOW#{workflow_id}"}, "SK": {"S": "TRIGGER#t"}}
        past, table = {"S": "2026-01-01T00:00:00.000Z"}, output_of(self.stack, "AutomationTable")
        time.sleep(0.5)  # it is expected from when the reconciler has seen it
        client_of(self.stack, "dynamodb").update_item(
            TableName=table, Key=key, UpdateExpression="SET expected_at = :past, next_check_at = :past, check_shard = :shard",  # noqa: E501
            ExpressionAttributeValues={":past": past, ":shard": {"S": "CHECK#0"}},
        )  # fmt: skip
        done = run_recovery(self.stack)
        self.admin.ok("DELETE", f"/api/workflows/{workflow_id}")
        self.admin.ok("DELETE", f"/api/subscriptions/{subscription}")
        return bool(done.get("silent")) and "failed" not in done

    def forgets(self) -> bool:
        """All that is known of an execution goes when its time is over, and payloads without a record are looked for.

        On AWS, where time cannot be set, its record says when that is; here it is told that it was long ago.
        """
        execution_id = self.admin.wait(self.admin.start(self.result, LARGE)["id"])["id"]
        table, dynamodb = output_of(self.stack, "AutomationTable"), client_of(self.stack, "dynamodb")
        for key, name, value in (
            (
                {"PK": {"S": f"EXECUTION#{execution_id}"}, "SK": {"S": "META"}},
                "next_check_at",
                "2026-01-01T00:00:00.000Z",
            ),
            ({"PK": {"S": "RETENTION#"}, "SK": {"S": "ORPHANS"}}, "after", "0"),
        ):
            dynamodb.update_item(
                TableName=table, Key=key, UpdateExpression="SET #name = :value",
                ExpressionAttributeNames={"#name": name}, ExpressionAttributeValues={":value": {"S": value}},
            )  # fmt: skip
        done = call(self.stack, "Retention", {"purge": {}}) or {}
        searched = call(self.stack, "Retention", {"orphans": {}})
        is_gone = self.admin.request("GET", f"/api/executions/{execution_id}").status_code == 404
        return bool(done.get("purged")) and "failed" not in done and searched == {"drafts": 0, "orphans": 0} and is_gone

    def _subscribes(self, kind: str) -> str:
        body = {"url": self.gone, "events": [kind]}
        return str(self.admin.ok("POST", "/api/subscriptions", json=body)["id"])


class _Gone(BaseHTTPRequestHandler):
    """A receiver that says that there is nobody any more."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(410)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Not a word."""


def _soon(holds: Callable[[], bool]) -> bool:
    for _ in range(20):
        if holds():
            return True
        time.sleep(0.05)
    return False
