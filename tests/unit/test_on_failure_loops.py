"""Workflows that are told of ends: what they are told, and that their own ends do not start them for ever."""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.aws.event_bus import Marks
from engine.clock import format_time
from engine.services.events.publish import end_event_of
from engine.triggers.definition import TriggerDefinition
from engine.triggers.event import EventConfig
from engine.triggers.samples import sample
from tests.unit.conftest import NOW, Aws
from tests.unit.dispatched import active, dispatcher
from tests.world import World

PATTERN: dict[str, Any] = {"source": ["mainspring"], "detail-type": ["execution.failed"]}
FAILING = {"nodes": [{"id": "no", "type": "fail", "config": {"message": "no"}}]}
HANDLER = {"id": "t", "type": "event", "config": {"pattern": PATTERN}}


def deliver(world: World) -> Counter[str]:
    """Tell whoever listens of all that has ended, as the platform's bus does; how often what was done."""
    done: Counter[str] = Counter()
    for execution in world.all():
        told = end_event_of(execution)
        event = {
            "id": "x",
            "source": "mainspring",
            "detail-type": told.type,
            "time": format_time(told.at),
            "resources": Marks(told.workspace_id, told.id, told.depth, is_heard=True).written(),
            "detail": told.data,
        }
        done += dispatcher(world).on_event(event)
    return done


def test_failing_on_failure_workflow_does_not_start_itself(aws: Aws):
    world = World(aws)
    handler = active(world, FAILING, HANDLER)
    first = world.start(world.workflow(FAILING), {"order": 7})
    world.settle()
    for _ in range(3):
        done = deliver(world)
        world.settle()

    assert done == {"known": 1, "own": 1}
    assert len(world.all()) == 2
    (run,) = [one for one in world.all() if one.workflow_id == handler]
    assert run.trigger["body"]["execution_id"] == first
    assert (run.trigger["body"]["workflow_name"], run.trigger["body"]["input"]) == ("w", {"order": 7})


def test_the_sample_of_an_end_has_all_that_is_told_of_one(aws: Aws):
    world = World(aws)
    world.start(world.workflow(FAILING), 1)
    world.settle()
    (execution,) = world.all()
    config = EventConfig(pattern={**PATTERN, "detail": {"workflow_id": ["w-1"]}})

    trigger = TriggerDefinition.model_validate(HANDLER)
    made_up = sample(trigger, config, NOW)["body"]

    assert made_up.keys() == end_event_of(execution).data.keys()
    assert (made_up["workflow_id"], made_up["status"]) == ("w-1", "failed")
