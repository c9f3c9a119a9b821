"""What a webhook's caller is answered, for real."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from infrastructure.local.stack import LocalStack
from tests.e2e.conftest import Caller
from tests.e2e.triggers import ECHO, hook, live, trigger


def test_webhook_answers_with_the_result_without_a_state_machine(stack: LocalStack, admin: Caller):
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


def test_respond_node_answers_and_the_workflow_continues(admin: Caller):
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
def test_slow_webhook_answer_can_be_fetched_later(admin: Caller, config: dict[str, Any], nodes: int):
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


def test_webhook_of_a_queued_execution_is_answered(admin: Caller):
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
