"""Retention: removes expired executions, and payloads that belong to none; called by a rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger

from functions import container

logger = Logger()
_retention = container.retention()
_ORPHANED_AFTER = timedelta(days=2)
"""What a draft refers to is written just before it."""


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Return how often what was done."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    if "orphans" in event:
        before = container.clock.now() - _ORPHANED_AFTER
        done = {"drafts": container.repositories().drafts.remove_orphans(before)}
        done |= {"orphans": _retention.remove_orphans(remaining)}
    else:
        done = _retention.purge_due(remaining)
    logger.info("forgot", done=done)
    return done
