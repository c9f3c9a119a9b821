"""Five-field cron expressions and their times.

Days follow cron's rule: if both day fields are restricted, a day that matches either one counts. The accepted syntax is
that of cronsim: https://github.com/cuu508/cronsim. `eventbridge_cron` converts to EventBridge's form.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cronsim import CronSim, CronSimError

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MOST_STEPS = 20_000
_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_NAMES = {
    3: ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
    4: ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
}
_SPAN = re.compile(r"([A-Z0-9]{1,3})-([A-Z0-9]{1,3})(?:/(\d{1,2}))?")
_NEAREST = re.compile(r"(\d{1,2})W")
FROM_LAST = re.compile(r"L-(\d{1,2})")
EVERY_DAY = frozenset(range(1, 32))
_EVERY_WEEKDAY = frozenset(range(7))
_DAY_FIELDS = (2, 4)
_SATURDAY = 5
_MOST_YEARS = 40
"""More than the longest time between two years in which 29 February falls on the same day of the week."""
_KNOWN_SPECIALS = frozenset({"L", "LW"})
"""The special days that cronsim supports itself."""
_SOME_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - wall-clock time


class BadCron(ValueError):
    """The expression is invalid, or EventBridge cannot represent it; the message says what would be right."""


@dataclass(frozen=True)
class Cron:
    """A parsed cron expression. A day counts if any of the last four fields matches; weekdays count from Sunday, 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]
    weekdays: frozenset[int]
    special_days: frozenset[str]
    """`L`, the last day of the month; `L-3`, the third before it; `LW`, the last weekday (Monday to Friday); and `15W`,
    the weekday nearest to the 15th within the same month."""
    special_weekdays: frozenset[tuple[int, int]]
    """A weekday and its position in the month, such as the second Tuesday, `(2, 2)`; -1 is the last."""


def parse(text: str) -> Cron:
    """Parse a five-field expression, or an abbreviation such as `@daily`.

    Raises:
        BadCron: the expression is invalid, or never matches.
    """
    expression = normal(text)
    try:
        cron = _parsed(expression)
        next(_wall_times(expression, cron, _SOME_DAY, backwards=False))
    except StopIteration:
        raise BadCron(f"`{text}` never comes") from None
    except (CronSimError, ValueError) as error:
        if isinstance(error, BadCron):
            raise
        raise BadCron(_why(text, str(error))) from None
    return cron


def normal(text: str) -> str:
    """Return the five fields separated by single spaces.

    Raises:
        BadCron: the expression does not have five fields.
    """
    words = text.strip()
    if words.lower() in MACROS:
        return MACROS[words.lower()]
    if words.lower().startswith("cron("):
        raise BadCron(_suggest(words))
    fields = words.upper().split()
    if len(fields) != len(_FIELDS):
        message = f"a cron expression has five fields, {', '.join(_FIELDS)}, such as `30 9 * * 1-5`"
        raise BadCron(f"{message}; `{text}` has {len(fields)}")
    if fields[2] == fields[4] == "?":
        raise BadCron(f"`{text}` names no day: at most one of the two day fields is `?`")
    fields = ["*" if field == "?" and number in _DAY_FIELDS else field for number, field in enumerate(fields)]
    return " ".join(_without_wraps(field, number) for number, field in enumerate(fields))


def _without_wraps(field: str, number: int) -> str:
    """Rewrite ranges that wrap past the end of a field, such as FRI-MON and 22-2."""
    terms = []
    low, high = _RANGES[number]
    for term in field.split(","):
        found = _SPAN.fullmatch(term)
        ends = [_value(end, number) for end in found.group(1, 2)] if found else []
        if not found or None in ends or not low <= int(ends[1] or 0) < int(ends[0] or 0) <= high:
            terms.append(term)
            continue
        values = [*range(int(ends[0] or 0), high + 1), *range(low, int(ends[1] or 0) + 1)][:: int(found[3] or 1) or 1]
        terms += map(str, sorted(values))
    return ",".join(terms)


def _value(text: str, number: int) -> int | None:
    if text.isdecimal():
        return int(text)
    names = _NAMES.get(number, ())
    return names.index(text) + (number == 3) if text in names else None  # noqa: PLR2004 - months count from 1


def wall_times(text: str, after: datetime, *, backwards: bool = False) -> Iterator[datetime]:
    """Yield the wall-clock times of an expression after a wall-clock time, or before it."""
    expression = normal(text)
    return _wall_times(expression, _parsed(expression), after, backwards=backwards)


def _wall_times(expression: str, cron: Cron, after: datetime, *, backwards: bool) -> Iterator[datetime]:
    """Yield the times on candidate days, which cronsim finds, that the expression really means."""
    times: Iterator[datetime] = iter(CronSim(_of_candidates(expression.split()), after, reverse=backwards))
    if not cron.special_days - _KNOWN_SPECIALS:
        return times
    return _meant(times, cron, after)


def _meant(times: Iterator[datetime], cron: Cron, after: datetime) -> Iterator[datetime]:
    for moment in times:
        if abs(moment.year - after.year) > _MOST_YEARS:
            return
        if _counts(cron, moment):
            after = moment
            yield moment


def _of_candidates(fields: Sequence[str]) -> str:
    """Return the expression for cronsim: special days that it does not support are replaced by candidate days."""
    terms = [_candidates(term) or term for term in fields[2].split(",")]
    return " ".join([*fields[:2], ",".join(terms), *fields[3:]])


def _candidates(term: str) -> str | None:
    if found := _NEAREST.fullmatch(term):
        day = int(found[1])
        if 1 <= day <= 31:  # noqa: PLR2004
            return f"{max(1, day - 2)}-{min(31, day + 2)}"
    if found := FROM_LAST.fullmatch(term):
        before = int(found[1])
        if 1 <= before <= 30:  # noqa: PLR2004
            return f"{max(1, 28 - before)}-{31 - before}"
    return None


def _counts(cron: Cron, moment: datetime) -> bool:
    """Return whether a candidate day that cronsim found is one that the expression means."""
    weekday, last = moment.isoweekday() % 7, monthrange(moment.year, moment.month)[1]
    if moment.day in cron.days or weekday in cron.weekdays:
        return True
    nth = {(weekday, (moment.day - 1) // 7 + 1), (weekday, -1 if moment.day + 7 > last else 0)}
    return bool(nth & cron.special_weekdays) or any(
        moment.day == _special_day(one, moment, last) for one in cron.special_days
    )


def _special_day(special: str, month: datetime, last: int) -> int | None:
    """Return the day of a month that a special day field means."""
    if special == "L":
        return last
    if found := FROM_LAST.fullmatch(special):
        return last - int(found[1])
    day = last if special == "LW" else int(special[:-1])
    if day > last:
        return None
    weekday = month.replace(day=day).weekday()
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == _SATURDAY + 1:
        return day + 1 if day < last else day - 2
    return day


# -- reading -----------------------------------------------------------------------------------------------


@lru_cache(1_000)  # a schedule is asked for its next time at each start, always with the same expression
def _parsed(expression: str) -> Cron:
    """Parse; raises CronSimError, ValueError or BadCron."""
    fields = expression.split()
    cron = _read(CronSim(_of_candidates(fields), _SOME_DAY), fields)
    terms = fields[2].split(",")
    specials = {str(int(term[:-1])) + "W" if term[-1:] == "W" else term for term in terms if _candidates(term)}
    if not specials or cron.days >= EVERY_DAY:
        return cron
    plain = ",".join(term for term in terms if not _candidates(term))
    days = _read(CronSim(f"0 0 {plain} * *", _SOME_DAY), ["0", "0", plain, "*", "*"]).days if plain else frozenset()
    return replace(cron, days=days, special_days=cron.special_days | specials)


def _read(found: CronSim, fields: list[str]) -> Cron:
    raw_days: Any = found.days
    raw_weekdays: Any = found.weekdays
    days = frozenset(day for day in raw_days if day > 0)
    special = frozenset({CronSim.LAST: "L", CronSim.LAST_WEEKDAY: "LW"}[day] for day in raw_days if day < 0)
    plain = frozenset(day % 7 for day in raw_weekdays if isinstance(day, int))
    ordinal = frozenset(
        (day[0] % 7, -1 if day[1] == CronSim.LAST else day[1]) for day in raw_weekdays if not isinstance(day, int)
    )
    by_day = not days >= EVERY_DAY
    by_weekday = not plain >= _EVERY_WEEKDAY
    if by_day and by_weekday:
        if found.day_and:
            starred = "day-of-month" if fields[2].startswith("*") else "day-of-week"
            message = f"`{starred}` with `*/` beside another day field means different things to different crons"
            raise BadCron(f"{message}; write its days out, such as 1-31/2")
    elif not found.day_and or not (by_day or by_weekday):
        # Either field makes a day count, and one of them is every day.
        days, plain, special, ordinal = EVERY_DAY, _EVERY_WEEKDAY, frozenset(), frozenset()
    elif by_day:
        plain, ordinal = frozenset(), frozenset()
    else:
        days, special = frozenset(), frozenset()
    return Cron(
        frozenset(found.minutes), frozenset(found.hours), frozenset(found.months), days, plain, special, ordinal
    )  # fmt: skip


def _why(text: str, reason: str) -> str:
    field = next((name for name in _FIELDS if reason.endswith(name)), None)
    where = f"its {field} is not one" if field else reason.lower()
    return f"`{text}` is not a cron expression: {where}; an example is `30 9 * * 1-5`"


# -- from EventBridge's form -------------------------------------------------------------------------------


def from_aws(expressions: Iterable[str]) -> str:
    """Convert a schedule in EventBridge's form, from `eventbridge_cron.to_aws` or written by hand, to five fields.

    Raises:
        BadCron: the schedule cannot be expressed in five fields.
    """
    minute = hour = month = ""
    days: list[str] = []
    weekdays: list[str] = []
    for expression in expressions:
        fields = expression.strip().removeprefix("cron(").removesuffix(")").upper().split()
        if len(fields) != len(_FIELDS) + 1 or fields[5] != "*":
            raise BadCron(f"`{expression}` is not an expression that five fields can say")
        minute, hour, day, month, weekday = fields[:5]
        if day != "?":
            days.append(day)
        if weekday != "?":
            weekdays.append(_weekday_from_aws(weekday))
    five = (minute, hour, ",".join(days) or "*", month, ",".join(weekdays) or "*")
    return " ".join(five).replace("?", "*")


def _weekday_from_aws(field: str) -> str:
    """Convert a weekday: EventBridge counts from 1, Sunday; cron from 0."""
    if field == "*":
        return field
    if field.endswith("L") and field[:-1].isdigit():
        return f"{int(field[:-1]) - 1}L"
    day, _, nth = field.partition("#")
    if nth:
        return f"{_minus_one(day)}#{nth}"
    body, _, step = field.partition("/")
    if step:
        body = f"{body}-7" if "-" not in body and body != "*" else body
    shifted = ",".join("-".join(_minus_one(end) for end in part.split("-")) for part in body.split(","))
    return f"{shifted}/{step}" if step else shifted


def _minus_one(day: str) -> str:
    return str(int(day) - 1) if day.isdigit() else day


def _suggest(expression: str) -> str:
    try:
        five = from_aws([expression.replace("CRON(", "cron(")])
        parse(five)
    except (BadCron, ValueError):
        return f"`{expression}` is EventBridge's form; write five fields, such as `30 9 * * 1-5`"
    return f"`{expression}` is EventBridge's form; write `{five}`"


# -- times -------------------------------------------------------------------------------------------------


def after(text: str, moment: datetime, zone: Any) -> Iterator[datetime]:
    """Yield the moments of an expression in a time zone after a moment, in UTC.

    As in EventBridge, a wall-clock time that a clock change skips is skipped, and one that occurs twice counts the
    first time.
    """
    steps = 0
    for wall in wall_times(text, moment.astimezone(zone).replace(tzinfo=None)):
        steps += 1
        found = to_utc(wall, zone)
        if found is not None and found > moment:
            steps = 0
            yield found
        if steps > _MOST_STEPS:
            return


def latest(text: str, moment: datetime, zone: Any) -> datetime | None:
    """Return the last moment of an expression that is not after `moment`; None if there is none in recent years."""
    wall_now = moment.astimezone(zone).replace(tzinfo=None)
    for wall in wall_times(text, wall_now + timedelta(seconds=1), backwards=True):
        found = to_utc(wall, zone)
        if found is not None and found <= moment:
            return found
    return None


def to_utc(wall: datetime, zone: Any) -> datetime | None:
    """Convert a wall-clock time to UTC, the first of two; None if a clock change skips it."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == wall else None
