"""What the end of an execution brings is tried with growing waits, visibly, and never keeps the record for ever."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from engine import limits
from engine.clock import parse_time
from engine.errors import NotFound, Unavailable
from engine.history.model import Status
from engine.services.executions.recovery import FINALIZATION_FAILED, RecoveryReport
from functions.supervisor import handler
from tests.harness import nodes
from tests.unit.conftest import Aws
from tests.world import World

DAY = 24 * 3600.0


class Unlucky:
    """Fails at one step of what ends bring, so many times."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.world, self.left, self.at = world, times, list[float]()
        self._real = world.finalization._end_what_it_started
        monkeypatch.setattr(world.finalization, "_end_what_it_started", self)

    def __call__(self, execution: Any) -> bool:
        if self.left:
            self.left -= 1
            self.at.append(self.world.clock.offset)
            raise Unavailable("out of luck")
        return self._real(execution)


def ended(world: World) -> str:
    """An execution that has ended, of which nobody but the recovery knows."""
    world.loses_notices_of = "-"
    execution_id = world.start(world.workflow({"nodes": nodes("a"), "concurrency": {"limit": 1}}))
    while world._something_happens():
        pass
    assert world.get(execution_id).status is Status.SUCCEEDED
    return execution_id


def record(world: World, execution_id: str) -> dict[str, Any]:
    return world.repositories.executions.attributes([execution_id])[execution_id]


def recover_when_due(world: World, execution_id: str) -> RecoveryReport:
    due = parse_time(record(world, execution_id)["next_check_at"])
    world.clock.offset += max((due - world.clock.now()).total_seconds(), 0)
    return world.recovery.run(lambda: 100.0)


def test_finalization_that_fails_thirty_times_succeeds_at_last(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    world = World(aws)
    unlucky = Unlucky(world, monkeypatch, 30)
    execution_id = ended(world)
    with caplog.at_level(logging.ERROR):
        report = [recover_when_due(world, execution_id) for _ in range(30)]

    assert [one.done for one in report] == [{"not_finalized": 1}] * 30
    told = [line for line in caplog.records if line.__dict__.get("log_code") == FINALIZATION_FAILED]
    assert [line.__dict__["tries"] for line in told] == list(range(1, 31))
    waits = [later - before for before, later in pairwise(unlucky.at)]
    assert waits == pytest.approx([min(60 * 2**n, limits.CHECK_LONGEST) for n in range(29)], abs=0.01)

    assert recover_when_due(world, execution_id).done == {"finalized": 1}
    assert record(world, execution_id)["check_shard"].startswith("PURGE#")


def test_execution_that_can_never_be_finalized_is_purged_after_its_retention(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    world = World(aws)
    Unlucky(world, monkeypatch, 10**6)
    execution_id = ended(world)
    for _ in range(3):
        recover_when_due(world, execution_id)
    until = world.clock.now() + timedelta(days=90)
    world.clock.offset += 90 * DAY - 1800
    world.recovery.run(lambda: 100.0)
    assert world.retention.purge_due(lambda: 100.0) == {}, "its time is not over"
    assert parse_time(record(world, execution_id)["next_check_at"]) <= until

    for _ in range(3):
        recover_when_due(world, execution_id)
    assert world.retention.purge_due(lambda: 100.0) == {"purged": 1}
    with pytest.raises(NotFound):
        world.get(execution_id)


def test_failing_finalization_step_does_not_block_the_others(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """Who waits for a child is told of its end, though what the child has started cannot be ended."""
    world = World(aws)
    child = world.workflow({"nodes": nodes("a"), "concurrency": {"limit": 1}})
    call = {"id": "call", "type": "sub_workflow", "config": {"workflow": child}}
    caller = world.workflow({"nodes": [call]})
    Unlucky(world, monkeypatch, 10**6)
    first, second = world.start(caller), world.start(caller)
    for _ in range(20):
        world.pass_time(30)
        world.recovery.run(lambda: 100.0)

    assert [world.get(one).status for one in (first, second)] == [Status.SUCCEEDED] * 2


def test_failed_finalizations_are_a_metric(capsys: pytest.CaptureFixture[str]):
    handler._count(RecoveryReport({"not_finalized": 3}, 0.0))
    told = json.loads(capsys.readouterr().out)  # CloudWatch reads JSON and nothing else
    assert told["FinalizationsFailed"] == [3.0]
    handler._count(RecoveryReport({"finalized": 3}, 0.0))
    assert capsys.readouterr().out == ""
