"""Times in expressions: exact to the millisecond, in named zones, with bounded pictures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from jsonata.functions import Functions

from engine.time_zones import check_zone
from engine.workflow.expressions.jsonata.budget import Refusal, current

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
MAX_PICTURE = 500
_MAX_WIDTH = 100
_MAX_TIME_TEXT = 200
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)", re.ASCII)
_MARKER = re.compile(r"\[([^\]]*)\]")


def millis() -> int:
    """`$millis`: the time at which the node runs."""
    current.run.scope.nondeterministic = True
    return (current.run.scope.now - _EPOCH) // _MILLISECOND


def now(picture: Any, zone: Any) -> Any:
    """`$now`."""
    return from_millis(millis(), picture, zone)


def from_millis(since_1970: Any, picture: Any, zone: Any) -> Any:
    """`$fromMillis`. A zone is an offset or a name.

    Raises:
        Refusal: it is not a time, or not a zone.
    """
    if since_1970 is None:
        return None
    _check_picture(picture)
    try:
        moment = _EPOCH + timedelta(milliseconds=int(since_1970))
        return Functions.datetime_from_millis(int(since_1970), picture, _offset(zone, moment))
    except (OverflowError, ValueError, OSError):
        raise Refusal(f"{since_1970} milliseconds since 1970 is a time beyond the years 1 to 9999") from None


def _offset(zone: Any, moment: datetime) -> str | None:
    """Return the offset as the library expects it: `+0200`."""
    if zone is None:
        return None
    if zone in ("Z", "z"):
        return "+0000"
    if found := _OFFSET.fullmatch(zone):
        return f"{found['sign']}{found['hours']}{found['minutes']}"
    try:
        delta = moment.astimezone(ZoneInfo(check_zone(zone))).utcoffset() or timedelta(0)
    except ValueError:
        known = "an offset, such as `+02:00`, or a name, such as `Europe/Berlin`"
        raise Refusal(f"{zone!r} is not a time zone; it is {known}") from None
    minutes = delta // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def to_millis(text: Any, picture: Any) -> Any:
    """`$toMillis`.

    Raises:
        Refusal: it is not a time.
    """
    if text is None:
        return None
    if len(text) > _MAX_TIME_TEXT:
        raise Refusal(f"a time has at most {_MAX_TIME_TEXT} characters")
    if picture is not None:
        _check_picture(picture)
        try:
            return Functions.datetime_to_millis(text, picture)
        except (ValueError, KeyError, OverflowError, AttributeError):
            raise Refusal(f"{text!r} is not a time in the format {picture!r}") from None
    try:
        moment = datetime.strptime(text, "%Y") if text.isdigit() else datetime.fromisoformat(text)  # noqa: DTZ007
        moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)  # noqa: UP017
        return (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        example = "2026-05-04T09:00:00Z"
        raise Refusal(f"{text!r} is not a time in ISO 8601, such as {example}; or give its picture") from None


def _check_picture(picture: Any) -> None:
    """Refuse widths that would create texts of any length."""
    if picture is None:
        return
    if len(picture) > MAX_PICTURE:
        raise Refusal(f"a picture has at most {MAX_PICTURE} characters")
    for marker in _MARKER.findall(picture):
        width = re.sub(r"\s", "", marker).rpartition(",")[2]
        if any(int(digits) > _MAX_WIDTH for digits in re.findall(r"\d+", width, re.ASCII) if "," in marker):
            raise Refusal(f"a width in a picture is at most {_MAX_WIDTH}")
