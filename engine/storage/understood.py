"""What AWS's own services fail with, as errors that say that another attempt may help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from engine.errors import Unavailable


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Whatever AWS raises in the block was not expected there.

    Raises:
        Unavailable: `what` could not be had.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        reason = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise Unavailable(f"{what} cannot be reached: {reason}; try again") from error
