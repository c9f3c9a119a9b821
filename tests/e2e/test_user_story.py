"""What a user does with Mainspring, through API Gateway, Lambda, Step Functions and DynamoDB, with IAM on."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of, driver_arn, machine_arn
from tests.e2e.conftest import Caller
from tests.harness import edges

CHAIN = [f"n{i}" for i in range(50)]


@pytest.fixture(scope="module")
def server():
    with HTTPServer(host="127.0.0.1", threaded=True) as http:
        yield http


def test_from_a_definition_to_a_result_and_its_log(admin: Caller):
    definition = {
        "nodes": [
            {"id": "fetch", "type": "http", "config": {"url": "{{ execution.api_url }}/api/health"}},
            {"id": "ok", "type": "conditional", "config": {"expression": "{{ nodes.fetch.body.status = 'ok' }}"}},
            {"id": "yes", "type": "transform", "config": {"value": {"said": "{{ trigger.body.greeting }}"}}},
            {"id": "no", "type": "fail", "config": {"message": "not healthy"}},
        ],
        "edges": edges("fetch>ok", "ok:true>yes", "ok:false>no"),
    }
    workflow = admin.workflow(definition, "story")
    assert (workflow["version"], workflow["is_active"]) == (1, False)

    started = admin.start(workflow["id"], {"greeting": "Grüße, 世界 🌍"})
    execution = admin.wait(started["id"])

    assert execution["status"] == "succeeded"
    assert execution["result"] == {"yes": {"said": "Grüße, 世界 🌍"}}
    assert execution["input"] == {"greeting": "Grüße, 世界 🌍"}
    assert execution["trigger_type"] == "manual"
    assert [node["status"] for node in execution["nodes"]] == ["succeeded", "succeeded", "succeeded", "skipped"]
    assert execution["started_at"] <= execution["completed_at"]
    log = admin.ok("GET", f"/api/executions/{started['id']}/logs")["items"]
    assert log[0]["message"] == "execution started"
    assert log[-1]["message"] == "execution succeeded"
    assert [line["node_id"] for line in log if line["node_id"]][:2] == ["fetch", "fetch"]


def test_log_continues_after_a_cursor(admin: Caller):
    nodes = [{"id": i, "type": "transform", "config": {"value": 1}} for i in CHAIN]
    execution = admin.run({"nodes": nodes})
    path = f"/api/executions/{execution['id']}/logs"
    whole = admin.ok("GET", path, params={"limit": 100})
    pieces, after = [], None
    while True:
        page = admin.ok("GET", path, params={"limit": 7, **({"after": after} if after else {})})
        pieces += page["items"]
        after = page["next_cursor"]
        if after is None:
            break

    assert pieces == whole["items"]
    assert len(pieces) == 52
    assert admin.ok("GET", path, params={"after": pieces[-1]["cursor"]}) == {"items": [], "next_cursor": None}


def test_a_workflow_is_created_changed_listed_and_deleted(admin: Caller):
    first = {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}
    second = {"nodes": [{"id": "a", "type": "transform", "config": {"value": 2}}]}
    workflow = admin.workflow(first, "versions")
    path = f"/api/workflows/{workflow['id']}"

    changed = admin.request("PUT", path, json={"name": "v", "definition": second}, headers={"if-match": '"1"'})
    stale = admin.request("PUT", path, json={"name": "w", "definition": first}, headers={"if-match": '"1"'})
    blind = admin.request("PUT", path, json={"name": "w", "definition": first})

    assert (changed.status_code, changed.json()["version"], changed.headers["etag"]) == (200, 2, '"v2.p1.r2"')
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "version_conflict")
    assert stale.json()["error"]["details"] == {"based_on": 1, "version": 2, "published_version": 1}
    assert (blind.status_code, blind.json()["error"]["code"]) == (428, "precondition_required")
    assert [v["version"] for v in admin.ok("GET", f"{path}/versions")["items"]] == [2, 1]
    assert admin.ok("GET", f"{path}/versions/1")["definition"] == first
    assert admin.ok("GET", path)["definition"] == second
    assert admin.ok("POST", f"{path}/activate")["is_active"] is True
    assert admin.ok("POST", f"{path}/deactivate")["is_active"] is False
    assert admin.ok("POST", f"{path}/validate") == {"valid": True, "problems": []}
    assert workflow["id"] in [item["id"] for item in admin.ok("GET", "/api/workflows")["items"]]
    assert admin.request("DELETE", path).status_code == 204
    assert admin.request("GET", path).status_code == 404
    assert workflow["id"] not in [item["id"] for item in admin.ok("GET", "/api/workflows")["items"]]


def test_two_edits_at_once_give_one_new_version(admin: Caller):
    workflow = admin.workflow({"nodes": [{"id": "a", "type": "transform", "config": {"value": 0}}]})

    def edit(number: int) -> int:
        definition = {"nodes": [{"id": "a", "type": "transform", "config": {"value": number}}]}
        body = {"name": f"edit {number}", "definition": definition}
        return admin.request(
            "PUT", f"/api/workflows/{workflow['id']}", json=body, headers={"if-match": '"1"'}
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(edit, range(1, 9)))

    assert statuses == [200] + [412] * 7
    assert admin.ok("GET", f"/api/workflows/{workflow['id']}")["version"] == 2


def test_lists_come_in_pages(admin: Caller):
    workflow = admin.workflow({"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]})
    started = [admin.start(workflow["id"])["id"] for _ in range(5)]
    for execution_id in started:
        admin.wait(execution_id)
    query = {"workflow_id": workflow["id"], "status": "succeeded", "limit": 2}
    seen, cursor = [], None
    for _ in range(5):
        page = admin.ok("GET", "/api/executions", params={**query, **({"cursor": cursor} if cursor else {})})
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == started[::-1]
    middle = admin.ok("GET", f"/api/executions/{started[2]}")["created_at"]
    newer = admin.ok("GET", "/api/executions", params={"workflow_id": workflow["id"], "created_after": middle})
    assert [item["id"] for item in newer["items"]] == started[:1:-1]
    assert admin.ok("GET", "/api/executions", params={**query, "status": "failed"})["items"] == []


def test_the_same_idempotency_key_starts_one_execution_under_parallel_requests(admin: Caller):
    workflow = admin.workflow({"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]})
    with ThreadPoolExecutor(10) as pool:
        started = list(pool.map(lambda _: admin.start(workflow["id"], {"n": 1}, "key-1")["id"], range(20)))
    mismatch = admin.request(
        "POST",
        "/api/executions",
        json={"workflow_id": workflow["id"], "input": {"n": 2}},
        headers={"idempotency-key": "key-1"},
    )

    assert len(set(started)) == 1
    assert len(admin.ok("GET", "/api/executions", params={"workflow_id": workflow["id"]})["items"]) == 1
    assert (mismatch.status_code, mismatch.json()["error"]["code"]) == (409, "idempotency_mismatch")


def test_fifty_effect_free_nodes_take_one_call_of_advance(admin: Caller, stack: LocalStack):
    definition = {
        "nodes": [
            {"id": i, "type": "transform", "config": {"value": "{{ trigger.body }}"}}
            if number % 2
            else {"id": i, "type": "conditional", "config": {"expression": "{{ trigger.body = 7 }}"}}
            for number, i in enumerate(CHAIN)
        ],
        "edges": [
            {"from": CHAIN[i], "to": CHAIN[i + 1], "port": "main" if i % 2 else "true"} for i in range(len(CHAIN) - 1)
        ],
    }
    execution = admin.run(definition, 7)
    states = client_of(stack, "stepfunctions")
    arn = driver_arn(stack, execution["id"])
    events = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]

    assert execution["status"] == "succeeded"
    assert sum(1 for event in events if event["type"] == "TaskScheduled") == 1


def test_calls_that_do_not_depend_on_each_other_are_made_together(admin: Caller, server: HTTPServer):
    both_are_there = threading.Barrier(2, timeout=20)

    def meet(_request: Request) -> Response:
        both_are_there.wait()  # answers nobody until both have asked
        return Response("met")

    server.expect_request("/meet").respond_with_handler(meet)
    node = {"type": "http", "config": {"url": server.url_for("/meet")}}
    execution = admin.run({"nodes": [{"id": "a", **node}, {"id": "b", **node}]})

    assert execution["status"] == "succeeded"
    assert {name: out["body"] for name, out in execution["result"].items()} == {"a": "met", "b": "met"}


def test_a_request_carries_the_same_idempotency_key_on_every_attempt(admin: Caller, server: HTTPServer):
    keys: list[str] = []

    def flaky(request: Request) -> Response:
        keys.append(request.headers["idempotency-key"])
        return Response(f"attempt {len(keys)}", status=200 if len(keys) == 3 else 503)

    server.expect_request("/flaky").respond_with_handler(flaky)
    retry = {"max_attempts": 4, "interval_seconds": 0.1}
    node = {"id": "call", "type": "http", "config": {"url": server.url_for("/flaky"), "method": "POST"}, "retry": retry}
    execution = admin.run({"nodes": [node]})

    assert execution["result"]["call"]["body"] == "attempt 3"
    assert execution["nodes"][0]["attempts"] == 3
    assert keys == [f"{execution['id']}/call"] * 3


def test_a_failing_workflow_says_where_and_why(admin: Caller):
    definition = {
        "nodes": [{"id": "sum", "type": "transform", "config": {"value": "{{ trigger.body.totl + 1 }}"}}],
    }
    execution = admin.run(definition, {"total": 1})

    assert execution["status"] == "failed"
    assert execution["error"]["node"] == "sum"
    assert execution["error"]["code"] == "expression"
    assert "did you mean `total`" in execution["error"]["message"]
    assert execution["nodes"][0]["error"]["details"]["expression"] == "trigger.body.totl + 1"


def test_cancelling_stops_what_waits_and_what_comes(admin: Caller, server: HTTPServer):
    calls: list[str] = []
    server.expect_request("/never").respond_with_handler(lambda r: (calls.append(r.path), Response("x"))[1])
    definition = {
        "nodes": [
            {"id": "wait", "type": "delay", "config": {"seconds": 3600}},
            {"id": "call", "type": "http", "config": {"url": server.url_for("/never")}},
        ],
        "edges": edges("wait>call"),
    }
    started = admin.start(admin.workflow(definition)["id"])
    waiting = admin.wait(started["id"], frozenset({"waiting"}))
    cancelled = admin.ok("POST", f"/api/executions/{started['id']}/cancel")
    again = admin.ok("POST", f"/api/executions/{started['id']}/cancel")
    final = admin.ok("GET", f"/api/executions/{started['id']}")

    assert waiting["nodes"][0]["status"] == "waiting"
    assert cancelled["status"] == again["status"] == final["status"] == "cancelled"
    assert [node["status"] for node in final["nodes"]] == ["cancelled", "cancelled"]
    assert final["error"]["code"] == "cancelled"
    assert calls == []


def test_what_is_finished_cannot_be_cancelled(admin: Caller):
    execution = admin.run({"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]})
    refused = admin.request("POST", f"/api/executions/{execution['id']}/cancel")

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "already_finished")


def test_an_execution_whose_driver_was_stopped_from_outside_is_driven_on(admin: Caller, stack: LocalStack):
    definition = {
        "nodes": [
            {"id": "wait", "type": "delay", "config": {"seconds": 8}},
            {"id": "after", "type": "transform", "config": {"value": "driven on"}},
        ],
        "edges": edges("wait>after"),
    }
    started = admin.start(admin.workflow(definition)["id"])
    admin.wait(started["id"], frozenset({"waiting"}))
    states = client_of(stack, "stepfunctions")
    states.stop_execution(executionArn=driver_arn(stack, started["id"]))
    execution = admin.wait(started["id"])
    lines = admin.ok("GET", f"/api/executions/{started['id']}/logs")["items"]

    assert execution["result"] == {"after": "driven on"}
    assert any("ended as aborted" in line["message"] for line in lines)


def test_a_driver_that_gives_up_is_followed_by_one_that_waits_first(admin: Caller, stack: LocalStack):
    """The deployed state machine with fewer retries, and with an Advance function that is not there."""
    started = admin.start(
        admin.workflow({"nodes": [{"id": "wait", "type": "delay", "config": {"seconds": 3600}}]})["id"]
    )
    admin.wait(started["id"], frozenset({"waiting"}))
    states = client_of(stack, "stepfunctions")
    deployed = states.describe_state_machine(stateMachineArn=machine_arn(stack))
    definition = json.loads(deployed["definition"])
    advance = definition["States"]["Advance"]
    advance["Retry"][-1]["MaxAttempts"] = 1
    advance["Parameters"]["FunctionName"] += "-gone"
    copy = states.create_state_machine(name="copy", definition=json.dumps(definition), roleArn=deployed["roleArn"])
    payload = json.dumps({"execution_id": started["id"], "driver_attempt": 1})
    copied = states.start_execution(stateMachineArn=copy["stateMachineArn"], input=payload)
    while states.describe_execution(executionArn=copied["executionArn"])["status"] == "RUNNING":
        time.sleep(0.2)
    states.delete_state_machine(stateMachineArn=copy["stateMachineArn"])
    lines = admin.ok("GET", f"/api/executions/{started['id']}/logs")["items"]
    driver = machine_arn(stack).replace(":stateMachine:", ":execution:") + f":{started['id']}-2"
    following = states.describe_execution(executionArn=driver)

    assert any("gave up" in line["message"] and "driven on in 60 seconds" in line["message"] for line in lines), lines
    assert following["status"] == "RUNNING"
    assert json.loads(following["input"])["decision"]["not_before"] > started["created_at"]
    assert admin.ok("GET", f"/api/executions/{started['id']}")["status"] == "waiting"
    admin.ok("POST", f"/api/executions/{started['id']}/cancel")


def test_a_large_answer_passes_through(admin: Caller, server: HTTPServer):
    server.expect_request("/large").respond_with_json({"rows": ["x" * 100] * 10_000})
    definition = {
        "nodes": [
            {"id": "get", "type": "http", "config": {"url": server.url_for("/large")}},
            {"id": "count", "type": "transform", "config": {"value": "{{ $count(nodes.get.body.rows) }}"}},
        ],
        "edges": edges("get>count"),
    }
    execution = admin.run(definition)

    assert execution["result"] == {"count": 10_000}
    assert len(execution["nodes"][0]["output"]["body"]["rows"]) == 10_000
