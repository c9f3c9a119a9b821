"""What starts workflows by itself, for real: schedules, webhooks with the senders' own signatures, events, queues."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from infrastructure.local.stack import LocalStack
from tests.e2e.aws import call, client_of, output_of
from tests.e2e.conftest import Caller

ECHO = {"id": "echo", "type": "transform", "config": {"value": "{{ trigger }}"}}
BINARY = Random(3).randbytes(100_000) + bytes(range(256)) + b"\r\n--\r\n\x00\xff"


def eventually(look: Callable[[], Any], seconds: float = 20) -> Any:
    """What a look finds as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def live(who: Caller, triggers: list[dict[str, Any]], nodes: list[Any] | None = None, **more: Any) -> str:
    """A new active workflow's id."""
    definition = {"nodes": nodes or [ECHO], "triggers": triggers, **more}
    workflow_id = who.workflow(definition)["id"]
    who.ok("POST", f"/api/workflows/{workflow_id}/activate")
    return workflow_id


def hook(who: Caller, config: dict[str, Any], nodes: list[Any] | None = None, secret: str | None = None) -> str:
    """The URL of the webhook of a new active workflow."""
    workflow_id = live(who, [{"id": "in", "type": "webhook", "config": config}], nodes)
    if secret is not None:
        who.ok("PUT", f"/api/workflows/{workflow_id}/triggers/in/secret", json={"secret": secret})
    return trigger(who, workflow_id)["url"]


def trigger(who: Caller, workflow_id: str, name: str = "in") -> dict[str, Any]:
    return who.ok("GET", f"/api/workflows/{workflow_id}/triggers/{name}")


def runs_of(who: Caller, workflow_id: str) -> list[dict[str, Any]]:
    return who.ok("GET", "/api/executions", params={"workflow_id": workflow_id})["items"]


def echoed(who: Caller, answer: httpx2.Response) -> dict[str, Any]:
    """What `trigger` was in the execution of a delivery that was accepted."""
    assert answer.status_code == 202, answer.text
    return who.wait(answer.json()["execution_id"])["result"]["echo"]


# -- schedules ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def ticking(admin: Caller) -> str:
    """A workflow that comes each minute, made before all else here so that it comes meanwhile."""
    return live(admin, [{"id": "tick", "type": "schedule", "config": {"cron": "* * * * *", "input": {"n": 1}}}])


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
    body = {"name": "w", "definition": changed}
    admin.ok("PUT", f"/api/workflows/{workflow_id}", json=body, headers={"if-match": "*"})
    eventually(lambda: len(found := schedules_of(stack, workflow_id)) == 1 and found != names)
    admin.ok("DELETE", f"/api/workflows/{workflow_id}")
    eventually(lambda: not schedules_of(stack, workflow_id))


def test_the_next_times_and_what_was_missed(admin: Caller):
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


# -- webhooks ----------------------------------------------------------------------------------------------

SECRET = "a secret of the sender's: ünïcode"
BODY = b'{"event":"order.created","n":1.50,"text":"\\u00e9 \xc3\xa9"}'


def sha256_hex(key: bytes, message: bytes) -> str:
    """HMAC as RFC 2104 has it, without the library that the product uses."""
    key = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in key) + message).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in key) + inner).hexdigest()


def signed_by(sender: str, body: bytes, secret: str, at: int) -> dict[str, str]:
    """The headers of a delivery, as the sender's documentation says."""
    key = secret.encode()
    if sender == "github":
        return {"x-hub-signature-256": "sha256=" + sha256_hex(key, body), "x-github-delivery": str(uuid4())}
    if sender == "stripe":
        return {"stripe-signature": f"t={at},v1={sha256_hex(key, f'{at}.'.encode() + body)},v0=ignored"}
    if sender == "slack":
        signature = "v0=" + sha256_hex(key, f"v0:{at}:".encode() + body)
        return {"x-slack-signature": signature, "x-slack-request-timestamp": str(at)}
    digest = bytes.fromhex(sha256_hex(key, body))
    return {"x-shopify-hmac-sha256": base64.b64encode(digest).decode(), "x-shopify-webhook-id": str(uuid4())}


@pytest.mark.parametrize("sender", ["github", "stripe", "slack", "shopify"])
def test_a_senders_signature_is_checked_over_the_raw_bytes(admin: Caller, sender: str):
    workflow_id = live(admin, [{"id": "in", "type": "webhook", "config": {"auth": {"type": sender}}}])
    url = trigger(admin, workflow_id)["url"]
    now = int(time.time())
    headers = {"content-type": "application/json", **signed_by(sender, BODY, SECRET, now)}

    assert httpx2.post(url, content=BODY, headers=headers).status_code == 401  # no secret is set yet
    assert trigger(admin, workflow_id)["has_secret"] is False
    admin.ok("PUT", f"/api/workflows/{workflow_id}/triggers/in/secret", json={"secret": SECRET})

    assert echoed(admin, httpx2.post(url, content=BODY, headers=headers))["body"]["n"] == 1.5
    refused = [
        httpx2.post(url, content=BODY + b" ", headers=headers),
        httpx2.post(url, content=BODY, headers={"content-type": "application/json"}),
        httpx2.post(url, content=BODY, headers={**headers, **signed_by(sender, BODY, "another", now)}),
    ]
    if sender in ("stripe", "slack"):  # those that sign the time
        refused.append(
            httpx2.post(url, content=BODY, headers={**headers, **signed_by(sender, BODY, SECRET, now - 600)})
        )
    assert {answer.status_code for answer in refused} == {401}
    assert {answer.json()["error"]["code"] for answer in refused} == {"not_verified"}
    told = trigger(admin, workflow_id)
    assert (told["fired"], told["refused"]) == (1, 1 + len(refused))
    assert told["last_refusal"]
    assert SECRET not in json.dumps([told, admin.ok("GET", f"/api/workflows/{workflow_id}")])


@pytest.mark.parametrize(
    ("auth", "headers", "secret"),
    [
        (
            {"type": "basic", "username": "shop"},
            {"authorization": "Basic " + base64.b64encode(b"shop:pw").decode()},
            "pw",
        ),
        ({"type": "header", "header": "X-Token"}, {"x-token": "pw"}, "pw"),
        (
            {"type": "hmac", "header": "X-Sig", "algorithm": "sha512", "encoding": "base64", "prefix": "v1 "},
            {"x-sig": "v1 " + base64.b64encode(hmac.digest(b"pw", BODY, "sha512")).decode()},
            "pw",
        ),
    ],
    ids=["basic", "header", "hmac"],
)
def test_other_ways_to_prove_who_calls(admin: Caller, auth: dict[str, Any], headers: dict[str, str], secret: str):
    url = hook(admin, {"auth": auth}, secret=secret)
    sent = {"content-type": "application/json", "cookie": "a=b", **headers}

    seen = echoed(admin, httpx2.post(url, content=BODY, headers=sent))
    assert not {"authorization", "cookie", "x-token"} & seen["headers"].keys()  # proofs are not kept
    assert httpx2.post(url, content=BODY, headers={"content-type": "application/json"}).status_code == 401


def test_bytes_arrive_as_they_were_sent(admin: Caller):
    raw = hook(admin, {"body": "base64", "methods": ["PUT"]})
    answer = httpx2.put(raw, content=BINARY, headers={"content-type": "application/octet-stream"})
    assert base64.b64decode(echoed(admin, answer)["body"]) == BINARY

    url = hook(admin, {"body": "multipart"})
    files = [("doc", ("übung.bin", BINARY, "application/x-thing")), ("doc", ("b.txt", b"two\r\nlines\n", "text/plain"))]
    answer = httpx2.post(url, data={"name": "Zoë", "n": "1"}, files=files)
    body = echoed(admin, answer)["body"]
    assert (body["name"], body["n"]) == ("Zoë", "1")
    assert [(file["filename"], file["bytes"]) for file in body["doc"]] == [("übung.bin", len(BINARY)), ("b.txt", 11)]
    address = f"/api/executions/{answer.json()['execution_id']}/files"
    for file, content in zip(body["doc"], (BINARY, b"two\r\nlines\n"), strict=True):
        found = admin.request("GET", f"{address}/{file['sha256']}")
        assert found.content == content
        assert found.headers["content-disposition"] == "attachment"
    assert admin.request("GET", f"{address}/{'0' * 64}").status_code == 404

    form = hook(admin, {"body": "form"})
    assert echoed(admin, httpx2.post(form, data={"a": ["1", "2"], "b": "ü"}))["body"] == {"a": ["1", "2"], "b": "ü"}
    text = hook(admin, {"body": "text"})
    assert echoed(admin, httpx2.post(text, content="héllo".encode()))["body"] == "héllo"


def test_browsers_and_monitors_may_ask_a_hook_that_allows_it(admin: Caller):
    page = {"origin": "https://app.example"}
    url = hook(admin, {"methods": ["POST", "HEAD"], "cors_origins": ["https://app.example"]})
    asked = httpx2.options(url, headers={**page, "access-control-request-method": "POST"})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, page["origin"])
    sent = httpx2.post(url, content=b'{"a": 1}', headers={**page, "content-type": "text/plain"})
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (202, page["origin"])
    assert echoed(admin, sent)["body"] == {"a": 1}
    assert httpx2.head(url).status_code == 200
    assert httpx2.post(f"{url}/", content=b"{}").status_code == 404
    closed = hook(admin, {})
    assert httpx2.options(closed, headers={**page, "access-control-request-method": "POST"}).status_code == 404
    assert httpx2.head(closed).status_code == 404


def test_twenty_deliveries_with_one_id_are_one_execution(admin: Caller):
    workflow_id = live(admin, [{"id": "in", "type": "webhook", "config": {"delivery_id_header": "X-Id"}}])
    url = trigger(admin, workflow_id)["url"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: httpx2.post(url, json={"x": 1}, headers={"x-id": "d-1"}, timeout=60), range(20))
        )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["execution_id"] for answer in answers}) == 1
    assert len(runs_of(admin, workflow_id)) == 1
    assert httpx2.post(url, json={"x": 1}, headers={"x-id": "d-2"}).json()["execution_id"] not in answers[0].text


def test_from_outside_all_that_is_amiss_looks_alike(admin: Caller):
    workflow_id = live(admin, [{"id": "in", "type": "webhook"}])
    url = trigger(admin, workflow_id)["url"]
    other_id = live(admin, [{"id": "in", "type": "webhook"}])
    inactive = trigger(admin, other_id)["url"]
    admin.ok("POST", f"/api/workflows/{other_id}/deactivate")
    base, _, token = url.rpartition("/")
    unknown = f"{base}/{token[:-4]}AAAA"
    answers = [
        httpx2.post(unknown, json={}),
        httpx2.post(f"{base}/x", json={}),
        httpx2.post(inactive, json={}),
        httpx2.get(url),
        httpx2.post(f"{url}/below", json={}),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}

    rotated = admin.ok("POST", f"/api/workflows/{workflow_id}/triggers/in/rotate")["url"]
    assert httpx2.post(url, json={}).status_code == 404
    assert httpx2.post(rotated, json={}).status_code == 202
    assert trigger(admin, workflow_id)["refused"] == 2


def test_a_hook_takes_so_many_a_minute(admin: Caller):
    url = hook(admin, {"rate_per_minute": 3})
    time.sleep(max(0.0, 3 - (60 - time.time() % 60)) and 60 - time.time() % 60)  # not at the turn of a minute
    answers = [httpx2.post(url, json={}) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_slack_is_told_its_challenge(admin: Caller):
    url = hook(admin, {"auth": {"type": "slack"}}, secret=SECRET)
    body = json.dumps({"type": "url_verification", "challenge": "c-1"}).encode()
    headers = {"content-type": "application/json", **signed_by("slack", body, SECRET, int(time.time()))}

    assert httpx2.post(url, content=body, headers=headers).json() == {"challenge": "c-1"}


# -- answers -----------------------------------------------------------------------------------------------


def test_the_result_is_the_answer_and_needs_no_state_machine(stack: LocalStack, admin: Caller):
    url = hook(admin, {"answer": "result"}, [{**ECHO, "config": {"value": {"sum": "{{ trigger.body.a + 1 }}"}}}])
    answer = httpx2.post(url, json={"a": 41})

    assert (answer.status_code, answer.json()) == (200, {"echo": {"sum": 42}})
    execution = admin.wait(answer.headers["mainspring-execution"])
    assert execution["bill"]["transitions"] == 0

    failing = hook(admin, {"answer": "result"}, [{"id": "no", "type": "fail", "config": {"message": "secret detail"}}])
    answer = httpx2.post(failing, json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "execution_failed")
    assert "secret detail" not in answer.text


RESPOND = {
    "id": "reply",
    "type": "respond",
    "config": {
        "status": 201,
        "headers": {"Content-Type": "text/html", "X-Mine": "1"},
        "body": "<script>alert(1)</script>{{ trigger.body.name }}",
    },
}
LATER = {"id": "later", "type": "delay", "config": {"seconds": 7}}
NODES = [RESPOND, LATER, {"id": "end", "type": "transform", "config": {"value": "ended"}}]
EDGES = [{"from": "reply", "to": "later"}, {"from": "later", "to": "end"}]


def test_a_respond_node_answers_and_the_workflow_goes_on(admin: Caller):
    config = {"answer": "respond"}
    workflow_id = live(admin, [{"id": "in", "type": "webhook", "config": config}], NODES, edges=EDGES)
    answer = httpx2.post(trigger(admin, workflow_id)["url"], json={"name": "Zoë"})

    assert (answer.status_code, answer.text) == (201, "<script>alert(1)</script>Zoë")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-mine"] == "1"
    execution_id = answer.headers["mainspring-execution"]
    assert admin.ok("GET", f"/api/executions/{execution_id}")["status"] in ("running", "waiting", "pending")
    execution = admin.wait(execution_id)
    assert execution["result"] == {"end": "ended"}
    assert execution["bill"]["transitions"] > 0  # to wait, it was handed over


@pytest.mark.parametrize(("config", "nodes"), [({"answer": "result"}, 0), ({"answer": "respond"}, 1)])
def test_an_answer_that_takes_too_long_is_told_later(admin: Caller, config: dict[str, Any], nodes: int):
    late = [LATER, {"id": "end", "type": "transform", "config": {"value": 1}}]
    edges = [{"from": "later", "to": "end"}]
    if nodes:
        late, edges = [LATER, {**RESPOND, "config": {"body": {"late": True}}}], [{"from": "later", "to": "reply"}]
    trigger_ = {"id": "in", "type": "webhook", "config": {**config, "answer_seconds": 0.5}}
    workflow_id = live(admin, [trigger_], late, edges=edges)
    answer = httpx2.post(trigger(admin, workflow_id)["url"], json={})

    assert answer.status_code == 202
    url = answer.json()["url"]
    assert answer.headers["location"] == url
    assert httpx2.get(url).status_code == 202
    assert httpx2.get(url[:-3] + "AAA").status_code == 404
    admin.wait(answer.json()["execution_id"])
    found = httpx2.get(url)
    assert (found.status_code, found.json()) == (200, {"late": True} if nodes else {"end": 1})


def test_an_execution_that_is_queued_is_answered_too(admin: Caller):
    definition = {
        "nodes": [ECHO],
        "concurrency": {"limit": 1},
        "triggers": [{"id": "in", "type": "webhook", "config": {"answer": "result"}}],
    }
    workflow_id = admin.workflow(definition)["id"]
    admin.ok("POST", f"/api/workflows/{workflow_id}/activate")
    url = trigger(admin, workflow_id)["url"]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda n: httpx2.post(url, json={"n": n}, timeout=60), range(3)))

    assert [answer.json()["echo"]["body"] for answer in answers] == [{"n": 0}, {"n": 1}, {"n": 2}]


# -- events ------------------------------------------------------------------------------------------------


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


def test_one_workflow_follows_another(admin: Caller):
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
    update = {"name": "w", "definition": body(go, ends_of(second))}
    admin.ok("PUT", f"/api/workflows/{first}", json=update, headers={"if-match": "*"})
    for workflow_id in (first, second):
        admin.ok("POST", f"/api/workflows/{workflow_id}/activate")
    admin.ok("POST", "/api/events", json={"source": "go", "type": "x"})

    told = eventually(lambda: (found := trigger(admin, first))["failed"] and found, 60)
    assert told["last_failure"]["code"] == "too_deep"
    assert told["status"] == "failing"
    assert [len(runs_of(admin, one)) for one in (first, second)] == [5, 5]


def test_uploads_to_s3_and_messages_of_queues_come_by_the_same_door(stack: LocalStack, admin: Caller, other: Caller):
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


# -- health, and trying ------------------------------------------------------------------------------------


def test_a_trigger_says_how_it_is(admin: Caller):
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
def test_firing_a_trigger_to_try_it(admin: Caller, kind: str, config: dict[str, Any], payload: dict[str, Any]):
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


def test_firing_with_what_really_came(admin: Caller):
    workflow_id = live(admin, [{"id": "in", "type": "webhook"}])
    admin.wait(httpx2.post(trigger(admin, workflow_id)["url"], json={"real": 1}).json()["execution_id"])
    address = f"/api/workflows/{workflow_id}/triggers/in"
    eventually(lambda: admin.ok("GET", f"{address}/sample")["last"])

    repeated = admin.wait(admin.ok("POST", f"{address}/test", json={"last": True})["id"])
    assert repeated["input"] == {"real": 1}


# -- hostile input -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(admin: Caller) -> Iterator[tuple[str, str]]:
    """A workflow and the URL of its webhook, which is never to start anything."""
    workflow_id = live(admin, [{"id": "in", "type": "webhook"}])
    yield workflow_id, trigger(admin, workflow_id)["url"]
    assert runs_of(admin, workflow_id) == []


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("arguments", "statuses"),
    [
        ({"content": b"x" * 4_300_000, "headers": JSON}, {413}),
        ({"content": b"<a/>", "headers": {"content-type": "application/xml"}}, {415, 422}),
        ({"data": {"a": "1"}}, {415}),
        ({"files": {"a": b"1"}}, {415}),
        ({"content": b'{"a":' * 70 + b"1" + b"}" * 70, "headers": JSON}, {422}),
        ({"content": b"[" * 100_000, "headers": JSON}, {422}),
        ({"content": b'{"a": NaN}', "headers": JSON}, {422}),
        ({"content": b'{"a": "\\ud800"}', "headers": JSON}, {422}),
        ({"content": b"\xff\xfe", "headers": JSON}, {422}),
        ({"json": {}, "headers": {f"x-{n}": "y" * 300 for n in range(60)}}, {413, 431}),
        ({"json": {}, "params": {f"p{n}": "1" for n in range(300)}}, {400}),
    ],
    ids=["large", "xml", "form", "multipart", "deep", "deeper", "nan", "surrogate", "not-utf8", "headers", "query"],
)
def test_what_cannot_be_read_is_refused(strict: tuple[str, str], arguments: dict[str, Any], statuses: set[int]):
    answer = httpx2.post(strict[1], timeout=60, **arguments)
    assert answer.status_code in statuses, answer.text[:300]
    assert "error" in answer.json()


@pytest.mark.parametrize(
    "end", ["/../../api/workflows", "/%2e%2e/%2e%2e/api/health", "//", "%00", "/x/y", ";a=b", "%2f"]
)
def test_paths_below_a_hook_lead_nowhere(strict: tuple[str, str], end: str):
    assert httpx2.post(strict[1] + end, json={}).status_code in (400, 401, 404, 405)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
        b"--x\r\nContent-Disposition: attachment\r\n\r\n1\r\n--x--\r\n",
        b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(300)) + b"--x--\r\n",
        b"--x\r\n" + b"A: b\r\n" * 1000 + b"\r\n1\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="../../etc/passwd"\r\n\r\n\xff\r\n--y--\r\n',
    ],
    ids=["empty", "begin", "unended", "nameless", "many", "header-bomb", "other-boundary"],
)
def test_broken_multipart_is_refused(admin: Caller, body: bytes):
    workflow_id = live(admin, [{"id": "in", "type": "webhook", "config": {"body": "multipart"}}])
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = httpx2.post(trigger(admin, workflow_id)["url"], content=body, headers=headers)

    if body:
        assert answer.status_code == 422, answer.text
        assert runs_of(admin, workflow_id) == []
    else:
        assert echoed(admin, answer)["body"] is None


# -- at the end, since it takes until a minute is over -----------------------------------------------------


def test_the_schedule_of_each_minute_has_come(admin: Caller, ticking: str):
    runs = eventually(lambda: runs_of(admin, ticking), 90)
    execution = admin.wait(runs[0]["id"])

    assert execution["result"]["echo"]["scheduled_at"][17:] == "00.000Z"
    times = [admin.ok("GET", f"/api/executions/{run['id']}")["trigger"]["scheduled_at"] for run in runs]
    assert len(set(times)) == len(times)
    told = trigger(admin, ticking, "tick")
    assert (told["status"], told["fired"]) == ("healthy", len(runs))
    admin.ok("POST", f"/api/workflows/{ticking}/deactivate")
