"""Laws of concurrency limits: never more than the limit, in the order of starting, and nothing is ever leaked."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.crash import Fate
from tests.figures import FIGURES
from tests.unit.conftest import aws_in_memory
from tests.world import World

STEPS = st.one_of(
    st.tuples(st.just("start"), st.sampled_from("ab")),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 200])),
)


def running(world: World) -> dict[str, list[str]]:
    """The open executions that have a slot, by gate."""
    found: dict[str, list[str]] = {}
    for one in world.all():
        if one.queue_position is not None and one.queue_position.slot is not None and not one.status.is_final:
            found.setdefault(one.queue_position.concurrency_key, []).append(one.id)
    return found


def do(world: World, workflow_id: str, step: tuple[str, Any]) -> None:
    kind, value = step
    if kind == "start":
        world.start(workflow_id, value)
    elif kind == "cancel":
        open_ones = [one for one in world.all() if not one.status.is_final]
        if open_ones:
            victim = open_ones[value % len(open_ones)]
            world.perish(lambda: world.cancel(victim.id))
    else:
        world.pass_time(value)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(1, 3), st.lists(STEPS, min_size=4, max_size=14), st.integers(1, 120))
def test_concurrency_leases_never_exceed_the_limit_and_none_leaks(
    limit: int, steps: list[tuple[str, Any]], dies_at: int
):
    with aws_in_memory() as aws:
        world = World(aws, Fate(dies_at))
        definition = {
            "nodes": [{"id": "pause", "type": "delay", "config": {"seconds": 60}}],
            "concurrency": {"limit": limit, "key": "{{ trigger.body }}"},
        }
        workflow_id = world.workflow(definition)
        for step in steps:
            do(world, workflow_id, step)
            for holders in running(world).values():
                assert len(holders) <= limit
        world.settle()
        world.check()
        for concurrency_key in {one.queue_position.concurrency_key for one in world.all() if one.queue_position}:
            turns = [
                one
                for one in world.all()
                if one.queue_position and one.queue_position.concurrency_key == concurrency_key and one.started_at
            ]
            if limit > 1:
                continue  # of two that may begin at once the later one may, where who was to start the first has died
            assert [one.id for one in turns] == [one.id for one in sorted(turns, key=lambda one: one.started_at)]
        FIGURES["sequences tried of starts, cancellations and deaths under a limit"] += 1
