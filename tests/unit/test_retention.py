"""What is known of an execution lives as long as it runs and is kept, for any time; then all of it goes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from engine import limits
from engine.clock import format_time
from engine.errors import Unavailable
from engine.history.model import Status
from engine.services.executions.retention import Retention
from engine.storage.dynamodb.expressions import decode
from engine.storage.repositories import Repositories
from tests.crash import Fate
from tests.harness import edges, nodes
from tests.unit.conftest import NOW, Aws, FixedClock
from tests.unit.test_storage import execution, outcome
from tests.world import World

DAY = 24 * 3600.0
MONTH = 30 * DAY
MONTHS = {
    "nodes": [
        {"id": "welcome", "type": "effect"},
        {
            "id": "each_month",
            "type": "while",
            "config": {"condition": "{{ index < 24 }}", "max_iterations": 36},
            "body": {
                "nodes": [
                    {"id": "bill", "type": "effect"},
                    {"id": "month", "type": "delay", "config": {"seconds": MONTH}},
                ],
                "edges": edges("bill>month"),
            },
        },
    ],
    "edges": edges("welcome>each_month"),
}


def noise(size: int, seed: int = 1) -> str:
    """What does not compress to fit into an item."""
    return Random(seed).randbytes(size // 2).hex()


BODY = {"nodes": [{"id": "x", "type": "effect", "config": {"output": noise(20_000)}}]}
MANY = {"nodes": [{"id": "each", "type": "for_each", "config": {"items": "{{ [1..5] }}"}, "body": BODY}]}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five items are a big loop, of three map batches."""
    monkeypatch.setattr(limits, "INLINE_ITEMS", 2)
    monkeypatch.setattr(limits, "BATCH_ITEMS", 2)


def expire(aws: Aws, now: float) -> None:
    """What DynamoDB's TTL does."""
    for raw in aws.dynamodb.scan(TableName="Automation")["Items"]:
        if decode(raw).get("expires_at", 1e15) < now:
            aws.dynamodb.delete_item(TableName="Automation", Key={"PK": raw["PK"], "SK": raw["SK"]})


def items_of(aws: Aws, *execution_ids: str) -> list[tuple[str, str]]:
    """The keys that there are of these executions and their map batches."""
    keys = [(item["PK"]["S"], item["SK"]["S"]) for item in aws.dynamodb.scan(TableName="Automation")["Items"]]
    return [key for key in keys if any(key[0].startswith(f"EXECUTION#{one}") for one in execution_ids)]


def objects(aws: Aws) -> list[str]:
    return [one["Key"] for one in aws.s3.list_objects_v2(Bucket="payloads").get("Contents", [])]


def purge(world: World) -> dict[str, int]:
    return world.retention.purge_due(lambda: 100.0)


def test_execution_of_two_years_keeps_all_its_data(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow(MONTHS), noise(20_000))
    for _ in range(25):
        world.pass_time(MONTH)
        expire(aws, world.clock.now().timestamp())
        purge(world)

    assert world.get(execution_id).status is Status.SUCCEEDED
    assert world.get(execution_id).trigger["body"] == noise(20_000)
    starts = Counter(path for what, path, _ in world.effects.events if what == "start")
    assert (len(starts), set(starts.values())) == (25, {1})


@pytest.mark.parametrize("days", [8, 30, 3650])
def test_execution_is_purged_after_its_retention_and_not_before(aws: Aws, days: int, monkeypatch: Any):
    repositories = Repositories.of(aws.automation, lambda: aws.s3, "payloads", days)
    monkeypatch.setattr(Aws, "repositories", property(lambda _: repositories))
    world = World(aws)
    execution_id = world.start(world.workflow({"nodes": nodes("a")}), noise(20_000))
    world.settle()
    other = world.start(world.workflow({"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 4 * DAY}}]}))
    world.pass_time(1)

    world.clock.offset += days * DAY - 100
    assert purge(world) == {}
    assert world.get(execution_id).trigger["body"] == noise(20_000)

    world.clock.offset += 200
    assert purge(world) == {"purged": 1}
    assert items_of(aws, execution_id) == []
    assert objects(aws) == []
    assert items_of(aws, other), "what has not ended stays, however old it is"


@pytest.mark.usefixtures("small_parts")
def test_map_batches_and_their_payloads_are_purged_with_the_execution(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow(MANY))
    world.settle()
    assert any("~" in pk for pk, _ in items_of(aws, execution_id))
    assert any("~" in key for key in objects(aws))

    world.clock.offset += 91 * DAY
    assert purge(world) == {"purged": 1}
    assert items_of(aws, execution_id) == []
    assert objects(aws) == []


@pytest.mark.usefixtures("small_parts")
def test_crash_during_purge_is_completed_later(aws: Aws):
    world = World(aws)
    made = 0
    while True:
        execution_id = world.start(world.workflow(MANY))
        world.settle()
        world.clock.offset += 91 * DAY
        made += 1
        world.fate = Fate(made)
        died = not world.perish(lambda: purge(world))
        purge(world)
        assert items_of(aws, execution_id) == [], f"point {made}"
        assert objects(aws) == []
        if not died:
            break
    assert made > 6


def test_failing_purge_delays_no_other(aws: Aws, monkeypatch: Any):
    world = World(aws)
    first, second = (world.start(world.workflow({"nodes": nodes("a")})) for _ in range(2))
    world.settle()
    world.clock.offset += 91 * DAY
    real = world.repositories.payloads.remove

    def remove(execution_id: str) -> int:
        if execution_id == first:
            raise Unavailable("S3 is not there")
        return real(execution_id)

    monkeypatch.setattr(world.repositories.payloads, "remove", remove)
    assert purge(world) == {"purged": 1, "failed": 1}
    assert items_of(aws, second) == []
    assert purge(world) == {}

    monkeypatch.undo()
    world.clock.offset += 3601
    assert purge(world) == {"purged": 1}
    assert items_of(aws, first) == []


def test_execution_is_kept_until_it_is_finalized(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow({"nodes": nodes("a")}))
    aws.executions.finish(execution_id, Status.CANCELLED, world.clock.now(), next_check_at=world.clock.now())
    world.clock.offset += 400 * DAY
    assert purge(world) == {}

    world.finalization.finalize(execution_id)
    assert purge(world) == {"purged": 1}


def test_stale_index_purges_no_running_execution(aws: Aws):
    """Whoever purges looks at the record itself: it is open, or its end has not brought yet what it brings."""
    open_one, ended = execution(), execution()
    for one in (open_one, ended):
        aws.executions.create(one, None, "")
        aws.histories.record(one.ref, outcome("a"))
    aws.executions.finish(ended.id, Status.FAILED, NOW, next_check_at=NOW)
    later, there = NOW + timedelta(days=4000), items_of(aws, open_one.id, ended.id)

    assert not aws.repositories.purge.purge(open_one.id, later)
    assert not aws.repositories.purge.purge(ended.id, later)
    assert items_of(aws, open_one.id, ended.id) == there
    found = aws.executions.find(ended.id)
    assert found is not None
    aws.executions.retire(found.execution)
    assert not aws.repositories.purge.purge(ended.id, NOW + timedelta(days=89))
    assert aws.repositories.purge.purge(ended.id, later)
    assert not items_of(aws, ended.id)


def test_fork_writes_its_outcomes_with_its_record(aws: Aws):
    """Or a crash in between would leave items that nobody finds."""
    world = World(aws)
    old = world.start(world.workflow({"nodes": nodes("a")}))
    world.settle()
    made = execution()
    entry = aws.histories.recomputable(made.ref, [outcome("a", 1)])
    with pytest.raises(NotImplementedError):
        _start_and_die(aws, made, entry)
    assert items_of(aws, made.id) == []
    assert items_of(aws, old)


def _start_and_die(aws: Aws, made: Any, entry: Any) -> None:
    def die(**_: Any) -> None:
        raise NotImplementedError

    aws.dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", die)
    aws.executions.create(made, None, "", [entry])


def test_payloads_without_a_record_are_removed_after_two_days(aws: Aws):
    clock = FixedClock()
    retention = Retention(aws.repositories, clock)
    kept, orphan = execution(trigger={"body": noise(20_000)}), execution()
    aws.executions.create(kept, None, "")
    for owner in (orphan.id, f"{orphan.id}~3~each[1].inner", kept.id):
        aws.repositories.payloads.store(noise(20_000, 2).encode(), owner)

    clock.moment = _written(aws) + timedelta(hours=47)
    assert retention.remove_orphans(lambda: 100.0) == 0
    clock.moment = _written(aws) + timedelta(hours=49)
    assert retention.remove_orphans(lambda: 100.0) == 2
    assert {key.split("/")[1] for key in objects(aws)} == {kept.id}


def _written(aws: Aws) -> Any:
    """When S3 says that things were written; its time is not ours to set."""
    return aws.s3.list_objects_v2(Bucket="payloads")["Contents"][0]["LastModified"]


def test_search_for_payloads_without_a_record_goes_on_where_it_stopped(aws: Aws, monkeypatch: Any):
    monkeypatch.setattr("engine.services.executions.retention._CHUNK", 2)
    clock = FixedClock()
    retention = Retention(aws.repositories, clock)
    for number in range(5):
        aws.repositories.payloads.store(noise(20_000, number).encode(), execution().id)
    clock.moment = _written(aws) + timedelta(days=3)

    left = []
    for _ in range(3):
        retention.remove_orphans(lambda: 1.0)
        left.append(len(objects(aws)))
    assert left == [3, 1, 0]
    assert aws.repositories.purge.last_owner() != ""
    retention.remove_orphans(lambda: 100.0)
    assert aws.repositories.purge.last_owner() == "", "it begins again"


def test_half_of_a_batch_that_dynamodb_leaves_is_asked_for_again_later_each_time(aws: Aws, monkeypatch: Any):
    pauses: list[float] = []
    monkeypatch.setattr("engine.storage.dynamodb.table.time.sleep", pauses.append)
    keys = [("P", f"{n}") for n in range(30)]
    for pk, sk in keys:
        aws.automation.put({"PK": pk, "SK": sk})
    left = {"reads": 6, "writes": 6}

    def leave(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        reads = model.name == "BatchGetItem"
        kind = "reads" if reads else "writes"
        if left[kind]:
            left[kind] -= 1
            one = {"PK": {"S": "P"}, "SK": {"S": "0"}}
            parsed["UnprocessedKeys" if reads else "UnprocessedItems"] = {
                "Automation": {"Keys": [one]} if reads else [{"DeleteRequest": {"Key": one}}]
            }

    for name in ("BatchGetItem", "BatchWriteItem"):
        aws.dynamodb.meta.events.register(f"after-call.dynamodb.{name}", leave)
    assert len(aws.automation.get_many(keys)) == 30
    aws.automation.delete_many(keys)
    left["reads"] = 0

    assert aws.automation.get_many(keys) == {}
    assert len(pauses) == 12
    assert sum(pauses[:6]) > 0.1, "eight tries at once are no try"
    left["reads"] = 99
    with pytest.raises(Unavailable):
        aws.automation.get_many(keys)


def test_record_shows_when_it_expires(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")
    aws.executions.finish(made.id, Status.SUCCEEDED, NOW)
    item = aws.automation.get(f"EXECUTION#{made.id}", "META")

    assert item is not None
    assert item["next_check_at"] == format_time(NOW + timedelta(days=90))
    assert "expires_at" not in item, "TTL would take the record before what it leads to"
