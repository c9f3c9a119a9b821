"""When a failed attempt is retried, after which delay, and when it must not be because it may have had its effect."""

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
_FIRST_POSTPONEMENT, _LONGEST_POSTPONEMENT, _MOST_POSTPONEMENTS = 5.0, 300.0, 400


def next_delay(retry: Retry | None, attempt: int, error: NodeError, random: Random) -> float | None:
    """Return the seconds to wait after attempt number `attempt` (the first is 1), or None to give up.

    Half of the back-off is fixed and half random: enough to spread retries, never almost zero. A longer `Retry-After`
    of the server wins.
    """
    if retry is None or attempt >= retry.max_attempts or not wants(retry, error):
        return None
    backoff = min(retry.interval_seconds * retry.backoff_rate ** (attempt - 1), retry.max_interval_seconds)
    return max(backoff * random.uniform(0.5, 1.0), min(error.retry_after or 0.0, limits.MAX_RETRY_AFTER))


def postponed_delay(times: int, random: Random) -> float | None:
    """Return the seconds until the next attempt after `times` attempts that could not begin due to the platform.

    Such an attempt is not a failure of the node, so its retry policy does not apply; None after about a day.
    """
    if times >= _MOST_POSTPONEMENTS:
        return None
    return min(_FIRST_POSTPONEMENT * 2.0 ** min(times - 1, 10), _LONGEST_POSTPONEMENT) * random.uniform(0.5, 1.0)


def wants(retry: Retry, error: NodeError) -> bool:
    """Whether the policy retries after this error."""
    if retry.on is None:
        return error.retryable
    names = {"all", error.code}
    status = error.details.get("status") if isinstance(error.details, dict) else None
    if isinstance(status, int):
        names |= {str(status), f"{status // 100}xx"}
    return not names.isdisjoint(retry.on)


def interrupted(attempt: int, error: NodeError | None = None) -> NodeError:
    """Return the failure of an interrupted attempt that must not be made twice: its effect is uncertain."""
    details = {"attempt": attempt, **({"error": bounded(error)} if error else {})}
    return NodeError(
        "an attempt was interrupted; whether it had its effect is unknown", code="interrupted", details=details
    )


def may_have_had_effect(error: NodeError) -> bool:
    """Whether an attempt that ended with this error may have had its effect.

    An error that another attempt may overcome is inconclusive, unless it states that nothing happened.
    """
    return not error.nothing_happened and (error.retryable or error.code in _SAY_NOTHING)


def bounded(error: NodeError) -> dict[str, Any]:
    """Return the error as it is stored, with a bounded message and bounded details."""
    stored = {**error.as_dict(), "message": error.message[: limits.MAX_ERROR_LENGTH]}
    try:
        check_output(stored["details"], limits.MAX_ERROR_DETAILS, limits.MAX_JSON_DEPTH)
    except NodeError:
        stored["details"] = {"omitted": "the details were too large or were not JSON"}
    return stored


def as_exception(stored: Mapping[str, Any]) -> NodeError:
    """Convert a stored error to an exception."""
    return NodeError(stored["message"], code=stored["code"], details=stored.get("details"))
