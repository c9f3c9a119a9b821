"""Converts a cron expression to the form of EventBridge Scheduler.

EventBridge accepts only one of the two day fields, so a schedule may become several expressions, which may match the
same minute twice. The form is that of
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.triggers.cron import EVERY_DAY, FROM_LAST, BadCron, Cron, parse

_MOST_EXPRESSIONS = 5
_MOST_CHARACTERS = 256
_LAST_WEEKDAYS = "26-31"
"""The days one of which is the last weekday of its month."""
_MONTHS_BY_LENGTH = (
    (frozenset({31}), frozenset({1, 3, 5, 7, 8, 10, 12})),
    (frozenset({30}), frozenset({4, 6, 9, 11})),
    (frozenset({28, 29}), frozenset({2})),
)


def to_aws(text: str) -> tuple[str, ...]:
    """Return the expressions in EventBridge's six fields that together are the same schedule.

    Raises:
        BadCron: the expression is invalid, or cannot be expressed that way.
    """
    cron = parse(text)
    minute, hour = _numbers(cron.minutes, 0, 59), _numbers(cron.hours, 0, 23)
    expressions = tuple(f"cron({minute} {hour} {day} {month} {weekday} *)" for day, month, weekday in _days(cron))
    if len(expressions) > _MOST_EXPRESSIONS:
        raise BadCron(f"`{text}` names more kinds of days than {_MOST_EXPRESSIONS}; make two schedules of it")
    if max(map(len, expressions)) > _MOST_CHARACTERS:
        raise BadCron(f"`{text}` lists so many times that EventBridge does not take it; make two schedules of it")
    return expressions


def _days(cron: Cron) -> list[tuple[str, str, str]]:
    """Return each expression's day of the month, month and day of the week.

    EventBridge documents neither `LW` nor `L-3`. It gets all days that they may fall on, and a firing on another day is
    discarded because the trigger's record says that it is not due.
    """
    months = _numbers(cron.months, 1, 12)
    if cron.days >= EVERY_DAY:
        return [("*", months, "?")]
    terms: list[tuple[str, str, str]] = []
    if cron.days:
        terms.append((_numbers(cron.days, 1, 31), months, "?"))
    for special in sorted(cron.special_days):
        found = FROM_LAST.fullmatch(special)
        if found is None:
            terms.append((_LAST_WEEKDAYS if special == "LW" else special, months, "?"))
            continue
        for lengths, of_that_length in _MONTHS_BY_LENGTH:
            days = {length - int(found[1]) for length in lengths if length > int(found[1])}
            if days and cron.months & of_that_length:
                terms.append((_numbers(days, 1, 31), _numbers(cron.months & of_that_length, 1, 12), "?"))
    if cron.weekdays:
        terms.append(("?", months, _numbers({weekday + 1 for weekday in cron.weekdays}, 1, 7)))
    for weekday, nth in sorted(cron.special_weekdays):
        terms.append(("?", months, f"{weekday + 1}L" if nth < 0 else f"{weekday + 1}#{nth}"))
    return terms


def _numbers(values: Iterable[int], lowest: int, highest: int) -> str:
    """Return a field's numbers in their shortest form: `*`, `0/15`, `1-5,9`."""
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
