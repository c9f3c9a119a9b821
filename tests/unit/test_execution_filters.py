"""Filters of the list of executions are answered by indexes: no record is read but of those that are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from engine.history.model import OPEN_STATUSES, Execution, Status
from engine.ids import new_id
from engine.storage.execution_lists import Filter
from tests.unit.conftest import NOW, Aws

WS = "ws-1"


def made(aws: Aws, status: Status | None = None, **attributes: Any) -> str:
    execution = Execution(new_id(), WS, "wf-1", 1, "manual", None, {"type": "manual", "body": None}, NOW)
    execution = replace(execution, **{"workflow_name": "Orders", **attributes})
    aws.executions.create(execution, None, "")
    if status is not None and status.is_final:
        aws.executions.finish(execution.id, status, NOW)
    elif status is not None:
        aws.executions.mark(execution.id, status, NOW, NOW + timedelta(hours=1))
    return execution.id


def listed(aws: Aws, limit: int = 50, **wanted: Any) -> list[str]:
    """All of a list, page by page."""
    found, cursor = [], None
    for _ in range(100):
        page = aws.executions.page(WS, Filter(**wanted), cursor, limit)
        assert len(page.items) <= limit
        found += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


@contextmanager
def records_read(aws: Aws) -> Iterator[list[int]]:
    """How many records are read, call by call."""
    real, counts = aws.automation.get_many, []

    def counted(keys: Any, *more: Any, **named: Any) -> Any:
        counts.append(len(keys))
        return real(keys, *more, **named)

    type(aws.automation).get_many, before = lambda _self, *a, **n: counted(*a, **n), type(aws.automation).get_many
    yield counts
    type(aws.automation).get_many = before  # type: ignore[method-assign]


def test_failed_and_open_executions_are_found_among_many(aws: Aws):
    waiting = made(aws, Status.WAITING)
    failed = made(aws, Status.FAILED)
    other = made(aws, Status.TIMED_OUT, workflow_id="wf-2")
    for _ in range(60):
        made(aws, Status.SUCCEEDED)
    pending = made(aws)

    with records_read(aws) as counts:
        assert listed(aws, statuses=frozenset({Status.FAILED})) == [failed]
        assert listed(aws, statuses=frozenset({Status.FAILED, Status.TIMED_OUT}), limit=1) == [other, failed]
        assert listed(aws, statuses=frozenset({Status.TIMED_OUT}), workflow_id="wf-1") == []
        assert listed(aws, statuses=frozenset({Status.WAITING})) == [waiting]
        assert listed(aws, statuses=OPEN_STATUSES, limit=1) == [pending, waiting]
    assert sum(counts) <= 12
    assert len(listed(aws, statuses=frozenset({Status.SUCCEEDED}), limit=7)) == 60


def test_names_types_and_test_runs_are_filtered_by_the_index(aws: Aws):
    invoice = made(aws, workflow_name="Große Rechnung")
    hook = made(aws, trigger_type="webhook")
    test = made(aws, is_test=True)
    for _ in range(30):
        made(aws)

    with records_read(aws) as counts:
        assert listed(aws, text="rechn") == [invoice]
        assert listed(aws, text="GROSSE") == [invoice]
        assert listed(aws, text=hook[:-1]) == [hook]
        assert listed(aws, trigger_type="webhook") == [hook]
        assert listed(aws, trigger_type="webhook", workflow_id="wf-1") == [hook]
        assert listed(aws, is_test=True) == [test]
        assert listed(aws, text="nothing") == []
    assert sum(counts) == 6
    assert len(listed(aws, is_test=False)) == 32


def test_all_filters_fit_together(aws: Aws):
    ids = [
        made(aws, status, trigger_type=kind, workflow_id=workflow, created_at=NOW + timedelta(minutes=number))
        for number, (status, kind, workflow) in enumerate(
            (status, kind, workflow)
            for status in (Status.FAILED, Status.SUCCEEDED, Status.RUNNING, None)
            for kind in ("manual", "webhook")
            for workflow in ("wf-1", "wf-2")
        )
    ]
    for status, offset in ((Status.FAILED, 0), (Status.SUCCEEDED, 4), (Status.RUNNING, 8), (Status.PENDING, 12)):
        for at, (kind, workflow) in enumerate((k, w) for k in ("manual", "webhook") for w in ("wf-1", "wf-2")):
            found = listed(aws, statuses=frozenset({status}), trigger_type=kind, workflow_id=workflow, text="order")
            assert found == [ids[offset + at]]


def test_a_run_that_succeeds_is_in_no_index_of_ends(aws: Aws):
    fine, failed = made(aws, Status.SUCCEEDED), made(aws, Status.FAILED)
    records = aws.executions.attributes([fine, failed])
    assert "outcome_key" not in records[fine]
    assert records[failed]["outcome_key"] == records[failed]["workspace_key"]
