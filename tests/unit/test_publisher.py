"""One happening that cannot be told keeps no other waiting, and can be told by hand afterwards."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from engine.aws.event_bus import Bus, Event, Marks
from engine.errors import Unavailable
from engine.history.model import Status
from engine.services.events.publish import Publisher
from engine.storage.dynamodb.table import ConditionFailed
from tests.harness import nodes
from tests.played import PlayedBus
from tests.unit.conftest import NOW, Aws
from tests.world import World


def events(count: int) -> list[Event]:
    return [Event("shop", "order", {"n": number}, NOW, Marks("ws", f"e-{number}")) for number in range(count)]


def bus_that_answers(*answers: list[str | None]) -> tuple[Bus, Stubber, list[int]]:
    """A bus whose calls are answered with these codes, one an entry; and how many entries each call had."""
    client = boto3.client("events")
    stubber = Stubber(client)
    for codes in answers:
        entries = [{"ErrorCode": code, "ErrorMessage": "no"} if code else {"EventId": "1"} for code in codes]
        stubber.add_response("put_events", {"FailedEntryCount": sum(map(bool, codes)), "Entries": entries})
    stubber.activate()
    sizes: list[int] = []
    client.meta.events.register(
        "before-parameter-build.events.PutEvents", lambda params, **_: sizes.append(len(params["Entries"]))
    )
    return Bus(client, "events"), stubber, sizes


def test_only_throttled_events_are_put_again(aws: Aws):
    del aws
    bus, stubber, sizes = bus_that_answers([None, "ThrottlingException", None], ["InternalFailure"], [None])

    assert bus.publish(events(3)) == []
    assert sizes == [3, 1, 1]
    stubber.assert_no_pending_responses()


def test_permanently_refused_event_is_returned_and_blocks_nothing(aws: Aws):
    del aws
    bus, _, sizes = bus_that_answers([None, "MalformedDetail", "ThrottlingException"], [None])

    (refused,) = bus.publish(events(3))
    assert (refused[0].marks.event_id, refused[1]) == ("e-1", "MalformedDetail: no")
    assert sizes == [3, 1]


def test_bus_that_keeps_throttling_is_unavailable(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    del aws
    monkeypatch.setattr("engine.aws.event_bus.time.sleep", lambda _: None)
    bus, _, _ = bus_that_answers(*[["ThrottlingException"]] * 4)
    with pytest.raises(Unavailable):
        bus.publish(events(1))


def test_unreadable_record_is_buried_and_others_are_published(aws: Aws):
    world = World(aws)
    workflow_id = world.workflow({"nodes": nodes("a")})
    ids = [world.start(workflow_id) for _ in range(3)]
    world.settle()
    world.repositories.executions._table.update(f"EXECUTION#{ids[1]}", "META", {"status": "nonsense"})
    buried: list[dict[str, Any]] = []
    bus = PlayedBus()
    publisher = Publisher(world.repositories, bus, lambda _: None, world.clock, buried.append)

    assert publisher.executions_ended(ids) == set()
    assert [event.data["execution_id"] for event in bus.told] == [ids[0], ids[2]]
    assert [one["execution_id"] for one in buried] == [ids[1]]


def test_only_executions_of_a_contended_trigger_are_retried(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    world = World(aws)
    workflow_id = world.workflow({"nodes": nodes("a")})
    ids = [world.start(workflow_id) for _ in range(2)]
    world.settle()
    world.repositories.executions._table.update(f"EXECUTION#{ids[0]}", "META", {"trigger_id": "t"})

    def busy(*_: Any) -> None:
        raise Unavailable("others kept changing the same")

    monkeypatch.setattr(world.repositories.triggers, "ended", busy)
    assert world.publisher.executions_ended(ids) == {ids[0]}
    assert {event.type for event in world.bus.told} == {f"execution.{Status.SUCCEEDED}"}


def test_writer_that_loses_at_a_trigger_backs_off(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """Batches of the stream are told at the same time, and many of one trigger meet at its item."""
    triggers, table, waits = aws.repositories.triggers, aws.automation, list[int]()
    real = table.update

    def update(*key: Any, **named: Any) -> Any:
        if len(waits) < 3:
            raise ConditionFailed(None)
        return real(*key, **named)

    monkeypatch.setattr(table, "update", update)
    monkeypatch.setattr("engine.storage.triggers.back_off", waits.append)
    monkeypatch.setattr(triggers, "_table", table)

    assert triggers.ended("w", "t", {"1": "succeeded"}).recent == {"1": "succeeded"}
    assert waits == [0, 1, 2]
