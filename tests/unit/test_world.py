"""The services together: queues, sub-workflows, big loops, failures, and somebody dying at every write of them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from random import Random
from typing import Any

import pytest

from engine.history.events import PendingSignal, SignalStatus
from engine.schemas.executions import SignalBody
from engine.services.principal import Principal
from tests.crash import Fate
from tests.figures import FIGURES
from tests.harness import edges, nodes
from tests.stored import delete
from tests.unit.conftest import Aws, aws_in_memory
from tests.world import WORKSPACE, World

USER = Principal("user-1", "session", WORKSPACE, "owner", is_admin=True)


def approve(world: World, execution_id: str, wait: PendingSignal) -> None:
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
                {"id": "sub", "type": "sub_workflow", "config": {"workflow": child, "input": "{{ trigger.body }}"}},
                {"id": "pause", "type": "delay", "config": {"seconds": 100}},
                *nodes("b"),
            ],
            "edges": edges("a>sub", "sub>pause", "pause>b"),
            "concurrency": {"limit": 1},
            "output": "{{ nodes.sub }}",
        }
    )
    failing = world.workflow(
        {"nodes": [{"id": "f", "type": "fail", "config": {"message": "no"}}], "on_failure": {"workflow": mourner}}
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


def test_queue_child_approval_and_failure_all_end(aws: Aws):
    world = World(aws)
    scene(world)

    assert ends(world) == EXPECTED
    assert Counter(path for what, path, _ in world.effects.events if what == "start") == {"a": 2, "b": 2, "c": 2}
    parents = [one for one in world.all() if one.queue_position is not None]
    assert parents[0].completed_at <= parents[1].started_at, "one after the other"


def points_of(aws: Aws) -> int:
    world = World(aws, Fate())
    scene(world)
    return world.fate.points


def test_crash_of_any_process_at_any_write_converges():
    """Every fourth point of some hundred and sixty."""
    with aws_in_memory() as aws:
        points = points_of(aws)
    for at in range(1, points + 1, 4):
        with aws_in_memory() as aws:
            world = World(aws, Fate(at))
            scene(world)
            assert ends(world) == EXPECTED, f"point {at}"
            assert len({one.id for one in world.all()}) == 6
            FIGURES["crash points tried in the services"] += 1


def distributed(n: int, **config: Any) -> dict[str, Any]:
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


def test_loop_over_many_items_runs_as_distributed_map(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow(distributed(450, concurrency=30)), {"bad": 0})
    world.settle()
    world.check()
    done = world.get(execution_id)

    assert done.result == {"total": 450, "last": 900}
    assert set(Counter(path for what, path, _ in world.effects.events if what == "start").values()) == {1}
    assert len(world.effects.events) == 900
    assert world.machine.map_batches.keys() == {f"{execution_id}-each-1"}


def test_failed_item_ends_a_distributed_map(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow(distributed(450, concurrency=1)), {"bad": 120})
    world.settle()
    world.check()
    done = world.get(execution_id)

    assert done.error["message"] == "item 119 failed: it broke"
    assert done.error["node"] == "each"
    assert len([1 for what, _, _ in world.effects.events if what == "start"]) == 120


def test_failures_in_a_distributed_map_can_be_collected(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow(distributed(450, on_item_error="collect", concurrency=100)), {"bad": 450})
    world.settle()
    done = world.get(execution_id)

    assert done.result["total"] == 450
    assert done.result["last"]["error"]["node"] == "each[449].x"


def test_distributed_map_whose_workers_die_continues_and_repeats_no_finished_item(aws: Aws):
    world = World(aws)
    definition = distributed(450, concurrency=1)
    execution_id = world.start(world.workflow(definition), {"bad": 0})
    while not any(driver.batch >= 2 for driver in world.machine.drivers.values() if driver.map_worker):
        world.fate.at = None
        if not world._something_happens():
            break
        map_workers = [driver for driver in world.machine.drivers.values() if driver.map_worker]
        if map_workers and world.effects.count("each[150].x"):
            break
    world.machine._stop(f"{execution_id}-each-1/0")
    world.settle()
    world.check()

    assert world.get(execution_id).result["total"] == 450
    assert set(Counter(path for what, path, _ in world.effects.events if what == "start").values()) == {1}


# -- found by a review


def child_that_waits(world: World) -> str:
    return world.workflow({"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 9000}}, *nodes("late")], "edges": edges("d>late")})  # fmt: skip  # noqa: E501


def ask_child(workflow_id: str, **config: Any) -> dict[str, Any]:
    return {"id": "sub", "type": "sub_workflow", "config": {"workflow": workflow_id, **config}}


def test_what_a_loop_has_read_may_be_large(aws: Aws):
    """Items made from the time are pinned in the history, and over 8 KB that is in S3."""
    world = World(aws)
    noise = Random(1).randbytes(20_000).hex()
    body = {
        "nodes": [{"id": "pause", "type": "delay", "config": {"seconds": 60}}, *nodes("x")],
        "edges": edges("pause>x"),
    }
    items = "{{ $map([1..3], function($n) { {'at': $millis(), 'n': $n, 'text': vars.noise} }) }}"
    each = {"id": "each", "type": "for_each", "config": {"items": items}, "body": body}
    again = {
        "id": "again",
        "type": "while",
        "config": {"condition": "{{ index < 3 }}", "max_iterations": 3},
        "body": {
            "nodes": [{"id": "p", "type": "delay", "config": {"seconds": 60}}],
            "output": ["{{ $millis() }}", noise],
        },
    }
    execution_id = world.start(world.workflow({"nodes": [each, again], "vars": {"noise": noise}}))
    world.settle()
    world.check()
    done = world.get(execution_id)

    assert done.status == "succeeded", done.error
    assert [turn[1] for turn in done.result["again"]] == [noise] * 3


@pytest.mark.parametrize("waits", [True, False])
def test_child_in_a_distributed_map_is_started_despite_a_lost_notification(aws: Aws, waits: bool):
    world = World(aws)
    child = world.workflow({"nodes": nodes("c")})
    body = {
        "nodes": [
            {"id": "few", "type": "conditional", "config": {"expression": "{{ item > 248 }}"}},
            ask_child(child, wait=waits),
        ],
        "edges": edges("few:true>sub"),
    }
    definition = {"nodes": [{"id": "each", "type": "for_each", "config": {"items": "{{ [1..250] }}"}, "body": body}]}
    world.loses_notices_of = "~"
    execution_id = world.start(world.workflow(definition))
    world.settle()
    world.check()

    assert world.get(execution_id).status == "succeeded"
    assert world.effects.count("c") == 2


def test_failed_map_batch_fails_its_loop_despite_a_crash(aws: Aws):
    """The last item of the last batch fails: all items are done then, but there is nothing to join."""
    world = World(aws)
    world.breaks = lambda owner, signal: (
        signal.status is SignalStatus.FAILED and world.effects.count("each[249].x") == 1
    )
    execution_id = world.start(world.workflow(distributed(250, concurrency=1)), {"bad": 250})
    world.settle()
    world.check()

    assert world.get(execution_id).error["message"] == "item 249 failed: it broke"
    assert world.effects.count("each[249].x") == 1


def test_execution_waiting_for_others_is_checked_but_not_driven(aws: Aws):
    world = World(aws)
    world.start(world.workflow({"nodes": [ask_child(child_that_waits(world))]}))
    world.settle()
    world.check()

    assert world.invocations <= 6, "two for each of both, whatever time passed"


def test_cancelled_distributed_map_leaves_nothing_running(aws: Aws):
    world = World(aws)
    body = {"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 600}}]}
    each = {"id": "each", "type": "for_each", "config": {"items": "{{ [1..450] }}", "concurrency": 30}, "body": body}
    execution_id = world.start(world.workflow({"nodes": [each]}))
    world.pass_time(100)
    world.cancel(execution_id)
    world.settle()
    world.check()

    assert not [driver for driver in world.machine.drivers.values() if driver.status == "RUNNING"]


@pytest.mark.parametrize(
    ("spread_over", "fails"),
    [(2, "item > 1"), (250, "item > 1"), (250, "item = 150")],
    ids=["in one invocation", "in the same map batch", "in another map batch"],
)
def test_children_are_ended_with_what_waited_for_them(aws: Aws, spread_over: int, fails: str):
    """One item waits for a child, another fails the loop, and the execution goes on without both."""
    world = World(aws)
    child = child_that_waits(world)
    cases = [
        {"port": "first", "expression": "{{ item = 1 }}"},
        {"port": "late", "expression": f"{{{{ {fails} }}}}"},
    ]
    body = {
        "nodes": [
            {"id": "which", "type": "switch", "config": {"cases": cases}},
            ask_child(child),
            {"id": "pause", "type": "delay", "config": {"seconds": 20}},
            {"id": "bad", "type": "fail", "config": {"message": "no"}},
        ],
        "edges": edges("which:first>sub", "which:late>pause", "pause>bad"),
    }
    config = {"items": f"{{{{ [1..{spread_over}] }}}}", "concurrency": 30}
    definition = {
        "nodes": [{"id": "each", "type": "for_each", "config": config, "body": body}, *nodes("after")],
        "edges": edges("each:error>after"),
    }
    execution_id = world.start(world.workflow(definition))
    world.pass_time(200)
    ended = [(one.status, one.id == execution_id) for one in world.all()]
    world.settle()
    world.check()

    assert sorted(ended) == [("cancelled", False), ("succeeded", True)]
    assert world.effects.count("late") == 0
    assert world.effects.count("after") == 1


def test_execution_whose_drivers_keep_being_stopped_is_closed(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow({"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 9000}}]}))
    for _ in range(20):
        for driver in world.machine.drivers.values():
            if driver.status == "RUNNING" and driver.until is None:
                driver.status = "FAILED"
        world.clock.offset += 200
        world.recovery.run(lambda: 100.0)
    done = world.get(execution_id)

    assert (done.status, done.error["code"]) == ("failed", "engine_error")


def test_concurrent_recovery_runs_check_each_item_once(aws: Aws):
    world = World(aws)
    workflow_id = world.workflow({"nodes": nodes("a")})
    for _ in range(12):
        world.start(workflow_id)
    for driver in world.machine.drivers.values():
        driver.status = "FAILED"
    world.clock.offset += 200
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: world.recovery.run(lambda: 100.0), range(2)))

    assert sum(report.done.get("recovered", 0) for report in both) == 12
    assert sum(driver.status == "RUNNING" for driver in world.machine.drivers.values()) == 12


def test_recovery_stops_when_its_time_is_over(aws: Aws):
    world = World(aws)
    workflow_id = world.workflow({"nodes": nodes("a")})
    for _ in range(6):
        world.start(workflow_id)
    for driver in world.machine.drivers.values():
        driver.status = "FAILED"
    world.clock.offset += 200
    seconds = chain([100.0, 100.0], repeat(5.0))

    assert world.recovery.run(lambda: next(seconds)).done == {"recovered": 2, "left": 4}
    world.settle()
    world.check()


def test_deleting_a_workflow_does_not_disturb_those_that_wait_for_its_runs(aws: Aws):
    world = World(aws)
    child = world.workflow({"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 3000}}], "output": "done"})
    execution_id = world.start(world.workflow({"nodes": [ask_child(child)]}))
    world.pass_time(5)
    delete(world.repositories.workflows, world.repositories.workflows.get(WORKSPACE, child))
    world.settle()
    world.check()

    assert world.get(execution_id).result == {"sub": "done"}
