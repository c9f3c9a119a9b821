"""However ends are told - twice, late, in any order, with writes whose answers are lost - each counts once."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.history.model import FINAL_STATUSES
from engine.storage.statistics import Counts, EndedExecution, StatisticsRepository
from tests.unit.conftest import aws_in_memory

FIRST = date(2026, 5, 1)
ended = st.builds(
    EndedExecution,
    id=st.integers(0, 30).map(lambda number: f"e{number}"),
    workspace_id=st.just("ws"),
    workflow_id=st.sampled_from(["w1", "w2"]),
    workflow_name=st.just("w"),
    day=st.integers(0, 2).map(lambda days: FIRST + timedelta(days=days)),
    status=st.sampled_from(sorted(FINAL_STATUSES)),
    duration_ms=st.integers(0, 10_000),
    nano_dollars=st.integers(0, 10_000),
    is_test=st.booleans(),
)


def brute_force(told: list[EndedExecution]) -> dict[tuple[date, str], Counts]:
    sums: dict[tuple[date, str], Counts] = defaultdict(Counts)
    for one in told:
        sums[one.day, one.workflow_id] += Counts.of(one)
    return dict(sums)


numbers = itertools.count()


@pytest.fixture(scope="module")
def repository() -> Iterator[StatisticsRepository]:
    with aws_in_memory() as aws:
        yield StatisticsRepository(aws.automation)


def own(runs: list[EndedExecution]) -> tuple[str, list[EndedExecution]]:
    """The same runs in a workspace of their own."""
    workspace = f"ws-{next(numbers)}"
    return workspace, [replace(one, id=f"{workspace}-{one.id}", workspace_id=workspace) for one in runs]


def counted(repository: StatisticsRepository, workspace: str) -> dict[tuple[date, str], Counts]:
    found = repository.between(workspace, FIRST, FIRST + timedelta(days=40))
    return {(one.day, one.workflow_id): one.counts for one in found}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ended, max_size=12, unique_by=lambda one: one.id),
    st.data(),
    st.lists(st.sampled_from(["", "", "before", "after"]), min_size=8, max_size=8),
)
def test_each_end_is_counted_once(
    repository: StatisticsRepository, made: list[EndedExecution], data: Any, troubles: list[str]
):
    workspace, runs = own(made)
    real, pending = repository._table.transact, list(troubles)

    def troubled(writes: Any) -> None:
        trouble = pending.pop() if pending else ""
        if trouble == "before":
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "TransactWriteItems")
        real(writes)
        if trouble == "after":  # it is done, and who did it does not know
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "TransactWriteItems")

    with patch.object(repository._table, "transact", troubled):
        left = list(runs)
        while left:
            batch = [left[-1], *data.draw(st.lists(st.sampled_from(runs), max_size=5))]  # some for the second time
            try:
                repository.count(batch)
            except ClientError:
                continue  # the stream tells all of them again, among others
            left.pop()

    assert counted(repository, workspace) == brute_force(runs)


def test_ends_beyond_one_transaction_are_counted(repository: StatisticsRepository):
    statuses = sorted(FINAL_STATUSES)
    workspace, runs = own(
        [EndedExecution(f"e{n}", "", f"w{n % 60}", "w", FIRST, statuses[n % 4], 1, 1) for n in range(250)]
    )
    repository.count(runs)
    repository.count(runs[::-1])

    assert counted(repository, workspace) == brute_force(runs)
