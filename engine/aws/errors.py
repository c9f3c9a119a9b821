"""What AWS's own services fail with, as errors that say that another attempt may help."""

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
"""What services of AWS answer while they are in trouble, or while a key or a grant of the platform is missing."""
_SERVER_ERROR = 500


@contextmanager
def passing_trouble() -> Iterator[None]:
    """What AWS raises in the block and may pass, however long it takes, as `Unavailable`; the rest as it is.

    The state machines know that name, and try again for about a day. What is refused for the request's own sake stays.
    """
    try:
        yield
    except ParamValidationError:  # the request is wrong, and has not been sent
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
    """Whatever AWS raises in the block was not expected there.

    Raises:
        Unavailable: `what` could not be had.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        reason = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise Unavailable(f"{what} cannot be reached: {reason}; try again") from error
