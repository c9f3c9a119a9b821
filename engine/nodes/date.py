"""`date`: reads, shifts, compares and writes times, in any time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from engine.clock import format_time
from engine.errors import NodeError
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.time_zones import ZoneName, check_zone
from engine.type_catalogue import Effect
from engine.workflow.expressions.templates import as_text

_HOURS = {
    0: "UTC GMT UT Z WET",
    1: "WEST BST CET",
    2: "CEST EET",
    3: "EEST MSK",
    9: "JST",
    10: "AEST",
    11: "AEDT",
    -4: "EDT",  # these as RFC 5322 has them
    -5: "EST CDT",
    -6: "CST MDT",
    -7: "MST PDT",
    -8: "PST",
}
_ABBREVIATIONS = {name: hours for hours, names in _HOURS.items() for name in names.split()}
_ZONE_NAME = re.compile(r"(?<!%)((?:%%)*)%Z")
_EPOCH_TEXT = re.compile(r"-?(\d{9,10}|\d{13})(\.\d+)?", re.ASCII)
"""So many digits have the seconds and the milliseconds since 1970 of our time; `20260504` is a date."""
_DIRECTIVE = re.compile(r"%(?:[-_0^#]?\d*([A-Za-z])|%|:z)")


def _check_directives(pattern: str) -> str:
    found = _DIRECTIVE.findall(pattern)
    if not found:
        raise ValueError("it holds no %-directive; a date is `%Y-%m-%d`, a time `%H:%M:%S`")
    unknown = sorted(set("".join(found)) - set("aAbBcCdDeFfgGhHIjklmMnpPrRsStTuUVwWxXyYzZ"))
    if unknown:
        raise ValueError(f"`%{unknown[0]}` is no directive; a date is `%Y-%m-%d`, a time `%H:%M:%S`")
    return pattern


Directives = Annotated[str, AfterValidator(_check_directives)]
Unit = Literal["seconds", "minutes", "hours", "days", "weeks", "months", "years", "weekdays"]
MAX_AMOUNT = 100_000
_EPOCH_MILLISECONDS = 100_000_000_000
"""A number above this counts milliseconds: as seconds it would be beyond the year 5000."""
_MONTHS_A_YEAR = 12
_SATURDAY = 5
_LAST_YEAR = 9_999


class Shift(NodeConfig):
    """An amount of time to add; a negative one is subtracted."""

    amount: int = Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT, description="How many units; negative goes back.")
    unit: Unit = Field(default="days", description="Of what.")


class DateConfig(NodeConfig):
    """The time, and what to do with it."""

    value: str | int | float | None = Field(
        default=None,
        description="RFC 3339, a date, or seconds or milliseconds since 1970, as a number or its text; default: now.",
    )
    pattern: Directives | None = Field(
        default=None, max_length=100, description="Format of `value`, as for `strptime`: `%d.%m.%Y %H:%M`."
    )
    timezone: ZoneName = Field(default="UTC", description="Time zone for times without one, and for the result.")
    shift: list[Shift] = Field(default_factory=list, max_length=20, description="Shifts, applied one after the other.")
    start_of: Literal["hour", "day", "week", "month", "quarter", "year"] | None = Field(
        default=None, description="Round down to the beginning of this unit, after shifting. Weeks begin on Monday."
    )
    until: str | int | float | None = Field(default=None, description="Another time, to compute the difference to.")
    format: Directives | None = Field(default=None, max_length=200, description="Format of `text`, as for `strftime`.")


class DateNode(BaseNode):
    """Calculates with a time.

    Gives `{utc, local, date, time, weekday, week, unix, text?, difference?}`: `utc` and `local` in RFC 3339, `weekday`
    from 1 for Monday, `week` of ISO 8601, `difference` in seconds that pass and in days by the wall clock. Months keep
    the day where there is one; `weekdays` pass over Saturday and Sunday; days keep the wall clock when clocks change.
    """

    Config = DateConfig
    title: ClassVar[str] = "Date and time"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "calendar"
    effect: ClassVar[Effect] = "none"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"timezone": "Europe/Berlin", "shift": [{"amount": -1, "unit": "days"}], "start_of": "day"},
        {"value": "{{ trigger.body.due }}", "pattern": "%d.%m.%Y", "format": "%A, %d %B %Y"},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Work it out.

        Raises:
            NodeError: `config`: it is no time, or one beyond the years 1 to 9999.
        """
        config = context.config(DateConfig, self.raw_config)
        try:
            zone = ZoneInfo(config.timezone)
            given = context.now if config.value is None else _read(config.value, config.pattern, zone)
            moment = given.astimezone(UTC).astimezone(zone)
            for shift in config.shift:
                moment = _shifted(moment, shift)
            if config.start_of:
                moment = _start_of(moment, config.start_of)
            other = _read(config.until, config.pattern, zone) if config.until is not None else None
            return Completed(_told(moment, other, config.format))
        except (ValueError, OverflowError, re.error) as error:
            raise NodeError(f"config: {error}", code="config") from None


def _read(value: str | float, pattern: str | None, zone: ZoneInfo) -> datetime:
    if not isinstance(value, str):
        if pattern is None:
            return _since_1970(value)
        value = as_text(value)
    text = value.strip()
    if pattern:
        moment = _read_pattern(text, pattern)
    elif _EPOCH_TEXT.fullmatch(text):
        return _since_1970(float(text))
    else:
        try:
            moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
        except ValueError:
            known = "RFC 3339, such as 2026-05-04T09:00:00Z; or give its format in `pattern`"
            raise ValueError(f"{text[:100]!r} is not a time in {known}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _since_1970(value: float) -> datetime:
    seconds = value / 1000 if abs(value) > _EPOCH_MILLISECONDS else value
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _read_pattern(text: str, pattern: str) -> datetime:
    """A time as it is written; the name of a zone in it counts, which `strptime` reads and forgets."""
    if _ZONE_NAME.search(pattern) is None:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - it gets its zone by whoever asks
    without = _ZONE_NAME.sub(r"\1ZONE", pattern)
    for found in reversed(list(re.finditer(r"[A-Za-z][A-Za-z_/+-]*", text))):
        zone = _zone_of(found[0])
        if zone is not None:
            written = f"{text[: found.start()]}ZONE{text[found.end() :]}"
            return datetime.strptime(written, without).replace(tzinfo=zone)
    known = "`%Z` reads UTC, GMT, common abbreviations such as CEST, and names such as Europe/Berlin"
    raise ValueError(
        f"{text[:100]!r} does not name a known time zone: {known}; for another, write its offset with `%z`"
    )


def _zone_of(name: str) -> tzinfo | None:
    """What one name alone means. `IST` and others that mean several are none."""
    hours = _ABBREVIATIONS.get(name.upper())
    if hours is not None:
        return timezone(timedelta(hours=hours))
    try:
        return ZoneInfo(check_zone(name)) if "/" in name else None
    except ValueError:
        return None


def _shifted(moment: datetime, shift: Shift) -> datetime:
    if shift.unit in ("months", "years"):
        months = shift.amount * (_MONTHS_A_YEAR if shift.unit == "years" else 1)
        year, month = divmod(moment.year * _MONTHS_A_YEAR + moment.month - 1 + months, _MONTHS_A_YEAR)
        if not 1 <= year <= _LAST_YEAR:
            raise ValueError("the time is beyond the years 1 to 9999")
        return _wall(moment, year=year, month=month + 1, day=min(moment.day, _days_in(year, month + 1)))
    if shift.unit == "weekdays":
        return _wall(moment, days=_weekdays(moment.weekday(), shift.amount))
    if shift.unit in ("days", "weeks"):
        return _wall(moment, days=shift.amount * (7 if shift.unit == "weeks" else 1))
    # Hours are hours, whatever the clocks on the wall do meanwhile.
    return (moment.astimezone(UTC) + timedelta(**{shift.unit: shift.amount})).astimezone(moment.tzinfo)


def _wall(moment: datetime, *, days: int = 0, **parts: int) -> datetime:
    """The same time by the clock on the wall of another day; if clocks leave it out there, as much later."""
    moved = moment.replace(**parts, fold=0) + timedelta(days=days)  # type: ignore[arg-type]
    return moved.astimezone(UTC).astimezone(moment.tzinfo)


def _days_in(year: int, month: int) -> int:
    from calendar import monthrange

    return monthrange(year, month)[1]


def _weekdays(weekday: int, amount: int) -> int:
    """Days until so many weekdays have passed. From a weekend on, they are counted from the weekday behind."""
    if not amount:
        return 0
    step = 1 if amount > 0 else -1
    begin = 0
    while (weekday - step * begin) % 7 >= _SATURDAY:
        begin += 1
    start = (weekday - step * begin) % 7
    weeks, left = divmod(abs(amount), 5)
    days = weeks * 7
    while left:
        days += 1
        if (start + step * days) % 7 < _SATURDAY:
            left -= 1
    return step * (days - begin)


def _start_of(moment: datetime, unit: str) -> datetime:
    if unit == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        day -= timedelta(days=day.weekday())
    elif unit in ("month", "quarter", "year"):
        month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[unit]
        day = day.replace(month=month, day=1)
    return _wall(day)


def _told(moment: datetime, other: datetime | None, pattern: str | None) -> dict[str, Any]:
    local = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    told: dict[str, Any] = {
        "utc": format_time(moment.astimezone(UTC)),
        "local": local,
        "date": moment.date().isoformat(),
        "time": moment.strftime("%H:%M:%S"),
        "weekday": moment.isoweekday(),
        "week": moment.isocalendar().week,
        "unix": moment.timestamp(),
    }
    if pattern is not None:
        told["text"] = moment.strftime(pattern)
    if other is not None:
        # Python subtracts two times of one zone by the clock on the wall.
        seconds = (other.astimezone(UTC) - moment.astimezone(UTC)).total_seconds()
        there = other.astimezone(moment.tzinfo).replace(tzinfo=None)
        days = (there - moment.replace(tzinfo=None)).total_seconds() / 86_400
        told["difference"] = {"seconds": seconds, "days": days}
    return told
