"""Five-field cron expressions, and the same schedule in EventBridge Scheduler's form and back.

Days follow cron's rule: if both day fields are given, a day that either of them names counts. EventBridge takes
one of the two only, so such a schedule is more than one of its expressions, which may name the same minute twice.
What cronsim reads is what counts: https://github.com/cuu508/cronsim; EventBridge's form is that of
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
_MOST_EXPRESSIONS = 5
_MOST_CHARACTERS = 256
_MOST_STEPS = 20_000
_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
_EVERY_DAY = frozenset(range(1, 32))
_EVERY_WEEKDAY = frozenset(range(7))


class BadCron(ValueError):
    """An expression that is none, or that EventBridge cannot keep; the message says what would be right."""


@dataclass(frozen=True)
class Cron:
    """A cron expression, read. A day counts if any of the last four fields names it; weekdays count from Sunday, 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]
    weekdays: frozenset[int]
    special_days: frozenset[str]
    """`L`, the last day of the month, and `LW`, the last weekday (Monday to Friday) of it."""
    special_weekdays: frozenset[tuple[int, int]]
    """A weekday and which one in the month, such as the second Tuesday, `(2, 2)`; -1 is the last."""


def parse(text: str) -> Cron:
    """Read a five-field expression, or one of cron's `@daily` and the like.

    Raises:
        BadCron: it is none, or never comes.
    """
    expression = normal(text)
    try:
        found = CronSim(expression, datetime(2024, 1, 1))  # noqa: DTZ001 - wall-clock time
        next(found)
    except StopIteration:
        raise BadCron(f"`{text}` never comes") from None
    except (CronSimError, ValueError) as error:
        raise BadCron(_why(text, str(error))) from None
    return _read(found, expression.split())


def normal(text: str) -> str:
    """The five fields with one space between them.

    Raises:
        BadCron: there are not five.
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
    return " ".join(fields)


def wall_times(text: str, after: datetime, *, backwards: bool = False) -> Iterator[datetime]:
    """The wall-clock times of an expression behind a wall-clock time, or before it."""
    return iter(CronSim(normal(text), after, reverse=backwards))


# -- to EventBridge and back -------------------------------------------------------------------------------


def to_aws(text: str) -> tuple[str, ...]:
    """The expressions that together are the same schedule in EventBridge's six fields.

    Raises:
        BadCron: it is none, or cannot be put that way.
    """
    cron = parse(text)
    minute = _numbers(cron.minutes, 0, 59)
    hour, month = _numbers(cron.hours, 0, 23), _numbers(cron.months, 1, 12)
    expressions = tuple(f"cron({minute} {hour} {day} {month} {weekday} *)" for day, weekday in _days(cron))
    if len(expressions) > _MOST_EXPRESSIONS:
        raise BadCron(f"`{text}` names more kinds of days than {_MOST_EXPRESSIONS}; make two schedules of it")
    if max(map(len, expressions)) > _MOST_CHARACTERS:
        raise BadCron(f"`{text}` lists so many times that EventBridge does not take it; make two schedules of it")
    return expressions


def from_aws(expressions: Iterable[str]) -> str:
    """The five fields of a schedule that `to_aws` gave, or somebody else in that form.

    Raises:
        BadCron: it is not one that five fields can say.
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


def _days(cron: Cron) -> list[tuple[str, str]]:
    """The day fields of each expression: day of the month, day of the week."""
    if cron.days >= _EVERY_DAY:
        return [("*", "?")]
    terms: list[tuple[str, str]] = []
    if cron.days:
        terms.append((_numbers(cron.days, 1, 31), "?"))
    terms += [(special, "?") for special in sorted(cron.special_days)]
    if cron.weekdays:
        terms.append(("?", _numbers({weekday + 1 for weekday in cron.weekdays}, 1, 7)))
    for weekday, nth in sorted(cron.special_weekdays):
        terms.append(("?", f"{weekday + 1}L" if nth < 0 else f"{weekday + 1}#{nth}"))
    return terms


def _numbers(values: Iterable[int], lowest: int, highest: int) -> str:
    """A field's numbers, as short as it goes: `*`, `0/15`, `1-5,9`."""
    ordered = sorted(values)
    if ordered == list(range(lowest, highest + 1)):
        return "*"
    if len(ordered) > 2:  # noqa: PLR2004 - two numbers are shorter as a list
        step = ordered[1] - ordered[0]
        if step > 1 and ordered == list(range(ordered[0], highest + 1, step)):
            return f"{ordered[0]}/{step}"
    pieces: list[str] = []
    start = previous = ordered[0]
    for value in [*ordered[1:], highest + 2]:
        if value != previous + 1:
            pieces.append(str(start) if start == previous else f"{start}-{previous}")
            start = value
        previous = value
    return ",".join(pieces)


def _weekday_from_aws(field: str) -> str:
    """EventBridge counts weekdays from 1, Sunday; cron from 0."""
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


# -- reading -----------------------------------------------------------------------------------------------


def _read(found: CronSim, fields: list[str]) -> Cron:
    raw_days: Any = found.days
    raw_weekdays: Any = found.weekdays
    days = frozenset(day for day in raw_days if day > 0)
    special = frozenset({CronSim.LAST: "L", CronSim.LAST_WEEKDAY: "LW"}[day] for day in raw_days if day < 0)
    plain = frozenset(day % 7 for day in raw_weekdays if isinstance(day, int))
    ordinal = frozenset(
        (day[0] % 7, -1 if day[1] == CronSim.LAST else day[1]) for day in raw_weekdays if not isinstance(day, int)
    )
    by_day = not days >= _EVERY_DAY
    by_weekday = not plain >= _EVERY_WEEKDAY
    if by_day and by_weekday:
        if found.day_and:
            starred = "day-of-month" if fields[2].startswith("*") else "day-of-week"
            message = f"`{starred}` with `*/` beside another day field means different things to different crons"
            raise BadCron(f"{message}; write its days out, such as 1-31/2")
    elif not found.day_and or not (by_day or by_weekday):
        # Either of them counts, and one of them is every day.
        days, plain, special, ordinal = _EVERY_DAY, _EVERY_WEEKDAY, frozenset(), frozenset()
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


def _suggest(expression: str) -> str:
    try:
        five = from_aws([expression.replace("CRON(", "cron(")])
        parse(five)
    except (BadCron, ValueError):
        return f"`{expression}` is EventBridge's form; write five fields, such as `30 9 * * 1-5`"
    return f"`{expression}` is EventBridge's form; write `{five}`"


# -- times -------------------------------------------------------------------------------------------------


def after(text: str, moment: datetime, zone: Any) -> Iterator[datetime]:
    """The moments of an expression in a time zone behind a moment, in UTC.

    As EventBridge has it: a wall-clock time that a change of the clock leaves out is left out, and one that comes
    twice counts the first time.
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
    """The last moment of an expression that is not after `moment`; None if there is none in the last years."""
    wall_now = moment.astimezone(zone).replace(tzinfo=None)
    for wall in wall_times(text, wall_now + timedelta(seconds=1), backwards=True):
        found = to_utc(wall, zone)
        if found is not None and found <= moment:
            return found
    return None


def to_utc(wall: datetime, zone: Any) -> datetime | None:
    """The moment of a wall-clock time, the first of two; None if the clocks leave it out."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == wall else None
