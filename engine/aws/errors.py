"""Translates errors of AWS services into errors that tell whether a retry may help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from engine.errors import Unavailable

_PASSES = frozenset(
    {
        "AccessDeniedException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "KMSInternalException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Error codes that AWS services return during outages, or while a key or a grant of the platform is missing."""
_SERVER_ERROR = 500


@contextmanager
def passing_trouble() -> Iterator[None]:
    """Raise temporary AWS errors of the block as `Unavailable`, however long they last; all others unchanged.

    The state machines retry that error for about a day. Errors caused by the request itself stay as they are.
    """
    try:
        yield
    except ParamValidationError:  # the request is invalid, and was not sent
        raise
    except BotoCoreError as error:
        raise Unavailable(f"a service of AWS does not answer: {type(error).__name__}") from error
    except ClientError as error:
        code = str(error.response["Error"].get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _PASSES or code.startswith(("KMS.", "KMS")) or status >= _SERVER_ERROR:
            raise Unavailable(f"a service of AWS is in trouble: {code}") from error
        raise


@contextmanager
def translate_aws_errors(what: str) -> Iterator[None]:
    """Translate any AWS error in the block, as none is expected there.

    Raises:
        Unavailable: `what` was not available.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        reason = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise Unavailable(f"{what} cannot be reached: {reason}; try again") from error
