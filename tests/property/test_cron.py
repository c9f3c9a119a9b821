"""Cron in EventBridge's words is the same schedule: against cronsim's times, in every zone, and back without loss."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.triggers import cron, eventbridge_cron
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
        return eventbridge_cron.to_aws(text)
    except cron.BadCron:
        assume(False)
        raise


@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(CRONS, MOMENTS)
def test_same_times_as_a_reference_implementation(text: str, after: datetime):
    """Of 33 days, or the first thousand, since those of each minute are 47,520."""
    expressions = known(text)
    until = after + timedelta(days=33)
    wanted = list(islice(takewhile(CronSim(text, after), until), 1_000))
    until = wanted[-1] if len(wanted) == 1_000 else until

    found = aws_times(expressions, after, until)
    if "LW" in text:  # EventBridge is told the days that may be it; what is not due is refused
        those = set(wanted)
        found = [one for one in found if one in those]
    assert found == wanted
    FIGURES["cron expressions compared with EventBridge's"] += 1


def takewhile(times: Any, until: datetime) -> Iterator[datetime]:
    for moment in times:
        if moment > until:
            return
        yield moment


@settings(max_examples=500, deadline=None)
@given(CRONS)
def test_eventbridge_expressions_convert_back_without_loss(text: str):
    expressions = known(text)
    assume("LW" not in text)  # which EventBridge has no word for
    back = cron.from_aws(expressions)

    assert cron.parse(back) == cron.parse(text)
    assert eventbridge_cron.to_aws(back) == expressions


@cache
def days_of(year: int, month: int) -> list[date]:
    days = [date(year, month, 1) + timedelta(days=n) for n in range(31)]
    return [one for one in days if one.month == month]


def meant(special: str, day: date) -> bool:
    """Whether a day is the one that is meant, found by looking at the days of its month."""
    month = days_of(day.year, day.month)
    if special.startswith("L-"):
        return month[::-1][int(special[2:]) :][:1] == [day]
    wanted = int(special[:-1])
    if wanted > len(month):
        return False
    weekdays = [one for one in month if one.weekday() < 5]
    return day == min(weekdays, key=lambda one: (abs(one.day - wanted), one.day < wanted))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["15W", "1W", "31W", "30W", "L-1", "L-3", "L-30"]), st.sampled_from(["*", "2", "2,4,12"]),
    st.sampled_from(["*", "MON", "?", "5L"]), st.sampled_from(["", ",7", ",L"]), MOMENTS,
)  # fmt: skip
def test_last_and_nearest_days_match_eventbridge(special: str, months: str, weekday: str, more: str, after: datetime):
    text = f"30 9 {special}{more} {months} {weekday}"
    assume((special, months) not in {("31W", "2"), ("30W", "2"), ("L-30", "2")})  # some of them never come
    every = ScheduleConfig(cron=text)
    start = after.replace(hour=0, minute=0, second=0)
    until = start + timedelta(days=800)

    def counts(day: date) -> bool:
        following = day + timedelta(days=1)
        named = meant(special, day) or (more == ",7" and day.day == 7) or (more == ",L" and following.day == 1)
        on_weekday = weekday == "MON" and day.weekday() == 0
        on_weekday = on_weekday or (weekday == "5L" and day.weekday() == 4 and (day + timedelta(7)).month != day.month)
        return (named or on_weekday) and (months == "*" or str(day.month) in months.split(","))

    days = [start.date() + timedelta(days=n) for n in range(801)]
    wanted = [datetime.combine(day, time(9, 30)) for day in days if counts(day)]
    wanted = [one for one in wanted if start < one <= until]
    times = takewhile(every.after(start.replace(tzinfo=UTC)), until.replace(tzinfo=UTC))
    found = [one.replace(tzinfo=None) for one in times]
    assert found == wanted
    assert all(every.due(one.replace(tzinfo=UTC)) == one.replace(tzinfo=UTC) for one in wanted[:20])
    told = " ".join(every.expressions())
    assert "L-" not in told
    assert len(every.expressions()) <= 5


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0 0 ? * MON", "0 0 * * MON"),
        ("0 0 1 * ?", "0 0 1 * *"),
        ("0 9 * * FRI-MON", "0 9 * * FRI,SAT,SUN,MON"),
        ("0 9 * * 5-1", "0 9 * * 0,1,5,6"),
        ("0 9 * * SAT-SUN", "0 9 * * 0,6"),
        ("0 22-2 * * *", "0 22,23,0,1,2 * * *"),
        ("0 22-4/2 * * *", "0 22,0,2,4 * * *"),
        ("50-10/10 * * * *", "50,0,10 * * * *"),
        ("0 0 * NOV-FEB *", "0 0 * 11,12,1,2 *"),
        ("0 0 28-3 * *", "0 0 28,29,30,31,1,2,3 * *"),
        ("0 0 05W * *", "0 0 5W * *"),
    ],
)
def test_extensions_of_other_crons_are_accepted(text: str, same: str):
    assert cron.parse(text) == cron.parse(same)
    assert eventbridge_cron.to_aws(text) == eventbridge_cron.to_aws(same)


def strange(zone: ZoneInfo, moment: datetime) -> bool:
    """Whether clocks change within a day of a moment."""
    days = [(moment + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in range(-30, 31, 6)]
    return len(set(days)) > 1


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(CRONS, st.sampled_from(ZONES), MOMENTS)
def test_same_times_in_every_time_zone(text: str, zone_name: str, moment: datetime):
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
        ("0 0 31W 2 *", "never comes"),
        ("0 0 L-30 2 *", "never comes"),
        ("0 0 0W * *", "day-of-month"),
        ("0 0 32W * *", "day-of-month"),
        ("0 0 L-31 * *", "day-of-month"),
        ("0 0 W * *", "day-of-month"),
        ("? 0 * * *", "minute"),
        ("0 0 ? * ?", "names no day"),
        ("0 0 * * 1-9", "day-of-week"),
        ("0 25-2 * * *", "hour"),
        ("0 0 */2 * 1", "write its days out"),
        ("cron(15 10 ? * 2-6 *)", "`15 10 * * 1-5`"),
        ("cron(0 18 ? * MON-FRI 2026)", "EventBridge's form"),
        ("", "has 0"),
        ("a b c d e", "minute"),
        ("é * * * *", "minute"),
    ],
)
def test_invalid_cron_is_explained(text: str, why: str):
    with pytest.raises(cron.BadCron, match=why.replace("`", ".").replace("*", ".")):
        eventbridge_cron.to_aws(text)
