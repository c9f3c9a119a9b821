"""The whole local stack goes down and comes up again in the middle of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from infrastructure.local import LocalStack
from tests.e2e.conftest import Caller
from tests.harness import edges


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", threaded=True) as http:
        yield http


def test_a_run_goes_on_after_a_restart_and_repeats_nothing(admin: Caller, stack: LocalStack, server: HTTPServer):
    calls: list[str] = []

    def count(request: Request) -> Response:
        calls.append(request.path)
        return Response("counted")

    server.expect_request("/before").respond_with_handler(count)
    server.expect_request("/after").respond_with_handler(count)
    definition = {
        "nodes": [
            {"id": "before", "type": "http", "config": {"method": "POST", "url": server.url_for("/before")}},
            {"id": "wait", "type": "delay", "config": {"seconds": 8}},
            {"id": "after", "type": "http", "config": {"method": "POST", "url": server.url_for("/after")}},
        ],
        "edges": edges("before>wait", "wait>after"),
    }
    started = admin.start(admin.workflow(definition)["id"])
    admin.wait(started["id"], frozenset({"waiting"}))
    port = stack.running().port
    assert stack.down()
    assert stack.running() is None
    running = stack.up()
    execution = admin.wait(started["id"])

    assert running.port == port
    assert execution["status"] == "succeeded"
    assert calls == ["/before", "/after"]
    assert [node["attempts"] for node in execution["nodes"]] == [1, 1, 1]
