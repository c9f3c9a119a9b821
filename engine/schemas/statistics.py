"""Bodies of statistics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.schemas.common import Answer


class Sums(Answer):
    """Sums over executions that have ended. Test runs are in none but their own."""

    runs: int = Field(description="All but test runs.")
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    duration_ms: int = Field(description="From their first steps to their ends, all together.")
    dollars: float = Field(description="At list price.")
    tests: int
    test_dollars: float


class StatisticsItem(Sums):
    """The sums of one day, or of one workflow."""

    day: str | None
    workflow_id: str | None
    workflow_name: str | None


class StatisticsAnswer(Answer):
    """What has run in a span of days of UTC, both included."""

    first: str = Field(alias="from")
    last: str = Field(alias="to")
    by: Literal["day", "workflow"]
    items: list[StatisticsItem]
    total: Sums
