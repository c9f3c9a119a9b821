"""Names of time zones."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field


def check_zone(name: str) -> str:
    """The name of a time zone that is known here.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone `{name}`; an example is `Europe/Berlin`") from None
    return name


ZoneName = Annotated[
    str, Field(max_length=64, description="An IANA name, such as `Europe/Berlin`."), AfterValidator(check_zone)
]
