"""Deliveries under load, on loopback and bounded: how many a second, how soon they are answered, and that none is lost.

Nothing here depends on how fast the machine is; the figures are shown at the end of the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import Any

import httpx2
import pytest

from tests.e2e.conftest import Caller
from tests.e2e.triggers import ECHO, eventually, live, trigger
from tests.figures import FIGURES

MANY = {1: 30, 8: 80}


def measured(clients: int, many: int, deliver: Callable[[httpx2.Client, int], Any]) -> tuple[list[Any], list[float]]:
    """What so many deliveries by so many clients gave, and the seconds that each took, by the wall clock."""

    def one(number: int) -> tuple[Any, float]:
        begin = time.monotonic()
        found = deliver(pools[number % clients], number)
        return found, time.monotonic() - begin

    pools = [httpx2.Client(timeout=60) for _ in range(clients)]
    with ThreadPoolExecutor(clients) as threads:
        done = list(threads.map(one, range(many)))
    for pool in pools:
        pool.close()
    return [found for found, _ in done], [seconds for _, seconds in done]


def note(what: str, seconds: list[float], elapsed: float) -> None:
    cuts = quantiles(seconds, n=100)
    for name, value in (("p50", cuts[49]), ("p95", cuts[94]), ("p99", cuts[98])):
        FIGURES[f"{what}, ms to the answer, {name}"] = round(value * 1000)
    FIGURES[f"{what}, deliveries a second"] = round(len(seconds) / elapsed)


@pytest.mark.parametrize("clients", MANY)
@pytest.mark.parametrize("answer", ["accepted", "result"])
def test_no_delivery_is_lost_under_load(admin: Caller, clients: int, answer: str):
    config = {"answer": answer, "delivery_id_header": "x-id", "rate_per_minute": 30_000}
    workflow_id = live(admin, [{"id": "in", "type": "webhook", "config": config}])
    url = trigger(admin, workflow_id)["url"]
    httpx2.post(url, json={}, headers={"x-id": "first"}, timeout=60)  # workers are started

    def deliver(client: httpx2.Client, number: int) -> httpx2.Response:
        return client.post(url, json={"n": number}, headers={"x-id": str(number)})

    begin = time.monotonic()
    answers, seconds = measured(clients, MANY[clients], deliver)
    note(f"webhooks, {answer}, {clients} clients", seconds, time.monotonic() - begin)

    assert {found.status_code for found in answers} == {202 if answer == "accepted" else 200}
    if answer == "result":
        assert [found.json()["echo"]["body"]["n"] for found in answers] == list(range(MANY[clients]))
    taken = {found.headers["mainspring-execution"] for found in answers}
    assert len(taken) == len(answers)

    def all_ended() -> bool:
        return ended() == len(answers) + 1

    def ended() -> int:
        found, cursor = [], None
        while True:
            query = {"workflow_id": workflow_id, "limit": 100, **({"cursor": cursor} if cursor else {})}
            page = admin.ok("GET", "/api/executions", params=query)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert taken <= {run["id"] for run in found}
        return sum(run["status"] == "succeeded" for run in found)

    eventually(all_ended, 120)
    assert trigger(admin, workflow_id)["fired"] == len(answers) + 1


def test_synchronous_webhook_is_faster_and_cheaper_than_a_state_machine(admin: Caller):
    """The plain way: the same workflow by a state machine, its answer asked for until it is there."""
    ahead, plain = (
        trigger(admin, live(admin, [{"id": "in", "type": "webhook", "config": {"answer": answer}}], [ECHO]))["url"]
        for answer in ("result", "accepted")
    )

    def by_state_machine(client: httpx2.Client, _number: int) -> str:
        taken: str = client.post(plain, json={}).headers["mainspring-execution"]
        while admin.ok("GET", f"/api/executions/{taken}")["status"] != "succeeded":
            time.sleep(0.01)
        return taken

    def run_ahead(client: httpx2.Client, _number: int) -> str:
        return client.post(ahead, json={}).headers["mainspring-execution"]

    found = {}
    for name, way in (("run ahead", run_ahead), ("by a state machine", by_state_machine)):
        measured(1, 2, way)
        runs, seconds = measured(1, 15, way)
        bills = [admin.wait(run)["bill"]["dollars"] for run in runs]
        found[name] = quantiles(seconds, n=2)[0], sum(bills) / len(bills)
        FIGURES[f"synchronous answers {name}, ms, p50"] = round(found[name][0] * 1000)
        FIGURES[f"synchronous answers {name}, millionths of a dollar a run"] = round(found[name][1] * 1e6)

    assert found["run ahead"][1] < found["by a state machine"][1] / 2
