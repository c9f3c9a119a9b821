"""What becomes of an execution that comes to a full limit, also where whoever starts it dies; and its queue."""

from __future__ import annotations

import pytest

from engine import limits
from engine.ids import new_id
from engine.services.executions.start import Request
from tests.crash import Fate
from tests.figures import FIGURES
from tests.unit.conftest import Aws, aws_in_memory
from tests.world import WORKSPACE, World


def start_two(aws: Aws, when_full: str, dies_at: int, pause: float) -> tuple[World, str, str, bool]:
    """Two executions where one at a time may run; whether the process that started the second died at that point."""
    world = World(aws, Fate())
    definition = {
        "nodes": [{"id": "pause", "type": "delay", "config": {"seconds": pause}}],
        "concurrency": {"limit": 1, "when_full": when_full},
    }
    workflow_id = world.workflow(definition)
    first = world.start(workflow_id)
    world.pass_time(1)
    world.fate.points, world.fate.at = 0, dies_at
    request = Request(WORKSPACE, workflow_id, {"type": "manual", "body": 2}, id=new_id())
    died = not world.perish(lambda: world.starter.start(request))
    world.fate.at = None
    return world, first, str(request.id), died


@pytest.mark.parametrize("pause", [20, 300])
@pytest.mark.parametrize("when_full", ["queue", "skip", "cancel_oldest"])
def test_crash_at_any_write_of_a_start_does_what_the_limit_says(when_full: str, pause: float):
    points = 0
    for at in range(1, 60):
        with aws_in_memory() as aws:
            world, first, second, died = start_two(aws, when_full, at, pause)
            if not died:
                break
            points += 1
            world.settle()
            world.check()
            if world.repositories.executions.find(second) is None:
                continue  # it was not recorded, and who asked for it got no answer
            one, other = world.get(first), world.get(second)
            assert one.completed_at is not None
            if when_full == "skip":
                assert (one.status, other.status, other.started_at) == ("succeeded", "cancelled", None)
                assert other.error["code"] == "concurrency_full"
                assert (other.completed_at - other.created_at).total_seconds() < 3 * limits.START_GRACE
            elif when_full == "queue":
                assert [one.status, other.status] == ["succeeded", "succeeded"]
                assert other.started_at >= one.completed_at
            else:
                assert other.status == "succeeded"
                assert one.status == "cancelled" or pause < limits.START_GRACE  # it may end before somebody looks
                assert (other.started_at - other.created_at).total_seconds() < 3 * limits.START_GRACE
    assert points > 1
    FIGURES["deaths while an execution comes to a full limit"] += points


def test_long_queue_is_checked_as_one_item(aws: Aws):
    """Whoever waits is looked at once; from then on the gate is, however many wait there."""
    world = World(aws)
    nodes = [{"id": "pause", "type": "delay", "config": {"seconds": 9000}}]
    workflow_id = world.workflow({"nodes": nodes, "concurrency": {"limit": 1}})
    first, second, *_ = [world.start(workflow_id) for _ in range(8)]
    looks = []
    for _ in range(30):
        world.pass_time(60)
        looks.append(sum(world.recovery.run(lambda: 100.0).done.values()))

    assert sum(looks) < 8 + 12, looks
    assert sum(looks[15:]) <= 4, looks
    world.cancel(first)
    assert world.get(second).queue_position.slot == 0
