"""Cron in EventBridge's words is the same schedule: against cronsim's times, in every zone, and back without loss."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.triggers import cron
from engine.triggers.schedule import ScheduleConfig
from tests.figures import FIGURES

ZONES = sorted(zone for zone in available_timezones() if "/" in zone)
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def numbers(low: int, high: int, names: list[str] | None = None) -> st.SearchStrategy[str]:
    """A cron field: numbers, names, ranges, steps, lists of them."""
    number = st.integers(low, high).map(str)
    if names:
        number = st.one_of(number, st.sampled_from(names))
    span = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda ends: f"{min(ends)}-{max(ends)}")
    step = st.integers(1, max(2, high // 2))
    part = st.one_of(
        number, span, st.builds("{}/{}".format, st.one_of(st.just("*"), span, st.integers(low, high)), step)
    )
    return st.one_of(st.just("*"), part, st.lists(part, min_size=2, max_size=4).map(",".join))


DAYS = st.one_of(numbers(1, 31), st.sampled_from(["L", "LW", "15,L"]))
WEEKDAY = st.one_of(
    numbers(0, 7, WEEKDAYS),
    st.builds("{}#{}".format, st.integers(0, 7), st.integers(1, 5)),
    st.builds("{}L".format, st.integers(0, 6)),
)
CRONS = st.tuples(numbers(0, 59), numbers(0, 23), DAYS, numbers(1, 12, MONTHS), WEEKDAY).map(" ".join)
MOMENTS = st.integers(1_704_067_200, 1_893_456_000).map(
    lambda second: datetime.fromtimestamp(second, UTC).replace(tzinfo=None)
)


def field(text: str, low: int, high: int) -> set[int]:
    """The numbers that a field of EventBridge names."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        end = int(last) if last else high if step else int(first)
        found |= set(range(int(first), end + 1, int(step or 1)))
    return found


def day_fits(day: str, weekday: str, moment: datetime) -> bool:
    """Whether a day is one that the two day fields name; exactly one of them is `?`, as EventBridge insists."""
    assert (day == "?") != (weekday == "?")
    last = (moment.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    if day == "L":
        return moment.day == last.day
    if day == "LW":
        while last.weekday() > 4:
            last -= timedelta(days=1)
        return moment.day == last.day
    if day != "?":
        return moment.day in field(day, 1, 31)
    own = moment.isoweekday() % 7 + 1  # Sunday is 1
    if "#" in weekday:
        wanted, nth = weekday.split("#")
        return own == int(wanted) and (moment.day - 1) // 7 + 1 == int(nth)
    if weekday.endswith("L"):
        return own == int(weekday[:-1]) and moment.day + 7 > last.day
    return own in field(weekday, 1, 7)


def aws_times(expressions: tuple[str, ...], after: datetime, until: datetime) -> list[datetime]:
    """All wall-clock times of EventBridge's expressions in a span, each once: written from its documentation."""
    found: set[datetime] = set()
    for expression in expressions:
        minute, hour, day, month, weekday, year = expression.removeprefix("cron(").removesuffix(")").split()
        assert year == "*"
        assert len(expression) <= 256
        minutes, hours, months = field(minute, 0, 59), field(hour, 0, 23), field(month, 1, 12)
        date = after.replace(hour=0, minute=0, second=0)
        while date <= until:
            if date.month in months and day_fits(day, weekday, date):
                found |= {date.replace(hour=h, minute=m) for h in hours for m in minutes}
            date += timedelta(days=1)
    return sorted(moment for moment in found if after < moment <= until)


def known(text: str) -> tuple[str, ...]:
    try:
        return cron.to_aws(text)
    except cron.BadCron:
        assume(False)
        raise


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(CRONS, MOMENTS)
def test_the_same_times(text: str, after: datetime):
    expressions = known(text)
    until = after + timedelta(days=33)
    wanted = list(takewhile(CronSim(text, after), until))

    assert aws_times(expressions, after, until) == wanted
    FIGURES["cron expressions compared with EventBridge's"] += 1


def takewhile(times: Any, until: datetime) -> Iterator[datetime]:
    for moment in times:
        if moment > until:
            return
        yield moment


@settings(max_examples=500, deadline=None)
@given(CRONS)
def test_back_without_loss(text: str):
    expressions = known(text)
    back = cron.from_aws(expressions)

    assert cron.parse(back) == cron.parse(text)
    assert cron.to_aws(back) == expressions


def strange(zone: ZoneInfo, moment: datetime) -> bool:
    """Whether clocks change within a day of a moment."""
    days = [(moment + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in range(-30, 31, 6)]
    return len(set(days)) > 1


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(CRONS, st.sampled_from(ZONES), MOMENTS)
def test_the_same_times_in_every_zone(text: str, zone_name: str, moment: datetime):
    known(text)
    zone = ZoneInfo(zone_name)
    after = moment.replace(tzinfo=UTC)
    found = list(islice(ScheduleConfig(cron=text, timezone=zone_name).after(after), 5))
    wanted = list(islice(CronSim(text, after.astimezone(zone)), 5))
    if any(strange(zone, one) for one in (after, *found, *wanted)):
        return  # cronsim does on such days as Debian's cron does; EventBridge has rules of its own, tried below
    assert found == [one.astimezone(UTC) for one in wanted]
    FIGURES["zones and moments compared with cronsim's"] += 1


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    CRONS, st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"]), MOMENTS
)
def test_when_clocks_change_each_wall_clock_time_comes_once_if_it_exists(text: str, zone_name: str, moment: datetime):
    known(text)
    zone = ZoneInfo(zone_name)
    after = moment.replace(tzinfo=UTC)
    config = ScheduleConfig(cron=text, timezone=zone_name)
    found = list(islice(config.after(after), 60))
    walls = [one.astimezone(zone).replace(tzinfo=None) for one in found]
    assert found == sorted(set(found))
    assert walls == sorted(set(walls))
    for one in found:
        assert config.due(one) == one
        late = one + timedelta(seconds=40)
        assert config.due(late, timedelta(seconds=60)) == one
        assert config.due(late) is None or config.due(late) == one
    if found:
        start = after.astimezone(zone).replace(tzinfo=None)
        every = set(takewhile(CronSim(text, start), walls[-1]))
        for left_out in every - set(walls):
            made = left_out.replace(tzinfo=zone)
            is_there = made.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == left_out
            assert not is_there or made.astimezone(UTC) <= after


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("* * * *", "has 4"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day-of-month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day-of-week"),
        ("0 0 30 2 *", "day-of-month"),
        ("0 0 */2 * 1", "write its days out"),
        ("cron(15 10 ? * 2-6 *)", "`15 10 * * 1-5`"),
        ("cron(0 18 ? * MON-FRI 2026)", "EventBridge's form"),
        ("", "has 0"),
        ("a b c d e", "minute"),
        ("é * * * *", "minute"),
    ],
)
def test_what_is_no_cron_is_told_what_is_wrong(text: str, why: str):
    with pytest.raises(cron.BadCron, match=why.replace("`", ".").replace("*", ".")):
        cron.to_aws(text)
