"""When a failed attempt is repeated, and after how long."""

from __future__ import annotations

from random import Random

from engine import limits
from engine.definition import Retry
from engine.errors import NodeError


def next_delay(retry: Retry | None, attempt: int, error: NodeError, random: Random) -> float | None:
    """Seconds to wait before the attempt after number `attempt` (the first is 1), or None to give up.

    Half of the back-off is fixed and half drawn: enough to spread a herd, never almost zero. A `Retry-After`
    of the other side wins where it is longer.
    """
    if retry is None or attempt >= retry.max_attempts or not wants(retry, error):
        return None
    backoff = min(retry.interval_seconds * retry.backoff_rate ** (attempt - 1), retry.max_interval_seconds)
    return max(backoff * random.uniform(0.5, 1.0), min(error.retry_after or 0.0, limits.MAX_RETRY_AFTER))


def wants(retry: Retry, error: NodeError) -> bool:
    """Whether the policy repeats after this error."""
    if retry.on is None:
        return error.retryable
    names = {"all", error.code}
    status = error.details.get("status") if isinstance(error.details, dict) else None
    if isinstance(status, int):
        names |= {str(status), f"{status // 100}xx"}
    return not names.isdisjoint(retry.on)
