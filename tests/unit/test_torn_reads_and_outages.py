"""The services together while reads are torn, indexes late, single writes refused, and whole services away for long."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from engine.execution.callbacks import make_token
from engine.execution.operations.suspension import Suspensions
from engine.history.model import Status
from tests.crash import Fate
from tests.figures import FIGURES
from tests.harness import edges, nodes
from tests.unit.conftest import Aws, aws_in_memory
from tests.unit.test_world import EXPECTED, ends, scene
from tests.world import World

PARENT_AND_CHILD = {
    "child": {"nodes": [{"id": "p", "type": "delay", "config": {"seconds": 60}}, *nodes("c")], "edges": edges("p>c")},
}


def parent_of(world: World) -> str:
    """An execution that waits for another, and wakes once meanwhile."""
    child = world.workflow(PARENT_AND_CHILD["child"])
    sub = {"id": "sub", "type": "sub_workflow", "config": {"workflow": child}}
    clock = {"id": "clock", "type": "delay", "config": {"seconds": 60}}
    return world.start(world.workflow({"nodes": [sub, clock, *nodes("after")], "edges": edges("sub>after")}))


class AlwaysTorn(Random):
    """Each read that may be torn is."""

    def random(self) -> float:
        """Over every bound."""
        return 0.9


def test_signal_that_is_counted_but_not_yet_readable_is_found(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """The counter and the answer are written in one transaction, which a Query may see half of.

    The driver finds it by itself: the recovery, which would wake it later, sees nothing here.
    """
    world = World(aws, harsh=AlwaysTorn(0))
    monkeypatch.setattr(world.recovery, "_should_continue", lambda _: False)
    parent = parent_of(world)
    world.settle(3)
    assert world.get(parent).status is Status.SUCCEEDED
    assert FIGURES["torn reads tried"]


def test_recovery_resumes_an_execution_suspended_despite_its_signal(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    world = World(aws, harsh=AlwaysTorn(0))
    parent = parent_of(world)

    def may_have_signals(suspensions: Suspensions, signals: int) -> bool:
        """As a driver that trusts the counter."""
        suspensions.signals = signals
        return False

    monkeypatch.setattr(Suspensions, "may_have_signals", may_have_signals)
    world.settle(5)
    assert world.get(parent).status is Status.SUCCEEDED


def test_an_answer_is_found_however_reads_are_torn_and_indexes_late():
    for seed in range(6):
        with aws_in_memory() as aws:
            world = World(aws, harsh=Random(seed))
            scene(world)
            assert ends(world) == EXPECTED, f"seed {seed}"


def test_callback_url_answers_the_attempt_that_waits(aws: Aws):
    """It was handed out once, before the first attempt; nobody could learn another one."""
    world = World(aws)
    back = {"config": {"timeout_seconds": 60}, "retry": {"max_attempts": 2, "interval_seconds": 40}}
    nodes = [{"id": "back", "type": "wait_for_callback", **back}]
    execution_id = world.start(world.workflow({"nodes": nodes, "output": "{{ nodes.back.body }}"}))
    world.pass_time(115)
    token = make_token(execution_id, world.get(execution_id).secret, "back")
    answer = world.signals.call_back(execution_id, token, "late, but in time")
    world.settle(1)

    assert answer.attempt == 2
    assert world.get(execution_id).result == "late, but in time"


def test_any_single_refused_write_is_survived():
    """Before it is done, or after; whoever wrote is called again, by whoever called it."""
    with aws_in_memory() as aws:
        world = World(aws, Fate())
        scene(world)
        points = world.fate.points
    for at in range(1, points + 1, 5):
        with aws_in_memory() as aws:
            world = World(aws, Fate(refused_at=at), harsh=Random(at))
            scene(world)
            FIGURES["writes of the services refused"] += 1
            assert ends(world) == EXPECTED, f"point {at}"
            twice = Counter(path for what, path, _ in world.effects.events if what == "start")
            assert all(count <= 3 for count in twice.values()), f"point {at}: {twice}"


@pytest.mark.parametrize(
    "away", [{"dynamodb"}, {"lambda"}, {"dynamodb", "lambda"}], ids=lambda away: "+".join(sorted(away))
)
@pytest.mark.parametrize("minute", [0, 1, 2])
def test_forty_minute_outage_fails_no_execution(aws: Aws, away: set[str], minute: int):
    world = World(aws)
    parent = parent_of(world)
    world.pass_time(60 * minute + 0.5)
    world.ailing = frozenset(away)
    for _ in range(40):
        world.pass_time(60)
        world.perish(lambda: world.recovery.run(lambda: 100.0))
    world.ailing = frozenset()
    world.settle(6)
    world.check()

    assert {one.status for one in world.all()} == {Status.SUCCEEDED}
    assert world.get(parent).status is Status.SUCCEEDED
    FIGURES["outages of forty minutes gone through"] += 1
