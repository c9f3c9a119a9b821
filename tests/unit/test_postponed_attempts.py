"""Attempts that cannot begin, as the platform is in trouble, use up none of those that an author allows."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import NodeError, PlatformUnavailable
from engine.history.model import Status
from engine.nodes.base import Completed, NodeResult
from tests.harness import Run, start


def in_trouble(*ends: str, retry: dict[str, Any] | None = None, seconds: float = 0) -> Run:
    """A node whose attempts end like this, one after another; invocations have so many seconds."""
    left = list(ends)

    async def execute(_self: Any, _context: Any) -> NodeResult:
        end = left.pop(0)
        if end == "away":
            raise PlatformUnavailable("no secrets at the moment")
        if end == "fails":
            raise NodeError("it broke", code="broken", retryable=True)
        return Completed("done")

    node = {"id": "a", "type": "effect", **({"retry": retry} if retry else {})}
    run = start({"nodes": [node]})
    run.engine.factory.node_class("effect").execute = execute  # type: ignore[method-assign]
    run.drive(500, (lambda: seconds) if seconds else None)
    assert not left
    return run


TWICE = {"max_attempts": 2, "interval_seconds": 1}


@pytest.mark.parametrize("is_short_of_time", [False, True])
@pytest.mark.parametrize(
    ("ends", "attempts"),
    [
        (["away"] * 9 + ["ok"], 1),
        (["away"] * 9 + ["fails", "ok"], 2),
        (["fails", *["away"] * 9, "ok"], 2),
        (["away", "fails", "away", "away", "ok"], 2),
    ],
)
def test_postponed_attempts_do_not_count(ends: list[str], attempts: int, is_short_of_time: bool):
    run = in_trouble(*ends, retry=TWICE, seconds=40 if is_short_of_time else 0)

    assert run.execution.status is Status.SUCCEEDED
    assert run.outcomes["a"].attempts == attempts


def test_failures_between_postponed_attempts_count():
    run = in_trouble("away", "fails", "away", "fails", retry=TWICE)

    assert (run.execution.status, run.outcomes["a"].error["code"]) == (Status.FAILED, "broken")
    assert run.outcomes["a"].attempts == 2


def test_postponing_ends_after_about_a_day():
    run = in_trouble(*["away"] * 400)

    assert (run.execution.status, run.outcomes["a"].error["code"]) == (Status.FAILED, "unavailable")
    assert 20 * 3600 < run.clock.offset < 34 * 3600
