"""When a failed attempt is repeated, and after how long; and when it must not be, as it may have had its effect."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from engine import limits
from engine.errors import NodeError
from engine.json_value import check_output
from engine.workflow.definition import Retry

_SAY_NOTHING = frozenset({"timeout", "connection_failed", "cancelled", "internal_error", "unavailable"})
"""Codes of errors that do not tell whether the attempt had its effect."""
_FIRST_PUT_OFF, _LONGEST_PUT_OFF, _MOST_PUT_OFF = 5.0, 300.0, 400


def next_delay(retry: Retry | None, attempt: int, error: NodeError, random: Random) -> float | None:
    """Seconds to wait before the attempt after number `attempt` (the first is 1), or None to give up.

    Half of the back-off is fixed and half drawn: enough to spread a herd, never almost zero. A `Retry-After`
    of the other side wins where it is longer.
    """
    if retry is None or attempt >= retry.max_attempts or not wants(retry, error):
        return None
    backoff = min(retry.interval_seconds * retry.backoff_rate ** (attempt - 1), retry.max_interval_seconds)
    return max(backoff * random.uniform(0.5, 1.0), min(error.retry_after or 0.0, limits.MAX_RETRY_AFTER))


def put_off_delay(times: int, random: Random) -> float | None:
    """Seconds until the next attempt after the `times`th one that could not begin, as the platform was in trouble.

    That is no failure of the node, so its policy is not asked; None after about a day of it.
    """
    if times >= _MOST_PUT_OFF:
        return None
    return min(_FIRST_PUT_OFF * 2.0 ** min(times - 1, 10), _LONGEST_PUT_OFF) * random.uniform(0.5, 1.0)


def wants(retry: Retry, error: NodeError) -> bool:
    """Whether the policy repeats after this error."""
    if retry.on is None:
        return error.retryable
    names = {"all", error.code}
    status = error.details.get("status") if isinstance(error.details, dict) else None
    if isinstance(status, int):
        names |= {str(status), f"{status // 100}xx"}
    return not names.isdisjoint(retry.on)


def interrupted(attempt: int, error: NodeError | None = None) -> NodeError:
    """The failure of an attempt that must not be made twice, and of which nobody knows whether it had its effect."""
    details = {"attempt": attempt, **({"error": bounded(error)} if error else {})}
    return NodeError(
        "an attempt was cut off; whether it had its effect is not known", code="interrupted", details=details
    )


def leaves_open(error: NodeError) -> bool:
    """Whether an attempt that ended with this error may have had its effect, for all that is known.

    An error that another attempt may overcome says nothing for certain, unless it says that nothing happened.
    """
    return not error.nothing_happened and (error.retryable or error.code in _SAY_NOTHING)


def bounded(error: NodeError) -> dict[str, Any]:
    """The error as it is stored: an error is for reading, so neither its message nor its details grow large."""
    stored = {**error.as_dict(), "message": error.message[: limits.MAX_ERROR_LENGTH]}
    try:
        check_output(stored["details"], limits.MAX_ERROR_DETAILS, limits.MAX_JSON_DEPTH)
    except NodeError:
        stored["details"] = {"omitted": "the details were too large, or not JSON"}
    return stored


def as_exception(stored: Mapping[str, Any]) -> NodeError:
    """A stored error as an exception again."""
    return NodeError(stored["message"], code=stored["code"], details=stored.get("details"))
