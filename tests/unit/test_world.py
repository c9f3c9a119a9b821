"""The services together: queues, sub-workflows, big loops, failures, and somebody dying at every write of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.journal import Wait
from engine.schemas.executions import SignalBody
from engine.services.principal import Principal
from tests.crash import Fate
from tests.figures import FIGURES
from tests.harness import edges, nodes
from tests.unit.conftest import Aws, aws_in_memory
from tests.world import WORKSPACE, World

USER = Principal("user-1", "session", WORKSPACE, "owner", is_admin=True)


def approve(world: World, execution_id: str, wait: Wait) -> None:
    world.signals.answer(USER, execution_id, wait.path, SignalBody(decision="approved"))


def scene(world: World) -> None:
    """Two executions of a limited workflow with a child that is approved, and one that fails and is followed up."""
    why = {"value": "{{ trigger.body.execution.error.message }}"}
    mourner = world.workflow({"nodes": [{"id": "why", "type": "transform", "config": why}]})
    child = world.workflow(
        {
            "nodes": [{"id": "ask", "type": "approval", "config": {"message": "May I?"}}, *nodes("c")],
            "edges": edges("ask:approved>c"),
            "output": "{{ trigger.body }}",
        }
    )
    parent = world.workflow(
        {
            "nodes": [
                *nodes("a"),
                {"id": "sub", "type": "sub_workflow", "config": {"workflow_id": child, "input": "{{ trigger.body }}"}},
                {"id": "pause", "type": "delay", "config": {"seconds": 100}},
                *nodes("b"),
            ],
            "edges": edges("a>sub", "sub>pause", "pause>b"),
            "concurrency": {"limit": 1},
            "output": "{{ nodes.sub }}",
        }
    )
    failing = world.workflow(
        {"nodes": [{"id": "f", "type": "fail", "config": {"message": "no"}}], "on_failure": {"workflow_id": mourner}}
    )
    world.people = approve
    for n in (1, 2):
        world.start(parent, n)
    world.start(failing)
    world.settle()
    world.check()


EXPECTED = Counter(
    {("succeeded", "1"): 2, ("succeeded", "2"): 2, ("failed", "None"): 1, ("succeeded", "{'why': 'no'}"): 1}
)


def ends(world: World) -> Counter[tuple[str, str]]:
    return Counter((status, str(result)) for status, result in world.results())


def test_queue_child_approval_and_failure(aws: Aws):
    world = World(aws)
    scene(world)

    assert ends(world) == EXPECTED
    assert Counter(path for what, path, _ in world.effects.events if what == "start") == {"a": 2, "b": 2, "c": 2}
    parents = [one for one in world.all() if one.place is not None]
    assert parents[0].completed_at <= parents[1].started_at, "one after the other"


def points_of(aws: Aws) -> int:
    world = World(aws, Fate())
    scene(world)
    return world.fate.points


def test_whoever_dies_wherever_all_comes_to_the_same_end():
    """Every eighth point of some hundreds."""
    with aws_in_memory() as aws:
        points = points_of(aws)
    for at in range(1, points + 1, 8):
        with aws_in_memory() as aws:
            world = World(aws, Fate(at))
            scene(world)
            assert ends(world) == EXPECTED, f"point {at}"
            assert len({one.id for one in world.all()}) == 6
            FIGURES["crash points tried in the services"] += 1


def spread(n: int, **config: Any) -> dict[str, Any]:
    effect = {"fail_times": "{{ item = trigger.body.bad ? 9 : 0 }}", "output": "{{ item * 2 }}"}
    body = {"nodes": [{"id": "x", "type": "effect", "config": effect}], "output": "{{ nodes.x }}"}
    return {
        "nodes": [
            {"id": "each", "type": "for_each", "config": {"items": f"{{{{ [1..{n}] }}}}", **config}, "body": body},
            {"id": "total", "type": "transform", "config": {"value": "{{ $count(nodes.each) }}"}},
        ],
        "edges": edges("each>total"),
        "output": {"total": "{{ nodes.total }}", "last": "{{ nodes.each[-1] }}"},
    }


def test_a_loop_over_many_items_is_spread(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow(spread(450, concurrency=30)), {"bad": 0})
    world.settle()
    world.check()
    done = world.get(execution_id)

    assert done.result == {"total": 450, "last": 900}
    assert set(Counter(path for what, path, _ in world.effects.events if what == "start").values()) == {1}
    assert len(world.effects.events) == 900
    assert world.machine.fan_outs.keys() == {f"{execution_id}-each-1"}


def test_an_item_that_fails_ends_a_spread_loop(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow(spread(450, concurrency=1)), {"bad": 120})
    world.settle()
    world.check()
    done = world.get(execution_id)

    assert done.error["message"] == "item 119 failed: it broke"
    assert done.error["node"] == "each"
    assert len([1 for what, _, _ in world.effects.events if what == "start"]) == 120


def test_failures_in_a_spread_loop_can_be_collected(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow(spread(450, on_item_error="collect", concurrency=100)), {"bad": 450})
    world.settle()
    done = world.get(execution_id)

    assert done.result["total"] == 450
    assert done.result["last"]["error"]["node"] == "each[449].x"


def test_a_spread_loop_whose_drivers_die_goes_on_and_repeats_no_finished_item(aws: Aws):
    world = World(aws)
    definition = spread(450, concurrency=1)
    execution_id = world.start(world.workflow(definition), {"bad": 0})
    while not any(driver.batch >= 2 for driver in world.machine.drivers.values() if driver.lane):
        world.fate.at = None
        if not world._something_happens():
            break
        lanes = [driver for driver in world.machine.drivers.values() if driver.lane]
        if lanes and world.effects.count("each[150].x"):
            break
    world.machine._stop(f"{execution_id}-each-1/0")
    world.settle()
    world.check()

    assert world.get(execution_id).result["total"] == 450
    assert set(Counter(path for what, path, _ in world.effects.events if what == "start").values()) == {1}
