"""Announcer: tells of executions that have ended; it is told by the table's stream."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from functions import resources

logger = Logger()
_announcer = resources.announcer()


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Whatever raises is delivered again: telling something twice changes nothing."""
    ids = [record["dynamodb"]["Keys"]["PK"]["S"].removeprefix("EXECUTION#") for record in event["Records"]]
    _announcer.executions_ended(ids)
    logger.info("told", executions=len(ids))
    return {"told": len(ids)}
