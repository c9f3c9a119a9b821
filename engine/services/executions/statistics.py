"""Statistics of executions: sums by day or by workflow."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any, Literal

from engine.clock import Clock
from engine.errors import InvalidInput
from engine.schemas.statistics import StatisticsAnswer, StatisticsItem, Sums
from engine.services.principal import Principal
from engine.storage.repositories import Repositories
from engine.storage.statistics import Counts

MOST_DAYS = 366
FIRST_DAY = date(2000, 1, 1)
"""There are no executions before this day."""
_DAYS = 30
_NANO = 1_000_000_000


class Statistics:
    """Reads sums, for one caller at a time."""

    def __init__(self, repositories: Repositories, clock: Clock) -> None:
        self._statistics = repositories.statistics
        self._clock = clock

    def of(
        self,
        principal: Principal,
        first: date | None,
        last: date | None,
        by: Literal["day", "workflow"],
        workflow_id: str | None = None,
    ) -> StatisticsAnswer:
        """Return the sums of a span of days, both included; by default the end is today, and the span 30 days.

        Raises:
            InvalidInput: the span is too long, or ends before it begins.
        """
        last = last or self._clock.now().date()
        if last < FIRST_DAY:
            raise InvalidInput.at("to", f"it is before {FIRST_DAY}")
        first = first or last - timedelta(days=_DAYS - 1)
        if first > last:
            raise InvalidInput.at("from", "it is after `to`")
        if (last - first).days >= MOST_DAYS:
            raise InvalidInput.at("from", f"a span has at most {MOST_DAYS} days")
        by_day: dict[date, Counts] = defaultdict(Counts)
        by_workflow: dict[str, Counts] = defaultdict(Counts)
        names: dict[str, str] = {}
        total = Counts()
        for one in self._statistics.between(principal.workspace_id, first, last):
            if workflow_id not in (None, one.workflow_id):
                continue
            by_day[one.day] += one.counts
            by_workflow[one.workflow_id] += one.counts
            names[one.workflow_id] = one.workflow_name
            total += one.counts
        if by == "day":
            days = (first + timedelta(days=number) for number in range((last - first).days + 1))
            items = [_item(by_day[day], day=day.isoformat()) for day in days]
        else:
            ordered = sorted(by_workflow.items(), key=lambda pair: (-pair[1].runs, pair[0]))
            items = [_item(counts, workflow_id=one, workflow_name=names[one]) for one, counts in ordered]
        span = {"from": first.isoformat(), "to": last.isoformat()}
        return StatisticsAnswer.model_validate({**span, "by": by, "items": items, "total": Sums(**_sums(total))})


def _item(
    counts: Counts, day: str | None = None, workflow_id: str | None = None, workflow_name: str | None = None
) -> StatisticsItem:
    return StatisticsItem(**_sums(counts), day=day, workflow_id=workflow_id, workflow_name=workflow_name)


def _sums(counts: Counts) -> dict[str, Any]:
    return {
        "runs": counts.runs,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "timed_out": counts.timed_out,
        "cancelled": counts.cancelled,
        "duration_ms": counts.duration_ms,
        "dollars": counts.nano_dollars / _NANO,
        "tests": counts.tests,
        "test_dollars": counts.test_nano_dollars / _NANO,
    }
