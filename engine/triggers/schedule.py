"""`schedule`: starts executions at the times of a cron expression, at an interval, or once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue, field_validator, model_validator

from engine.time_zones import ZoneName
from engine.triggers import cron, eventbridge_cron
from engine.triggers.config import FIRST, Moment, TriggerConfig, check_span, moment_of

_EVERY = re.compile(r"^(\d{1,5}) (minutes?|hours?|days?)$", re.ASCII)
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_LOCAL_TIME = "%Y-%m-%dT%H:%M:%S"
_EXACT = timedelta(seconds=1)


class ScheduleConfig(TriggerConfig):
    """Starts at times: every Monday at nine, every ten minutes, or once."""

    cron: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="Five fields, such as `30 9 * * 1-5`, or `@daily` and the like."
    )
    every: str | None = Field(default=None, max_length=20, description="`5 minutes`, `2 hours`, `1 day`.")
    at: str | None = Field(
        default=None, max_length=40, description="Once: `2026-12-24T18:00:00` in `timezone`, or with an offset."
    )
    timezone: ZoneName = "UTC"
    start: Moment | None = Field(default=None, description="Not before; the times of `every` count from it.")
    end: Moment | None = Field(default=None, description="Not after.")
    flexible_minutes: int | None = Field(
        default=None, ge=1, le=1440, description="It may come so much later, which spreads load."
    )
    overlap: Literal["allow", "skip", "queue"] = Field(
        default="allow",
        description="If the execution of the time before has not ended: `skip` this one, or `queue` it.",
    )
    input: JsonValue = Field(default=None, description="`trigger.body` of each execution.")

    @field_validator("cron")
    @classmethod
    def _known_cron(cls, expression: str | None) -> str | None:
        if expression is not None:
            eventbridge_cron.to_aws(expression)
        return expression

    @field_validator("every")
    @classmethod
    def _known_every(cls, every: str | None) -> str | None:
        if every is not None and _interval(every) is None:
            raise ValueError(f"`5 minutes`, `2 hours`, `1 day` and the like are expected; `{every}` is none")
        return every

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(value is not None for value in (self.cron, self.every, self.at)) != 1:
            raise ValueError("a schedule has one of `cron`, `every` and `at`")
        if self.at is not None:
            self._once()
            if self.start or self.end:
                raise ValueError("what comes once, `at` a time, has no `start` and `end`")
        if self.start_at is not None and self.end_at is not None and self.end_at <= self.start_at:
            raise ValueError("`end` is not after `start`")
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)

    @property
    def expressed_in(self) -> str:
        """The time zone of `expressions`."""
        return self.timezone if self.cron is not None else "UTC"

    @property
    def start_at(self) -> datetime | None:
        """`start`, in UTC."""
        return moment_of(self.start)

    @property
    def end_at(self) -> datetime | None:
        """`end`, in UTC."""
        return moment_of(self.end)

    @property
    def interval(self) -> timedelta | None:
        """The time between two firings of `every`."""
        return _interval(self.every or "")

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the schedule's times after a moment, in UTC."""
        start, end = self.start_at, self.end_at
        if start is not None and start > moment:
            moment = start - timedelta(microseconds=1)
        for found in self._after(moment):
            if end is not None and found > end:
                return
            yield found

    def _after(self, moment: datetime) -> Iterator[datetime]:
        if self.at is not None:
            once = self._once()
            if once > moment:
                yield once
        elif self.cron is not None:
            yield from cron.after(self.cron, moment, self.zone)
        elif self.interval is not None:
            following = self._tick(moment)
            while True:
                following += self.interval
                yield following

    def due(self, moment: datetime, tolerance: timedelta = _EXACT) -> datetime | None:
        """Return the scheduled time that a firing at `moment`, at most `tolerance` late, is for; None without one.

        When clocks are set back, both of two equal wall-clock times stand for the first. Any moment within an interval
        stands for the interval's beginning, because EventBridge keeps where an interval begins, and that differs after
        a repair.
        """
        start, end = self.start_at, self.end_at
        if self.interval is not None:
            found: datetime | None = self._tick(moment + _EXACT)
        elif self.cron is not None:
            found = cron.latest(self.cron, moment + _EXACT, self.zone)
            if found is None or self._wall(moment) - self._wall(found) > tolerance:
                return None
        else:
            found = self._once()
            if not -_EXACT <= moment - found <= tolerance:
                return None
        if found is None or (start is not None and found < start) or (end is not None and found > end):
            return None
        return found

    def expected_after(self, moment: datetime) -> datetime | None:
        """Return when the next firing is overdue: the next time, plus the tolerated delay."""
        following = next(self.after(moment), None)
        return following + self._window if following else None

    def is_expected(self, moment: datetime) -> bool:
        """Return whether `expected_after` may return this moment."""
        return self.due(moment - self._window) == moment - self._window

    @property
    def _window(self) -> timedelta:
        return timedelta(minutes=self.flexible_minutes or 0)

    def expressions(self) -> tuple[str, ...]:
        """Return the schedule in EventBridge Scheduler's syntax; times are those of `expressed_in`."""
        if self.cron is not None:
            return eventbridge_cron.to_aws(self.cron)
        if self.at is not None:
            return (f"at({self._once().strftime(_LOCAL_TIME)})",)
        number, unit = (self.every or "").split()
        unit = unit.rstrip("s")
        return (f"rate({int(number)} {unit if int(number) == 1 else unit + 's'})",)

    def first_tick(self, moment: datetime) -> datetime | None:
        """Return when an interval that is registered with EventBridge now must begin; None for other schedules."""
        if self.interval is None:
            return None
        return next(self.after(moment), None)

    def _tick(self, moment: datetime) -> datetime:
        """Return the last multiple of the interval that is not after a moment."""
        assert self.interval is not None
        anchor = self.start_at or FIRST
        return anchor + (moment - anchor) // self.interval * self.interval

    def _wall(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def _once(self) -> datetime:
        """Return the moment of `at`.

        Raises:
            ValueError: the text is no time, or a clock change skips it.
        """
        text = self.at or ""
        message = f"`at` is a time such as 2026-12-24T18:00:00; `{text}` is not"
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                found: datetime | None = moment.astimezone(UTC).replace(microsecond=0)
            else:
                found = cron.to_utc(moment.replace(microsecond=0), self.zone)
        except (ValueError, OverflowError):
            raise ValueError(message) from None
        if "T" not in text.upper():
            raise ValueError(message)
        if found is None:
            raise ValueError(f"the clocks of {self.timezone} leave out {text}")
        check_span(found)
        return found


def _interval(every: str) -> timedelta | None:
    found = _EVERY.match(every)
    if not found or int(found[1]) == 0:
        return None
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2].rstrip("s")])
