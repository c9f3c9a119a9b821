"""The repositories on DynamoDB and S3 (moto): conditions, pages, payloads, and what two at once do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from engine.errors import ExecutionLost, InvalidInput, NotFound
from engine.history.events import HistoryEvent, NodeStatus, Outcome, Stored, Timer
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution, LogLine, Status
from engine.ids import new_id
from engine.storage.execution_lists import Filter
from engine.storage.payloads import OMITTED
from engine.storage.users import User
from engine.storage.workflow_records import Workflow, WorkflowVersion
from engine.storage.workflows import Change
from tests.stored import ANN, delete, publish_version, stored_workflow
from tests.unit.conftest import NOW, Aws

AT = "2026-05-01T09:00:00.000Z"
DEFINITION = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "ü"}}]}


def execution(**changes: Any) -> Execution:
    base = Execution(new_id(), "ws-1", "wf-1", 1, "manual", "user-1", {"type": "manual", "body": {"n": 1}}, NOW)
    return replace(base, **changes)


def find(aws: Aws, execution_id: str) -> Execution:
    found = aws.executions.find(execution_id)
    assert found is not None
    return found.execution


def load(aws: Aws, execution_id: str, at_most: int = 2**30) -> tuple[Execution, list[HistoryEvent]]:
    """The record, and the history with all that is stored elsewhere."""
    items = aws.executions.partition(execution_id)
    entries = [replace(entry, output=aws.histories.load(entry.output)) for entry in aws.histories.events_in(items)]
    return aws.executions.decoded(*aws.executions.with_payloads(items[:1]), at_most=at_most), entries


def outcome(path: str = "a", output: Any = 1, **changes: Any) -> Outcome:
    return replace(Outcome(path, NodeStatus.SUCCEEDED, NOW, NOW + timedelta(seconds=1), "main", output), **changes)


def workflow(aws: Aws, workspace: str = "ws-1") -> Workflow:
    return stored_workflow(aws.workflows, DEFINITION, workspace)


def user(email: str) -> User:
    return User(new_id(), email, None, "hash", is_admin=False, is_active=True, workspace_id=new_id(), created_at=AT)


# -- executions


def test_a_record_comes_back_as_it_was(aws: Aws):
    made = execution()
    assert aws.executions.create(made, None, "").is_new

    assert aws.executions.get("ws-1", made.id) == made


def test_an_execution_of_another_workspace_is_not_there(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")

    with pytest.raises(NotFound):
        aws.executions.get("ws-2", made.id)
    with pytest.raises(NotFound):
        aws.executions.get("ws-1", new_id())


def test_one_idempotency_key_makes_one_execution(aws: Aws):
    first, second, third = execution(), execution(), execution()
    started = aws.executions.create(first, "key", "request")
    again = aws.executions.create(second, "key", "request")
    other = aws.executions.create(third, "key", "another request")

    assert (started.is_new, again.is_new, again.execution.id) == (True, False, first.id)
    assert other.same_request is False
    with pytest.raises(NotFound):
        aws.executions.get("ws-1", second.id)


def test_keys_of_different_workspaces_do_not_meet(aws: Aws):
    assert aws.executions.create(execution(), "key", "r").is_new
    assert aws.executions.create(execution(workspace_id="ws-2"), "key", "r").is_new


def test_the_first_final_status_stands(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")
    first = aws.executions.finish(made.id, Status.CANCELLED, NOW)
    second = aws.executions.finish(made.id, Status.SUCCEEDED, NOW, started_at=NOW, result={"x": 1})
    aws.executions.mark(made.id, Status.RUNNING, NOW)

    assert (first, second) == ((Status.CANCELLED, True), (Status.CANCELLED, False))
    assert aws.executions.get("ws-1", made.id).result is None
    assert find(aws, made.id).status is Status.CANCELLED


def test_missing_execution_raises_execution_lost(aws: Aws):
    for call in (
        lambda: aws.executions.mark("x", Status.RUNNING, NOW),
        lambda: aws.executions.finish("x", Status.FAILED, NOW),
    ):
        with pytest.raises(ExecutionLost):
            call()


def test_first_event_wins_and_later_writers_get_it(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")
    with ThreadPoolExecutor(8) as pool:
        winners = list(pool.map(lambda n: aws.histories.record(made.ref, outcome(output=n), ()), range(8)))
    _, entries = load(aws, made.id)

    assert len({winner.output for winner in winners}) == 1
    assert entries == [winners[0]]


def test_events_of_every_kind_are_read_back(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")
    error = {"code": "x", "message": "y", "details": None}
    written = [
        outcome("ok", {"deep": [1, None, "ü"]}, port="true", attempts=3),
        outcome("bad", None, status="failed", port=None, error=error),
        Timer("later", NOW + timedelta(days=300), NOW, None, None, {"until": "x"}, "main"),
        Timer("again", NOW + timedelta(seconds=9), NOW, 2, error),
    ]
    for entry in written:
        aws.histories.record(made.ref, entry, ())
    aws.histories.record_recomputable(made.ref, [outcome("p1", None), outcome("p2", 2)])
    _, entries = load(aws, made.id)

    assert {entry.key: entry for entry in entries} == {
        entry.key: entry for entry in [*written, outcome("p1", None), outcome("p2", 2)]
    }


def test_outcomes_are_stored_only_with_an_event_that_wins(aws: Aws):
    made = execution()
    aws.executions.create(made, None, "")
    aws.histories.record(made.ref, outcome("effect"), [outcome("pure", 5)])
    aws.histories.record(made.ref, outcome("effect", 9), [outcome("lost", 6)])
    _, entries = load(aws, made.id)

    assert {entry.path: entry.output for entry in entries} == {"effect": 1, "pure": 5}


def noise(size: int, seed: int = 0) -> str:
    """Text that does not compress."""
    return Random(seed).randbytes(size).hex()[:size]


@pytest.mark.parametrize("text", [lambda size, n: "tqro"[n] * size, noise], ids=["even", "noise"])
@pytest.mark.parametrize("size", [10, 8 * 1024 - 2, 8 * 1024, 1_000_000, 5_000_000])
def test_values_of_any_size_come_back_and_items_stay_small(aws: Aws, size: int, text: Callable[[int, int], str]):
    t, q, r, o = (text(size, n) for n in range(4))
    made = execution(trigger={"type": "manual", "body": t})
    aws.executions.create(made, None, "")
    aws.histories.record(made.ref, outcome(output=o), [outcome("p", q)])
    aws.executions.finish(made.id, Status.SUCCEEDED, NOW, started_at=NOW, result=r)
    loaded, entries = load(aws, made.id)
    raw = aws.dynamodb.scan(TableName="Automation")["Items"]

    assert (loaded.trigger["body"], loaded.result) == (t, r)
    assert {entry.path: entry.output for entry in entries} == {"a": o, "p": q}
    assert max(len(str(item)) for item in raw) < 50_000


def test_executions_are_listed_by_workspace_workflow_status_and_time(aws: Aws):
    made = []
    for number in range(7):
        one = execution(workflow_id="wf-1" if number % 2 else "wf-2", created_at=NOW + timedelta(minutes=number))
        aws.executions.create(one, None, "")
        made.append(one.id)
    aws.executions.create(execution(workspace_id="ws-2"), None, "")
    aws.executions.finish(made[1], Status.FAILED, NOW)

    def ids(**wanted: Any) -> list[str]:
        return [one.id for one in aws.executions.page("ws-1", Filter(**wanted), None, 50).items]

    assert ids() == made[::-1]
    assert ids(workflow_id="wf-1") == made[1::2][::-1]
    failed = frozenset({Status.FAILED})
    assert ids(statuses=failed) == [made[1]]
    assert ids(workflow_id="wf-2", statuses=failed) == []
    assert aws.executions.page("ws-2", Filter(workflow_id="wf-1"), None, 50).items[0].workspace_id == "ws-2"


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_hold_everything_once(aws: Aws, limit: int):
    made = [execution() for _ in range(7)]
    for one in made:
        aws.executions.create(one, None, "")
    seen, cursor = [], None
    for _ in range(10):
        page = aws.executions.page("ws-1", Filter(), cursor, limit)
        assert len(page.items) <= limit
        seen += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == [one.id for one in made][::-1]


def test_few_among_many_are_found_over_several_pages(aws: Aws):
    made = [execution() for _ in range(230)]
    for one in made:
        aws.executions.create(one, None, "")
    for one in (made[0], made[115], made[229]):
        aws.executions.finish(one.id, Status.FAILED, NOW)
    found, cursor = [], None
    while True:
        page = aws.executions.page("ws-1", Filter(statuses=frozenset({Status.FAILED})), cursor, 2)
        found += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == [made[229].id, made[115].id, made[0].id]


def test_a_foreign_cursor_is_refused(aws: Aws):
    with pytest.raises(InvalidInput):
        aws.executions.page("ws-1", Filter(), "WORKSPACE#ws-2", 5)


def test_log_lines_come_in_order_and_behind_a_cursor(aws: Aws):
    lines = [LogLine(NOW + timedelta(seconds=n), "info", f"line {n}", "node", {"n": n}) for n in range(9)]
    for start in (0, 4, 5):
        aws.repositories.logs.append(ExecutionRef("e"), lines[start : {0: 4, 4: 5, 5: 9}[start]])
    everything = aws.repositories.logs.read("e", None, 100)

    assert [line for _, line in everything] == lines
    for number, (cursor, _) in enumerate(everything):
        assert [line for _, line in aws.repositories.logs.read("e", cursor, 3)] == lines[number + 1 : number + 4]


# -- workflows


def test_a_workflow_and_its_versions(aws: Aws):
    made = workflow(aws)
    changed = publish_version(aws.workflows, made, {"nodes": []})

    assert (changed.version, changed.published_version, changed.publication) == (2, 2, 2)
    assert aws.workflows.get_version(made.id, 1).definition == DEFINITION
    assert [v.version for v in aws.workflows.versions(made.id, None, 10).items] == [2, 1]
    assert aws.workflows.versions(made.id, None, 1).next_cursor == "2"
    assert [v.version for v in aws.workflows.versions(made.id, 2, 10).items] == [1]


def test_stale_workflow_change_is_refused(aws: Aws):
    made = workflow(aws)
    assert aws.workflows.change(made, Change({"name": "a"})) is not None
    version = WorkflowVersion(made.id, 2, DEFINITION, AT, ANN)
    assert aws.workflows.change(made, Change(version=version)) is None
    assert aws.workflows.change(made, Change({"name": "b"})) is None

    found = aws.workflows.get("ws-1", made.id)
    assert (found.name, found.version, found.revision) == ("a", 1, 2)
    assert [v.version for v in aws.workflows.versions(made.id, None, 10).items] == [1]


def test_a_deleted_workflow_is_gone_but_its_versions_stay(aws: Aws):
    made = workflow(aws)
    delete(aws.workflows, made)

    with pytest.raises(NotFound):
        aws.workflows.get("ws-1", made.id)
    assert aws.workflows.change(replace(made, revision=2), Change({"is_active": True})) is None
    assert aws.workflows.page("ws-1", None, 10).items == []
    assert aws.workflows.count("ws-1") == 0
    assert aws.workflows.get_version(made.id, 1).definition == DEFINITION


def test_workflows_of_other_workspaces_are_not_listed(aws: Aws):
    mine = [workflow(aws).id for _ in range(3)]
    workflow(aws, "ws-2")
    first = aws.workflows.page("ws-1", None, 2)
    rest = aws.workflows.page("ws-1", first.next_cursor, 2)

    assert [w.id for w in first.items + rest.items] == mine[::-1]
    assert rest.next_cursor is None


def test_a_conflict_of_transactions_is_tried_again(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    real, conflicts = aws.dynamodb.transact_write_items, []

    def conflict_first(**arguments: Any) -> Any:
        conflicts.append(1)
        if len(conflicts) < 4:
            reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
            answer = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(answer, "TransactWriteItems")
        return real(**arguments)

    monkeypatch.setattr(aws.dynamodb, "transact_write_items", conflict_first)

    assert aws.executions.create(execution(), "key", "r").is_new
    assert len(conflicts) == 4


def test_half_a_surrogate_pair_comes_back(aws: Aws):
    made = execution(trigger={"type": "manual", "body": "\ud83d"})
    aws.executions.create(made, None, "")
    aws.histories.record(made.ref, outcome(output=["\ud83d", "ü"]), ())
    loaded, entries = load(aws, made.id)

    assert loaded.trigger["body"] == "\ud83d"
    assert entries[0].output == ["\ud83d", "ü"]


def test_a_record_that_is_there_already_is_given(aws: Aws):
    """When somebody else has started what both of us were to start; a write of one's own is known by its secret."""
    made = execution(secret="mine")

    assert aws.executions.create(made, None, "").is_new
    assert aws.executions.create(made, None, "").is_new, "the answer to the first was lost"
    again = aws.executions.create(replace(made, secret="another's"), None, "")
    assert (again.is_new, again.same_request, again.execution) == (False, True, made)


def test_no_version_is_listed_below_the_first(aws: Aws):
    assert aws.workflows.versions(workflow(aws).id, 1, 10).items == []


def test_values_too_large_to_show_are_not_read(aws: Aws):
    made = execution(trigger={"type": "manual", "body": noise(20_000)})
    aws.executions.create(made, None, "")
    aws.histories.record(made.ref, outcome(output=noise(20_000)), ())
    loaded, _ = load(aws, made.id, 10_000)
    entries = aws.histories.events_in(aws.executions.partition(made.id))

    assert loaded.trigger["body"] is OMITTED
    assert isinstance(entries[0].output, Stored)
    assert aws.executions.get("ws-1", made.id, payloads=False).trigger == {}
