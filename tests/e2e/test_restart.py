"""Processes are killed, and the whole local stack goes down and comes up again, in the middle of a run."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from infrastructure.local import snapshots
from infrastructure.local.emulator import is_alive
from infrastructure.local.stack import LocalStack
from tests.e2e.conftest import Caller
from tests.harness import edges

_WORKERS = (b"AWS_LAMBDA_FUNCTION_NAME=Mainspring-Advance", b"AWS_LAMBDA_FUNCTION_NAME=Mainspring-Supervisor")


class Counting:
    """A server that counts its calls."""

    def __init__(self, server: HTTPServer) -> None:
        self.calls: list[str] = []
        self._server = server
        for path in ("/before", "/after"):
            server.expect_request(path).respond_with_handler(self._count)

    def _count(self, request: Request) -> Response:
        self.calls.append(request.path)
        return Response("counted")

    def definition(self, seconds: float) -> dict[str, Any]:
        """http → delay → http."""
        calls = [
            {"id": name, "type": "http", "config": {"method": "POST", "url": self._server.url_for(f"/{name}")}}
            for name in ("before", "after")
        ]
        wait = {"id": "wait", "type": "delay", "config": {"seconds": seconds}}
        return {"nodes": [calls[0], wait, calls[1]], "edges": edges("before>wait", "wait>after")}


@pytest.fixture
def counting() -> Iterator[Counting]:
    with HTTPServer(host="127.0.0.1", threaded=True) as http:
        yield Counting(http)


def workers_of(stack: LocalStack) -> list[int]:
    """The processes of the emulator that run Advance or the supervisor.

    Those of the API are left alone: the emulator lets the next caller of one that was killed wait for a minute.
    """
    running = stack.running()
    assert running is not None
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if parent == running.pid and any(name in environment for name in _WORKERS):
                found.append(int(folder.name))
    return found


def kill_workers(stack: LocalStack) -> int:
    """SIGKILL to each of them; how many there were."""
    workers = workers_of(stack)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    return len(workers)


@pytest.mark.parametrize("seconds", [4, 8], ids=["slept inside a function", "slept by Step Functions"])
def test_a_run_goes_on_after_its_workers_were_killed(
    admin: Caller, stack: LocalStack, counting: Counting, seconds: float
):
    started = admin.start(admin.workflow(counting.definition(seconds))["id"])
    for _ in range(200):
        nodes = {node["id"]: node["status"] for node in admin.ok("GET", f"/api/executions/{started['id']}")["nodes"]}
        if nodes["wait"] == "waiting":
            break
    assert kill_workers(stack) > 0
    execution = admin.wait(started["id"])

    assert execution["status"] == "succeeded"
    assert counting.calls == ["/before", "/after"]


def test_a_run_goes_on_after_a_restart_and_repeats_nothing(admin: Caller, stack: LocalStack, counting: Counting):
    started = admin.start(admin.workflow(counting.definition(8))["id"])
    asked = admin.start(
        admin.workflow({"nodes": [{"id": "ask", "type": "approval", "config": {"message": "?"}}]})["id"]
    )
    for execution in (started, asked):
        admin.wait(execution["id"], frozenset({"waiting"}))
    before = stack.running()
    assert stack.down()
    assert stack.running() is None
    running = stack.up()
    execution = admin.wait(started["id"])
    admin.ok("POST", f"/api/executions/{asked['id']}/signals/ask", json={"decision": "approved"})

    assert before is not None
    assert running.port == before.port
    assert execution["status"] == "succeeded"
    assert counting.calls == ["/before", "/after"]
    assert [node["attempts"] for node in execution["nodes"]] == [1, 1, 1]
    assert admin.wait(asked["id"])["status"] == "succeeded"


def test_killing_the_emulator_loses_seconds_at_most(
    admin: Caller, stack: LocalStack, counting: Counting, reports: list[str]
):
    """Ten times, at random moments of runs: it starts again, says so, and all that was recorded goes on to its end."""
    kept = admin.workflow(counting.definition(1))
    chance = Random(20261127)
    for _ in range(10):
        saved = admin.start(kept["id"])
        await_saved(stack)
        time.sleep(chance.uniform(0, 2))
        late = admin.start(kept["id"])
        time.sleep(chance.uniform(0, 2))
        kill_emulator(stack)
        reports.clear()
        stack.up()
        assert any("what came later is lost" in report for report in reports)
        assert admin.wait(saved["id"])["status"] == "succeeded"
        found = admin.request("GET", f"/api/executions/{late['id']}")
        assert found.status_code in (200, 404)  # what was started in the last seconds may be gone, and wholly so
        if found.status_code == 200:
            assert admin.wait(late["id"])["status"] == "succeeded"
    assert admin.ok("GET", f"/api/workflows/{kept['id']}")["version"] == kept["version"]


def kill_emulator(stack: LocalStack) -> None:
    """SIGKILL to the emulator itself; its workers are left to whoever starts the next."""
    running = stack.running()
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    while is_alive(running.pid):
        time.sleep(0.01)


def await_saved(stack: LocalStack) -> None:
    """Wait for a snapshot of something later than now."""
    now = snapshots.now()
    while True:
        saved = snapshots.saved(stack.data)
        if saved is not None and saved.at > now:
            return
        time.sleep(0.05)


@pytest.fixture
def reports(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the stack says of its steps."""
    said: list[str] = []
    monkeypatch.setattr(stack, "_report", said.append)
    return said
