"""What the configs of all trigger types share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from engine import limits
from engine.clock import parse_time


class TriggerConfig(BaseModel):
    """Base of every trigger type's config: unknown keys are refused, and templates are not supported."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Bounds of times in triggers: times computed from them stay within what a clock can represent."""


def _moment(text: str) -> str:
    try:
        moment = parse_time(text)
    except (ValueError, OverflowError):
        raise ValueError("a time with a zone is expected, such as 2026-12-24T18:00:00Z") from None
    check_span(moment)
    return text


def check_span(moment: datetime) -> None:
    """Refuse a time that is too far in the past or the future.

    Raises:
        ValueError: the time is out of bounds.
    """
    if not FIRST <= moment < LAST:
        raise ValueError(f"a time from {FIRST.year} until before {LAST.year} is expected")


Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]
"""An RFC 3339 time with an offset, kept as it was written."""

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]

ExpectedEvery = Annotated[
    int | None,
    Field(
        default=None,
        ge=60,
        le=limits.MAX_EXPECTED_SECONDS,
        description="Seconds; the trigger counts as silent when nothing has come for so long.",
    ),
]


def moment_of(text: str | None) -> datetime | None:
    """Return the moment that a config names, in UTC."""
    return parse_time(text) if text else None
