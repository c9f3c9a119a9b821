"""Runs whose workers are killed, frozen in the middle of reads and writes, and throttled at random, again and again.

Each run ends with one history, and its effects are within the promise: at least once, more often only because of what
was cut off, and at most once where that is asked for. MAINSPRING_CHAOS_SECONDS says for how long; the default is short.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from infrastructure.cli.client import FINAL
from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of, run_recovery
from tests.e2e.conftest import Caller
from tests.e2e.test_restart import workers_of
from tests.figures import FIGURES
from tests.harness import edges

SECONDS = float(os.environ.get("MAINSPRING_CHAOS_SECONDS", "15"))
SETTLE_SECONDS = 900
"""How long runs are waited for when the chaos is over: state machines may be in the longest of their back-offs."""


class Effects:
    """A server that remembers who called it how often, by the key of the effect."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/effect")
        self.calls: Counter[str] = Counter()
        server.expect_request("/effect").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        self.calls[request.headers["idempotency-key"]] += 1
        time.sleep(random.uniform(0, 0.5))
        return Response("done")


class Chaos:
    """Does harm until it is told to stop, and counts what it did."""

    def __init__(self, stack: LocalStack, seed: int) -> None:
        self._stack = stack
        self._random = random.Random(seed)
        self._lambda = client_of(stack, "lambda")
        names = [one["FunctionName"] for one in self._lambda.list_functions()["Functions"]]
        self._functions = [name for name in names if "-AdvanceFunction" in name or "-SupervisorFunction" in name]
        self.done: Counter[str] = Counter()

    def __call__(self, over: threading.Event) -> None:
        """What the thread does."""
        while not over.wait(self._random.uniform(0.3, 3)):
            harm = self._random.choice((self._kill, self._kill, self._freeze, self._throttle))
            harm()

    def _kill(self) -> None:
        for worker in workers_of(self._stack):
            if self._random.random() < 0.7:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                self.done["workers killed"] += 1

    def _freeze(self) -> None:
        """Stop workers between two of their steps, so that what they have read is old when they go on."""
        frozen = [worker for worker in workers_of(self._stack) if self._random.random() < 0.5]
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for worker in frozen:
                with suppress(ProcessLookupError):
                    os.kill(worker, number)
            if number is signal.SIGSTOP:
                time.sleep(self._random.uniform(0.5, 4))
        self.done["workers frozen"] += len(frozen)

    def _throttle(self) -> None:
        """Let Lambda refuse the calls of a function for a while."""
        name = self._random.choice(self._functions)
        self._lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            time.sleep(self._random.uniform(0.5, 4))
        finally:
            self._lambda.delete_function_concurrency(FunctionName=name)
        self.done["times a function was throttled"] += 1


@contextmanager
def chaos(stack: LocalStack, seed: int) -> Iterator[Chaos]:
    """Harm is done inside the block."""
    over, harm = threading.Event(), Chaos(stack, seed)
    thread = threading.Thread(target=harm, args=(over,))
    thread.start()
    try:
        yield harm
    finally:
        over.set()
        thread.join()


@pytest.fixture
def effects() -> Iterator[Effects]:
    with HTTPServer(host="127.0.0.1", threaded=True) as http:
        yield Effects(http)


def call(name: str, effects: Effects, **more: Any) -> dict[str, Any]:
    """A node that has an effect; what the network does to it is tried again."""
    config = {"method": "POST", "url": effects.url}
    return {"id": name, "type": "http", "config": config, "retry": {"max_attempts": 4, "interval_seconds": 1}, **more}


def workflows(caller: Caller, effects: Effects) -> dict[str, str]:
    """The two workflows, by name: a loop with waits and a payment, and a chain with a person and another workflow."""
    child = {"nodes": [{"id": "rest", "type": "delay", "config": {"seconds": 1}}, call("inner", effects)]}
    child_id = caller.workflow({**child, "edges": edges("rest>inner")}, "chaos: child")["id"]
    body = {
        "nodes": [
            call("fetch", effects),
            {"id": "rest", "type": "delay", "config": {"seconds": "{{ item }}"}},
            call("store", effects),
        ],
        "edges": edges("fetch>rest", "rest>store"),
        "output": "{{ item * 2 }}",
    }
    loop = {
        "nodes": [
            {"id": "each", "type": "for_each", "config": {"items": [1, 7, 2, 1], "concurrency": 2}, "body": body},
            call("pay", effects, delivery="at_most_once"),
            {"id": "unsure", "type": "transform", "config": {"value": "{{ nodes.pay.error.code }}"}},
            call("tell", effects),
        ],
        "edges": edges("each>pay", "pay>tell", "pay:error>unsure", "unsure>tell"),
    }
    chain = {
        "nodes": [
            call("first", effects),
            {"id": "ask", "type": "approval", "config": {"message": "May I?"}},
            {"id": "sub", "type": "sub_workflow", "config": {"workflow": child_id}},
            call("last", effects),
        ],
        "edges": edges("first>ask", "ask:approved>sub", "sub>last"),
    }
    found = {"loop": loop, "chain": chain}
    return {name: caller.workflow(one, f"chaos: {name}")["id"] for name, one in found.items()}


def status_of(caller: Caller, execution_id: str) -> str:
    """How far a run is. Whoever waits for an approval gets it; an answer that is lost is given again."""
    execution = caller.ok("GET", f"/api/executions/{execution_id}")
    if any(node["id"] == "ask" and node["status"] == "waiting" for node in execution["nodes"]):
        with suppress(httpx2.HTTPError):
            caller.request("POST", f"/api/executions/{execution_id}/signals/ask", json={"decision": "approved"})
    return str(execution["status"])


def test_executions_whose_workers_are_killed_frozen_and_throttled_keep_one_history(
    admin: Caller, stack: LocalStack, effects: Effects
):
    ids = workflows(admin, effects)
    runs: list[str] = []
    with chaos(stack, seed=int(SECONDS)) as harm:
        end = time.monotonic() + SECONDS
        going: set[str] = set()
        while time.monotonic() < end:
            going = {run for run in going if status_of(admin, run) not in FINAL}
            if len(going) < 2 * len(ids):
                started = {admin.start(one)["id"] for one in ids.values()}
                going |= started
                runs += sorted(started)
            time.sleep(0.5)
    until = time.monotonic() + SETTLE_SECONDS
    while going and time.monotonic() < until:
        going = {run for run in going if status_of(admin, run) not in FINAL}
        run_recovery(stack, ahead_seconds=0)
        time.sleep(0.5)

    assert not going, {run: admin.ok("GET", f"/api/executions/{run}") for run in going}
    ended = [admin.wait(run) for run in runs]  # the laws of one history are checked here
    assert [(one["id"], one["status"], one["error"]) for one in ended if one["status"] != "succeeded"] == []
    _check_effects(ended, effects, harm)
    FIGURES["chaos on the local stack: runs that came to their end"] += len(runs)
    FIGURES["chaos on the local stack: effects"] += len(effects.calls)
    FIGURES["chaos on the local stack: effects that happened more than once"] += sum(
        count > 1 for count in effects.calls.values()
    )
    for what, count in harm.done.items():
        FIGURES[f"chaos on the local stack: {what}"] += count


def _check_effects(ended: list[dict[str, Any]], effects: Effects, harm: Chaos) -> None:
    for run in ended:
        for node in run["nodes"]:
            if node["type"] != "http":
                continue
            calls = effects.calls[f"{run['id']}/{node['id']}"]
            if node["id"] == "pay":
                assert calls <= 1, "made twice at most once"
                assert calls == 1 or node["status"] == "failed"
            else:
                assert node["status"] == "succeeded"
                assert calls >= 1, f"{node['id']} succeeded and never happened"
    extra = sum(count - 1 for count in effects.calls.values())
    assert extra <= 8 * sum(harm.done.values()), "no more was repeated than what was in somebody's hands when it died"
