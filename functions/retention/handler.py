"""Retention: forgets executions whose time is over, and payloads that belong to none; called by a rule."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from functions import container

logger = Logger()
_retention = container.retention()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Gives how often what was done."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    done = {"orphans": _retention.remove_orphans(remaining)} if "orphans" in event else _retention.purge_due(remaining)
    logger.info("forgot", done=done)
    return done
