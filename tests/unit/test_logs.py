"""No line of what is recorded is lost, whatever dies or is refused; who follows a log by its cursor misses none."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from engine import limits
from engine.errors import InvalidInput, Unavailable
from engine.history.events import Outcome
from engine.history.execution_ref import ExecutionRef
from engine.history.log_lines import LogPosition, same_as
from engine.history.model import LogLine, Status
from tests.crash import CrashingEffects, CrashingStore, Died, Fate
from tests.harness import edges, nodes, start
from tests.unit.conftest import NOW, Aws
from tests.unit.test_storage import execution, outcome
from tests.world import World

CHAIN = {
    "nodes": [
        *nodes("a"),
        {"id": "b", "type": "effect", "config": {"seconds": 0.2}},
        {"id": "pure", "type": "transform", "config": {"value": "{{ nodes.b }}"}},
        {"id": "pause", "type": "delay", "config": {"seconds": 30}},
        {"id": "c", "type": "effect", "config": {"seconds": 0.2}},
    ],
    "edges": edges("a>b", "b>pure", "pure>pause", "pause>c"),
}
ALL = {"a", "b", "pure", "pause", "c"}


def line(number: int, message: str = "line") -> LogLine:
    return LogLine(NOW + timedelta(seconds=number), "info", f"{message} {number}", "node", {"n": number})


def succeeded(lines: Any) -> Counter[str | None]:
    return Counter(one.node_id for one in lines if one.message == "succeeded")


def read(aws: Aws, execution_id: str) -> list[LogLine]:
    return [found for _, found in aws.repositories.logs.read(execution_id, None, 10_000)]


# -- in memory: the invocation


def test_no_crash_loses_or_repeats_the_line_of_an_outcome():
    at = 0
    while True:
        at += 1
        fate = Fate(at)
        run = start(CHAIN, {}, effects=CrashingEffects(fate))
        run.engine.store = CrashingStore(run.store, fate)
        try:
            run.drive()
            break
        except Died:
            fate.revive()
            run.recomputed = True
            run.drive()
        told = succeeded(run.lines)
        assert told["a"] == told["b"] == told["c"] == 1, f"point {at}: {told}"
        assert set(told) == ALL, f"point {at}: {told}"
        assert any(one.message == "execution started" for one in run.lines), f"point {at}"
        assert any(one.message.startswith("waits until") for one in run.lines), f"point {at}"
    assert at > 15


@pytest.mark.parametrize("write", ["record", "record_recomputable", "log"])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_no_refused_write_loses_a_line(write: str, number: int):
    run = start(CHAIN, {})
    real, count = getattr(run.store, write), 0

    async def refused(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            raise Unavailable("throttled")
        return await real(*arguments)

    setattr(run.store, write, refused)
    run.recomputed = True
    for _ in range(3):
        try:
            run.drive()
        except Unavailable:
            continue
    assert set(succeeded(run.lines)) == ALL
    assert sum(succeeded(run.lines).values()) <= len(ALL) + 1


def test_line_of_an_event_recorded_during_the_timeout_is_logged():
    definition = {"nodes": nodes("a"), "timeout_seconds": 5}
    definition["nodes"][0]["config"] = {"seconds": 4.5}
    run = start(definition)
    real = run.store.record

    async def slow(ref: ExecutionRef, entry: Any, *more: Any) -> Any:
        if isinstance(entry, Outcome):
            await asyncio.sleep(1)  # the write is on its way when the time is over
        return await real(ref, entry, *more)

    run.store.record = slow  # type: ignore[method-assign]
    run.drive()

    assert run.execution.status is Status.TIMED_OUT
    assert "a" in run.outcomes
    assert succeeded(run.lines)["a"] == 1


# -- on DynamoDB


def test_no_crash_of_any_process_loses_a_line(aws: Aws):
    at = 0
    while True:
        at += 1
        world = World(aws)
        workflow = world.workflow(CHAIN)
        world.fate.at = world.fate.points + at
        execution_id = world.start(workflow)
        world.settle()
        told = succeeded(read(aws, execution_id))
        assert set(told) == ALL, f"point {at}: {told}"
        assert told["a"] == told["b"] == told["c"] == 1, f"point {at}: {told}"
        if world.fate.at is not None:
            break
    assert at > 20


def test_lines_of_a_driver_that_died_are_there_when_the_execution_is_cancelled(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow(CHAIN))
    snapshot = world.clock.run(world.engine.store.load(ExecutionRef(execution_id)))
    world.clock.run(
        world.engine.store.record(
            ExecutionRef(execution_id), outcome("a"), [outcome("pure")], [line(1)], snapshot.position
        )
    )
    world.cancel(execution_id)

    messages = [one.message for one in read(aws, execution_id)]
    assert messages == ["line 1", "succeeded", "succeeded", "the execution was cancelled"]


def test_slow_driver_does_not_repeat_lines_that_another_has_logged(aws: Aws):
    world = World(aws)
    store = world.engine.store
    workflow_id = world.workflow(CHAIN)
    execution_id = world.start(workflow_id)
    slow = world.clock.run(store.load(ExecutionRef(execution_id))).position
    own = [line(0), line(1)]
    world.clock.run(store.record(ExecutionRef(execution_id), outcome("a"), (), own, slow))
    assert slow is not None

    second = world.clock.run(store.load(ExecutionRef(execution_id))).position
    assert [one.message for one in read(aws, execution_id)] == ["line 0", "line 1", "succeeded"]
    world.clock.run(store.log(ExecutionRef(execution_id), [*own, line(3)], slow))
    world.clock.run(store.log(ExecutionRef(execution_id), [line(4)], second))

    assert [one.message for one in read(aws, execution_id)] == ["line 0", "line 1", "succeeded", "line 3", "line 4"]


def test_second_writer_of_an_event_adds_its_lines(aws: Aws):
    """Of two drivers the one that recorded may die, and the other one end the execution."""
    made = execution()
    aws.executions.create(made, None, "")
    first, second = LogPosition("one"), LogPosition("two")
    aws.histories.record(made.ref, outcome("a"), (), [line(1)], first)
    winner = aws.histories.record(made.ref, outcome("a", 2), (), [line(2)], second)

    assert winner == outcome("a")
    assert [same_as(one) for one in second.found] == [same_as(line(1))]


def test_lines_of_confirmed_drivers_are_not_read_again(aws: Aws):
    world = World(aws)
    days = {
        "nodes": [
            {
                "id": "each",
                "type": "while",
                "config": {"condition": "{{ index < 20 }}", "max_iterations": 30},
                "body": {
                    "nodes": [*nodes("x"), {"id": "d", "type": "delay", "config": {"seconds": 60}}],
                    "edges": edges("x>d"),
                },
            }
        ]
    }
    execution_id = world.start(world.workflow(days))
    batches = 0

    def count(params: dict[str, Any], **_: Any) -> None:
        nonlocal batches
        values = str(params["ExpressionAttributeValues"])
        batches += "LOG#" in values and params.get("Limit") != 1

    aws.dynamodb.meta.events.register("provide-client-params.dynamodb.Query", count)
    world.settle()

    assert world.get(execution_id).status is Status.SUCCEEDED
    assert batches == 0
    assert succeeded(read(aws, execution_id))["each[19].x"] == 1


def test_lost_response_writes_no_log_batch_twice(aws: Aws):
    lost = 0

    def lose(parsed: dict[str, Any], http_response: Any = None, **_: Any) -> None:
        nonlocal lost
        if not lost:
            lost = 1
            raise ConnectionError

    aws.dynamodb.meta.events.register("after-call.dynamodb.PutItem", lose)
    position = LogPosition("one")
    with pytest.raises(ConnectionError):
        aws.repositories.logs.append(ExecutionRef("e"), [line(1), line(2)], position)
    aws.repositories.logs.append(ExecutionRef("e"), [line(1), line(2)], position)

    assert [found.message for _, found in aws.repositories.logs.read("e", None, 9)] == ["line 1", "line 2"]


def test_log_follower_misses_no_line_of_concurrent_writers(aws: Aws):
    random = Random(4)
    whole = execution()
    aws.executions.create(whole, None, "")
    refs = [whole.ref, *(ExecutionRef.of_batch(whole.id, "each", number) for number in range(20))]
    written, seen, cursor = [], [], None
    for step in range(120):
        ref = random.choice(refs)
        if step == 5:
            aws.repositories.map_batches.next_map_attempt(
                whole.id, "each", aws.repositories.map_batches.progress(whole.id, "each"), 20
            )
        if ref == whole.ref or step > 5:
            lines = [line(random.randint(0, 100), f"{step}.{n}") for n in range(random.randint(1, 3))]
            aws.repositories.logs.append(ref, lines)
            written += [one.message for one in lines]
        if random.random() < 0.5:
            page = aws.repositories.logs.read(whole.id, cursor, random.randint(1, 5))
            seen += [found.message for _, found in page]
            cursor = page[-1][0] if page else cursor
    while page := aws.repositories.logs.read(whole.id, cursor, 7):
        seen += [found.message for _, found in page]
        cursor = page[-1][0]

    assert sorted(seen) == sorted(written)
    assert len(str(cursor)) <= 200


def test_lines_of_map_batches_are_in_the_log_of_the_execution(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "INLINE_ITEMS", 2)
    monkeypatch.setattr(limits, "BATCH_ITEMS", 2)
    body = {"nodes": nodes("x")}
    world = World(aws)
    execution_id = world.start(
        world.workflow(
            {"nodes": [{"id": "each", "type": "for_each", "config": {"items": "{{ [1..9] }}"}, "body": body}]}
        )
    )
    world.settle()

    told = succeeded(read(aws, execution_id))
    assert [told[f"each[{n}].x"] for n in range(9)] == [1] * 9
    keys = {item["PK"]["S"] for item in aws.dynamodb.scan(TableName="Automation")["Items"] if "LOG#" in str(item)}
    assert len(keys) > 2, "they are not all in one partition"


@pytest.mark.parametrize("cursor", ["", "1", "1.x", "-1.0", "1.0-2.0", "²." + "1", "9999999999.1"])
def test_foreign_log_cursor_is_refused(aws: Aws, cursor: str):
    with pytest.raises(InvalidInput):
        aws.repositories.logs.read("e", cursor, 5)
