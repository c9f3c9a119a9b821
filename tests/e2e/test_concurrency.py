"""Concurrency limits, for real: order, cancelling, retries, many at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.e2e.conftest import Caller
from tests.e2e.durable import APPROVAL, LONG, WAITING
from tests.harness import edges

TWICE = {"nodes": [{"id": "x", "type": "transform", "config": {"value": "{{ trigger.body * 2 }}"}}]}


def test_concurrency_limit_queues_executions_in_order(admin: Caller):
    definition = {
        "nodes": [{"id": "a", "type": "delay", "config": {"seconds": 1}}],
        "concurrency": {"limit": 1, "key": "{{ trigger.body.customer }}"},
    }
    workflow_id = admin.workflow(definition)["id"]
    started = [admin.start(workflow_id, {"customer": n % 2})["id"] for n in range(6)]
    ends = [admin.wait(execution_id) for execution_id in started]
    bad = admin.request("POST", "/api/executions", json={"workflow_id": workflow_id, "input": {}})

    assert {end["status"] for end in ends} == {"succeeded"}
    for customer in (0, 1):
        turns = ends[customer::2]
        for before, after in pairwise(turns):
            assert before["completed_at"] <= after["started_at"]
    assert bad.status_code == 422
    assert "customer" in bad.text


def test_concurrent_starts_under_a_limit_all_run(admin: Caller):
    definition = {**TWICE, "concurrency": {"limit": 3}}
    workflow_id = admin.workflow(definition)["id"]
    with ThreadPoolExecutor(12) as pool:
        started = list(pool.map(lambda n: admin.start(workflow_id, n)["id"], range(24)))
    ends = [admin.wait(execution_id) for execution_id in started]

    assert [end["result"] for end in ends] == [{"x": 2 * n} for n in range(24)]


@pytest.mark.parametrize(
    ("when_full", "first", "second"),
    [("skip", "waiting", "cancelled"), ("cancel_oldest", "cancelled", "waiting")],
)
def test_execution_over_the_limit_is_queued_skipped_or_replaces_the_oldest(
    admin: Caller, when_full: str, first: str, second: str
):
    workflow_id = admin.workflow({**LONG, "concurrency": {"limit": 1, "when_full": when_full}})["id"]
    one = admin.start(workflow_id)["id"]
    admin.wait(one, WAITING)
    two = admin.start(workflow_id)["id"]
    ends = admin.wait(one, frozenset({first})), admin.wait(two, frozenset({second}))
    for execution_id in (one, two):
        admin.request("POST", f"/api/executions/{execution_id}/cancel")

    assert [end["status"] for end in ends] == [first, second]


def test_cancelling_works_in_every_status_and_frees_the_slot(admin: Caller):
    workflow_id = admin.workflow({**APPROVAL, "concurrency": {"limit": 1}})["id"]
    parked, queued, last = (admin.start(workflow_id, {"amount": n})["id"] for n in range(3))
    admin.wait(parked, WAITING)
    assert admin.ok("GET", f"/api/executions/{queued}")["queued"] is True
    for execution_id in (queued, parked):
        assert admin.ok("POST", f"/api/executions/{execution_id}/cancel")["status"] == "cancelled"
    assert admin.wait(last, WAITING)["queued"] is False
    admin.ok("DELETE", f"/api/workflows/{workflow_id}")
    admin.ok("POST", f"/api/executions/{last}/signals/ask", json={"decision": "approved"})

    assert admin.wait(last)["status"] == "succeeded"


def test_a_retry_waits_for_a_slot_like_any_other(admin: Caller):
    definition = {**APPROVAL, "concurrency": {"limit": 1}}
    workflow_id = admin.workflow(definition)["id"]
    first = admin.start(workflow_id, {"amount": 1})["id"]
    admin.ok("POST", f"/api/executions/{first}/cancel")
    holder = admin.start(workflow_id, {"amount": 2})["id"]
    admin.wait(holder, WAITING)
    retried = admin.ok("POST", f"/api/executions/{first}/retry", json={})
    admin.ok("POST", f"/api/executions/{holder}/cancel")
    admin.wait(retried["id"], WAITING)
    admin.ok("POST", f"/api/executions/{retried['id']}/cancel")

    assert retried["queued"] is True


MANY = 24


def test_many_executions_started_at_once_all_finish(admin: Caller):
    definition = {
        "nodes": [
            {"id": "a", "type": "transform", "config": {"value": "{{ trigger.body.n * 2 }}"}},
            {"id": "b", "type": "conditional", "config": {"expression": "{{ nodes.a % 4 = 0 }}"}},
            {"id": "c", "type": "transform", "config": {"value": "{{ nodes.a + 1 }}"}},
        ],
        "edges": edges("a>b", "b:true>c"),
        "output": "{{ nodes.c ?? nodes.a }}",
    }
    workflow_id = admin.workflow(definition)["id"]
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda n: admin.start(workflow_id, {"n": n})["id"], range(MANY)))
        ends = list(pool.map(admin.wait, started))

    assert Counter(end["status"] for end in ends) == {"succeeded": MANY}
    assert [end["result"] for end in ends] == [2 * n + (n % 2 == 0) for n in range(MANY)]
