"""What a run was given and has given stands beside its record where that pays, written once and found by all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from engine.history.model import Status
from engine.storage import record_payloads
from engine.storage.dynamodb.expressions import decode
from engine.storage.dynamodb.table import Table
from tests.figures import FIGURES
from tests.harness import edges, nodes
from tests.unit.conftest import NOW, Aws
from tests.unit.test_retention import items_of, noise, purge
from tests.unit.test_storage import execution
from tests.world import WORKSPACE, World

DAY = 24 * 3600.0
_WRITES = ("PutItem", "UpdateItem", "TransactWriteItems")


def size(item: dict[str, Any]) -> int:
    """Bytes of an item, about as DynamoDB counts them."""
    values = [next(iter(value.values())) for value in item.values()]
    return sum(map(len, item)) + sum(len(one) if isinstance(one, str | bytes) else 8 for one in values)


@contextmanager
def write_units(aws: Aws) -> Iterator[dict[str, int]]:
    """What writes of items cost meanwhile: a unit for each KB, two in a transaction (indexes left out)."""
    units, client = {"written": 0}, aws.dynamodb

    def keys_of(operation: str, params: dict[str, Any]) -> list[Any]:
        if operation == "TransactWriteItems":
            return [next(iter(one.values())) for one in params["TransactItems"]]
        return [params]

    asked: list[tuple[str, list[Any]]] = []

    def ask(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name in _WRITES:
            asked.append((model.name, keys_of(model.name, params)))

    def count(model: Any, http_response: Any, **_: Any) -> None:
        if model.name not in _WRITES:
            return
        name, writes = asked.pop()
        for write in writes if http_response.status_code < 400 else ():
            key = write.get("Key") or {part: write["Item"][part] for part in ("PK", "SK")}
            item = client.get_item(TableName=write["TableName"], Key=key).get("Item", {})
            units["written"] += max(1, -(-size(item) // 1024)) * (2 if name == "TransactWriteItems" else 1)

    client.meta.events.register("provide-client-params.dynamodb", ask)
    client.meta.events.register("after-call.dynamodb", count)
    yield units
    client.meta.events.unregister("provide-client-params.dynamodb", ask)
    client.meta.events.unregister("after-call.dynamodb", count)


def units_of_run(aws: Aws, value: Any, waits: int) -> int:
    """Of a run that waits so often and gives back what it was given, until everybody is done with it."""
    pauses = [{"id": f"d{number}", "type": "delay", "config": {"seconds": 7200}} for number in range(waits)]
    echo = {"id": "a", "type": "effect", "config": {"output": "{{ trigger.body }}"}}
    names = [node["id"] for node in [*pauses, echo]]
    world = World(aws)
    with write_units(aws) as units:
        chain = edges(*(f"{one}>{other}" for one, other in pairwise(names)))
        execution_id = world.start(world.workflow({"nodes": [*pauses, echo], "edges": chain}), value)
        world.settle()
    found = world.get(execution_id)
    assert (found.status, found.trigger["body"], found.result) == (Status.SUCCEEDED, value, {"a": value})
    return units["written"]


@pytest.mark.parametrize(
    ("what", "value", "waits", "share"),
    [
        ("a small run", {"n": 1}, 0, 1.0),
        ("a small run of 3 waits", {"n": 1}, 3, 1.0),
        ("a run of 10 KB", noise(10_000), 0, 0.9),
        ("a run of 10 KB and 3 waits", noise(10_000), 3, 0.7),
    ],
)
def test_write_of_a_record_does_not_pay_for_its_payloads(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, what: str, value: Any, waits: int, share: float
):
    now = units_of_run(aws, value, waits)
    monkeypatch.setattr(record_payloads, "_SMALL_BYTES", 10**6)
    within = units_of_run(aws, value, waits)

    FIGURES[f"write units of {what}, payloads in its record"] = within
    FIGURES[f"write units of {what}, as it is"] = now
    assert now <= within * share


def test_payload_beside_a_record_is_found_by_every_reader(aws: Aws):
    value = noise(10_000)
    world = World(aws)
    execution_id = world.start(world.workflow({"nodes": nodes("a")}), value)
    assert len([key for key in items_of(aws, execution_id) if key[1].startswith("META#")]) == 1

    executions = world.repositories.executions
    found = executions.find(execution_id, payloads=True)
    whole = executions.whole(execution_id)
    assert found is not None
    assert whole is not None
    told = [executions.get(WORKSPACE, execution_id), found.execution, whole[0]]
    told.append(executions.with_progress(WORKSPACE, execution_id, at_most=10**6))
    assert {one.trigger["body"] for one in told} == {value}
    assert [item["SK"] for item in whole[1]] == ["META"]
    assert executions.get(WORKSPACE, execution_id, payloads=False).trigger == {}


def test_query_that_has_seen_the_record_alone_reads_the_rest(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """A query and a transaction meet: DynamoDB may show one of the items that are written together."""
    value = noise(10_000)
    world = World(aws)
    execution_id = world.start(world.workflow({"nodes": nodes("a")}), value)
    real = Table.query
    monkeypatch.setattr(
        Table, "query", lambda *given, **named: (one for one in real(*given, **named) if one["SK"] == "META")
    )
    whole = world.repositories.executions.whole(execution_id)
    assert whole is not None
    assert whole[0].trigger["body"] == value


def test_execution_that_is_made_twice_is_found_with_its_trigger(aws: Aws):
    first = execution(trigger={"type": "manual", "body": noise(10_000)})
    other = execution(id=first.id, trigger={"type": "manual", "body": noise(10_000, seed=2)}, secret="other")

    assert aws.executions.create(first, None, "").is_new
    again = aws.executions.create(other, None, "")
    assert (again.is_new, again.execution.trigger) == (False, first.trigger)
    assert len(items_of(aws, first.id)) == 2, "and nothing of the second is kept"


def test_results_of_concurrent_ends_do_not_mix(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")
    aws.executions.finish(made.id, Status.SUCCEEDED, NOW, result={"a": noise(8_000)})
    aws.executions.finish(made.id, Status.SUCCEEDED, NOW, result={"a": noise(8_000, seed=2)})

    assert aws.executions.get("ws-1", made.id).result == {"a": noise(8_000)}


def test_payload_beside_a_record_is_removed_with_it(aws: Aws):
    world = World(aws)
    execution_id = world.start(world.workflow({"nodes": nodes("a")}), noise(10_000))
    world.settle()
    world.pass_time(1)
    world.clock.offset += 91 * DAY

    assert purge(world) == {"purged": 1}
    assert items_of(aws, execution_id) == []
    assert not [one for one in aws.dynamodb.scan(TableName="Automation")["Items"] if execution_id in decode(one)["PK"]]
