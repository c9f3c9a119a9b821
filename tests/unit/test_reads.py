"""Nobody but a driver reads a history whole; what many drivers ask is asked seldom; joins and caches are bounded."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from botocore.model import OperationModel

from engine import limits
from engine.byte_cache import ByteCache
from engine.errors import InvalidInput
from engine.history.events import (
    PendingSignal,
    RecordedValue,
    Signal,
    SignalStatus,
    Stored,
    ValueName,
    WaitKind,
)
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Status
from engine.ids import new_id
from engine.nodes.registry import NodeExecutorFactory
from engine.services.executions.api import ExecutionService
from engine.services.principal import Principal
from engine.storage.execution_store import DynamoStore
from engine.workflow.compiled import prepare, prepare_once
from engine.workflow.definition import WorkflowDefinition
from tests.harness import nodes
from tests.unit.conftest import NOW, Aws
from tests.unit.test_storage import execution, outcome
from tests.world import WORKSPACE, World, execution_service

BODY = {"nodes": [{"id": "x", "type": "effect", "config": {"output": "{{ item }}"}}]}


def noise(size: int, seed: int = 1) -> str:
    return Random(seed).randbytes(size // 2).hex()


class Reads:
    """The bytes and calls that a client reads."""

    def __init__(self, client: Any) -> None:
        self.bytes = 0
        self.calls: Counter[str] = Counter()
        client.meta.events.register("after-call", self._count)

    def _count(self, model: Any, parsed: Any, **_: Any) -> None:
        self.bytes += len(json.dumps(parsed, default=str))
        self.calls[model.name] += 1


@pytest.fixture
def principal() -> Principal:
    return Principal("user-1", "u@example.com", WORKSPACE, "owner", is_admin=False)


def service(world: World) -> ExecutionService:
    return execution_service(world)


# -- waits


def test_reading_pending_signals_reads_no_outcomes_or_outputs(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")
    for number in range(60):
        aws.histories.record(made.ref, outcome(f"n{number}", noise(7_000, number)))
    for number in range(5):
        aws.histories.record(
            made.ref, PendingSignal(f"w{number}", 1, WaitKind.CHILD, NOW, None, {"workflow_id": f"wf-{number}"})
        )
    aws.histories.record(made.ref, PendingSignal("ask", 1, WaitKind.APPROVAL, NOW, None, {"message": "?"}))
    for number in range(4):
        aws.histories.record_signal(
            made.ref, Signal(f"w{number}", 1, NOW, SignalStatus.ANSWERED, noise(7_000, number)), NOW
        )
    reads = Reads(aws.dynamodb)
    found = list(aws.histories.open_waits_for_others(made.ref))

    assert [(wait.path, wait.output) for wait in found] == [("w4", {"workflow_id": "wf-4"})]
    assert reads.bytes < 8_000, "the history has half a megabyte"


def test_snapshot_has_all_pending_signals_and_signals(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")
    wait, signal = (
        PendingSignal("each[3].ask", 2, WaitKind.APPROVAL, NOW, None, {"message": "?"}),
        Signal("each[3].ask", 2, NOW, SignalStatus.ANSWERED, 1, "u"),
    )
    aws.histories.record(made.ref, wait)
    aws.histories.record_signal(made.ref, signal, NOW)
    history = aws.histories.of(aws.executions.partition(made.id))

    assert history.waits == {wait.path: wait}
    assert history.signals == {signal.key: signal}


# -- the API


def test_execution_of_many_nodes_is_shown_page_by_page(aws: Aws, principal: Principal, monkeypatch: Any):
    monkeypatch.setattr(limits, "SHOWN_NODES", 20)
    world = World(aws)
    loop = {"id": "each", "type": "for_each", "config": {"items": "{{ [1..60] }}"}, "body": BODY}
    execution_id = world.start(world.workflow({"nodes": [*nodes("a"), loop]}))
    world.settle()
    shown: list[Any] = []
    after = None
    while True:
        view = service(world).get(principal, execution_id, after)
        shown += view.nodes
        after = view.next_nodes
        if after is None:
            break

    assert [state.id for state in shown] == ["a", "each", *(f"each[{n}].x" for n in range(60))]
    assert [state.output for state in shown[2:]] == list(range(1, 61))
    assert shown[1].progress == {"total": 60, "done": 60, "failed": 0}
    with pytest.raises(InvalidInput, match="nodes_after"):
        service(world).get(principal, execution_id, "nowhere")


def test_outputs_of_other_pages_are_not_read(aws: Aws, principal: Principal, monkeypatch: Any):
    monkeypatch.setattr(limits, "SHOWN_NODES", 10)
    world = World(aws)
    ids = [f"n{number}" for number in range(120)]
    execution_id = world.start(world.workflow({"nodes": nodes(*ids)}))
    for number, path in enumerate(ids):
        aws.histories.record(ExecutionRef(execution_id), outcome(path, noise(6_000, number)))
    reads = Reads(aws.dynamodb)
    view = service(world).get(principal, execution_id, "n9")

    assert [(state.id, state.output) for state in view.nodes] == [
        (f"n{number}", noise(6_000, number)) for number in range(10, 20)
    ]
    assert reads.bytes < 200_000, "the history has 720,000 bytes"


def test_view_equals_the_complete_history(aws: Aws, principal: Principal):
    world = World(aws)
    definition = {
        "nodes": [
            *nodes("a"),
            {"id": "ask", "type": "approval", "config": {"message": "ok?", "approvers": ["u@example.com"]}},
            {"id": "d", "type": "delay", "config": {"seconds": 3600}},
        ]
    }
    execution_id = world.start(world.workflow(definition))
    world.pass_time(1)
    by_id = {state.id: state for state in service(world).get(principal, execution_id).nodes}

    assert by_id["ask"].wait is not None
    assert by_id["ask"].wait.output["approvers"] == ["u@example.com"]
    assert (by_id["a"].status, by_id["d"].status) == ("succeeded", "waiting")


# -- what is in S3


def test_s3_objects_of_a_history_are_read_concurrently(aws: Aws, monkeypatch: Any):
    made = execution()
    aws.executions.create(made, None, "")
    for number in range(12):
        aws.histories.record(made.ref, RecordedValue(f"f{number}", ValueName.ITEMS, noise(20_000, number)))
    items = aws.executions.partition(made.id)
    together, most, lock = 0, 0, threading.Lock()
    real = aws.repositories.payloads.read

    def read(*arguments: Any) -> bytes:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.05)
        content = real(*arguments)
        with lock:
            together -= 1
        return content

    histories = aws.histories
    monkeypatch.setattr(histories._payloads, "read", read)
    entries = histories.events_in(items)

    assert {entry.output for entry in entries} == {noise(20_000, number) for number in range(12)}
    assert 4 < most <= 16


def test_join_reads_objects_concurrently_and_none_if_they_exceed_the_bound(aws: Aws, monkeypatch: Any):
    histories = aws.histories
    parts = [histories._payloads.store(f'["{noise(9_000, number)}"]'.encode(), "e") for number in range(40)]
    inline: list[Any] = ["[1,2]", "[]", *parts, zlib.compress(b"[3]")]
    joined = histories.joined(iter(inline), "e")

    assert isinstance(joined, Stored)
    assert histories.load(joined) == [1, 2, *(noise(9_000, number) for number in range(40)), 3]
    monkeypatch.setattr(limits, "MAX_OUTPUT_BYTES", 300_000)
    reads = Reads(aws.s3)
    assert histories.joined(iter(inline), "e") is None
    assert reads.calls["GetObject"] == 0


def test_join_that_never_succeeds_is_given_up_with_a_reason(aws: Aws, monkeypatch: Any):
    monkeypatch.setattr(limits, "INLINE_ITEMS", 2)
    monkeypatch.setattr(limits, "BATCH_ITEMS", 2)
    world = World(aws)
    loop = {"id": "each", "type": "for_each", "config": {"items": "{{ [1..5] }}"}, "body": BODY}
    execution_id = world.start(world.workflow({"nodes": [loop]}))

    def joined(*_: Any) -> Any:
        world.fate.at = world.fate.points + 1
        world.fate.point()

    monkeypatch.setattr(world.repositories.histories, "joined", joined)
    world.settle()
    error = world.get(execution_id).error

    assert error is not None
    assert error["code"] == "engine_error"
    assert "could not be joined in 10 tries" in error["message"]


# -- big loops


def test_map_workers_check_the_whole_execution_once_a_second(aws: Aws):
    world = World(aws)
    made = execution(workspace_id=WORKSPACE, status=Status.RUNNING)
    aws.executions.create(made, None, "")
    batch = ExecutionRef.of_batch(made.id, "each", 0)
    aws.repositories.map_batches.create_batch(made, batch)
    store = world.engine.store
    asked: Counter[str] = Counter()

    def count(params: dict[str, Any], **_: Any) -> None:
        keys = params["RequestItems"]["Automation"]
        for key in keys["Keys"]:
            if key["PK"]["S"] == f"EXECUTION#{made.id}":
                asked["consistent" if keys["ConsistentRead"] else "eventual"] += 1

    aws.dynamodb.meta.events.register("provide-client-params.dynamodb.BatchGetItem", count)
    for _ in range(50):
        assert world.clock.run(store.check(batch)).status is Status.PENDING
    assert asked == {"eventual": 2}, "its status, and whether the loop has ended"

    aws.executions.finish(made.id, Status.CANCELLED, NOW)
    world.clock.offset += 1.1
    assert world.clock.run(store.check(batch)).status is Status.CANCELLED


def test_map_batches_count_progress_in_several_items(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")
    end = {"status": Status.SUCCEEDED, "at": NOW, "started_at": NOW, "result": [1], "error": None, "bill": None}
    for number in range(40):
        batch = ExecutionRef.of_batch(made.id, "each", number)
        aws.repositories.map_batches.create_batch(made, batch)
        aws.repositories.map_batches.finish_batch(batch, end, (3, 1))
    other = ExecutionRef.of_batch(made.id, "each2", 0)
    aws.repositories.map_batches.create_batch(made, other)
    aws.repositories.map_batches.finish_batch(other, end, (1, 0))
    keys = [item["SK"] for item in aws.executions.partition(made.id) if item["SK"].startswith("PROGRESS#each#")]

    assert len(keys) == 8
    assert {name: aws.repositories.map_batches.progress(made.id, "each")[name] for name in ("done", "failed")} == {
        "done": 120,
        "failed": 40,
    }
    shown = aws.executions.with_progress("ws-1", made.id, 1_000)
    assert shown.progress == {"each": {"done": 120, "failed": 40}, "each2": {"done": 1, "failed": 0}}


# -- answers that were lost


@pytest.mark.parametrize("operation", ["UpdateItem", "PutItem"])
def test_writer_whose_answer_was_lost_knows_its_own_write(aws: Aws, operation: str):
    """What the client does by itself: the write is there, its answer is not, and it is made again."""
    made = execution()
    if operation == "UpdateItem":
        aws.executions.create(made, None, "")
    again = {"left": 1}

    send = aws.dynamodb._endpoint.make_request

    def repeat(model: OperationModel, request: Any) -> Any:
        if again["left"] and model.name == operation:
            again["left"] = 0
            send(model, request)
        return send(model, request)

    aws.dynamodb._endpoint.make_request = repeat
    if operation == "PutItem":
        assert aws.executions.create(made, None, "").is_new
        return
    found = aws.executions.find(made.id)
    assert found is not None
    assert (
        aws.repositories.next_checks.next_driver_attempt(
            found.execution, NOW + timedelta(seconds=60), recovery_attempt=True
        )
        == 2
    )
    again["left"] = 1
    assert aws.executions.finish(made.id, Status.FAILED, NOW) == (Status.FAILED, True)


def test_idempotency_key_that_ttl_has_not_removed_yet_is_over(aws: Aws):
    first = execution()
    second = execution(created_at=NOW + timedelta(hours=23))
    third = execution(created_at=NOW + timedelta(hours=25))

    assert aws.executions.create(first, "key", "r").is_new
    assert not aws.executions.create(second, "key", "r").is_new
    assert aws.executions.create(third, "key", "r").is_new
    assert not aws.executions.create(replace(second, id=new_id()), "key", "r").is_new


# -- memory


def test_cache_is_bounded_by_bytes():
    cache: ByteCache[str] = ByteCache(100)
    made: list[str] = []

    def get(key: str, size: int) -> str:
        def make() -> tuple[str, int]:
            made.append(key)
            return key * 2, size

        return cache.get(key, make)

    assert [get(key, 40) for key in "abab"] == ["aa", "bb", "aa", "bb"]
    get("c", 40)
    get("b", 40)
    get("a", 40)
    assert made == ["a", "b", "c", "a"]
    get("huge", 101)
    get("huge", 101)
    assert made[4:] == ["huge", "huge"]


def test_compiled_definitions_are_cached_by_bytes_not_by_number(aws: Aws):
    factory = NodeExecutorFactory()
    text = "x" * 200_000
    kept = [
        WorkflowDefinition.model_validate({"nodes": [{"id": "a", "type": "transform", "config": {"value": text}}]})
        for _ in range(40)
    ]
    first = prepare(kept[0], factory)
    assert prepare(kept[0], factory) is first
    for one in kept[1:]:
        prepare(one, factory)
    assert prepare(kept[0], factory) is not first
    assert prepare_once(kept[1], factory) is not prepare_once(kept[1], factory)

    store = DynamoStore(aws.repositories)
    assert store._definitions._most < 4 * 1024 * 1024
