"""Counts of executions by workspace, day and workflow: added up as executions end, each of them once.

The end of an execution is reported at least once, perhaps late, and with any others. So each execution leaves a mark,
in the same transaction as the counts; a mark outlives all that could report the end again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

from engine.errors import Unavailable
from engine.history.model import Status
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import ConditionFailed, Put, Table

_TOGETHER = 80
"""Executions of one transaction, which has at most a hundred entries: their marks, and the changed counts."""
_TRIES = 5
_MARK_DAYS = 40
"""Streams repeat records within a day; failed reports are kept for thirty days."""


@dataclass(frozen=True, slots=True)
class EndedExecution:
    """What is counted of one execution. Dollars are in billionths, so that sums are exact."""

    id: str
    workspace_id: str
    workflow_id: str
    workflow_name: str
    day: date
    status: Status
    duration_ms: int
    nano_dollars: int
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over production runs, and over test runs."""

    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    cancelled: int = 0
    duration_ms: int = 0
    nano_dollars: int = 0
    tests: int = 0
    test_nano_dollars: int = 0

    @property
    def runs(self) -> int:
        """The number of production runs."""
        return self.succeeded + self.failed + self.timed_out + self.cancelled

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Counts)))

    @classmethod
    def of(cls, ended: EndedExecution) -> Counts:
        """Return the counts of one execution."""
        if ended.is_test:
            return cls(tests=1, test_nano_dollars=ended.nano_dollars)
        spent = cls(duration_ms=ended.duration_ms, nano_dollars=ended.nano_dollars)
        return spent + cls(**{str(ended.status): 1})


@dataclass(frozen=True, slots=True)
class DayOfWorkflow:
    """The counts of one workflow on one day (UTC)."""

    day: date
    workflow_id: str
    workflow_name: str
    counts: Counts


class StatisticsRepository:
    """Reads and writes the counts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def count(self, ended: Iterable[EndedExecution]) -> None:
        """Count executions, except those that were counted before.

        Raises:
            Unavailable: not all were counted; a repeated call counts the others.
        """
        by_workspace: dict[str, dict[str, EndedExecution]] = defaultdict(dict)
        for one in ended:
            by_workspace[one.workspace_id][one.id] = one
        for found in by_workspace.values():
            chosen = sorted(found.values(), key=lambda one: (one.day, one.workflow_id, one.id))
            for group in _groups(chosen):
                self._count_together(group)

    def _count_together(self, group: Sequence[EndedExecution]) -> None:
        left = list(group)
        for _ in range(_TRIES):
            if not left:
                return
            try:
                self._table.transact([*map(_mark, left), *self._changes(left)])
            except ConditionFailed:
                marks = self._table.get_many([_mark_key(one.id) for one in left], ("day",))
                left = [one for one in left if _mark_key(one.id) not in marks]
            else:
                return
        raise Unavailable("others count the same executions; try again")

    def _changes(self, group: Sequence[EndedExecution]) -> Iterator[dict[str, object]]:
        sums: dict[tuple[str, str], Counts] = defaultdict(Counts)
        names: dict[tuple[str, str], str] = {}
        for one in group:
            key = _key(one.workspace_id, one.day, one.workflow_id)
            sums[key] += Counts.of(one)
            names[key] = one.workflow_name
        for key, counts in sums.items():
            amounts = {one.name: amount for one in fields(Counts) if (amount := getattr(counts, one.name))}
            yield self._table.update_entry(*key, update_arguments({"workflow_name": names[key]}, (), "", {}, amounts))

    def between(self, workspace_id: str, first: date, last: date) -> Iterator[DayOfWorkflow]:
        """Return the counts of the days from the first to the last, both included."""
        after, before = first.isoformat(), f"{last.isoformat()}~"
        for item in self._table.query(f"STATISTICS#{workspace_id}", after=after, before=before):
            yield _day_of_workflow(item)


def _groups(ended: Sequence[EndedExecution]) -> Iterator[list[EndedExecution]]:
    """Yield groups that fit into one transaction each: marks, and one entry for each day of a workflow."""
    group: list[EndedExecution] = []
    places: set[tuple[date, str]] = set()
    for one in ended:
        if group and len(group) + len(places | {(one.day, one.workflow_id)}) >= _TOGETHER:
            yield group
            group, places = [], set()
        group.append(one)
        places.add((one.day, one.workflow_id))
    if group:
        yield group


def _mark(ended: EndedExecution) -> Put:
    pk, sk = _mark_key(ended.id)
    expires = ended.day + timedelta(days=_MARK_DAYS)
    expires_at = (expires - date(1970, 1, 1)).days * 86_400
    return Put({"PK": pk, "SK": sk, "day": ended.day.isoformat(), "expires_at": expires_at})


def _mark_key(execution_id: str) -> tuple[str, str]:
    return f"COUNTED#{execution_id}", "META"


def _key(workspace_id: str, day: date, workflow_id: str) -> tuple[str, str]:
    return f"STATISTICS#{workspace_id}", f"{day.isoformat()}#{workflow_id}"


def _day_of_workflow(item: Item) -> DayOfWorkflow:
    day, _, workflow_id = item["SK"].partition("#")
    counts = Counts(**{one.name: int(item.get(one.name, 0)) for one in fields(Counts)})
    return DayOfWorkflow(date.fromisoformat(day), workflow_id, item["workflow_name"], counts)
