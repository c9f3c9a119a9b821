"""Publisher: publishes the ends of executions; called by the table's stream."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from functions import container
from functions.streams import failures

logger = Logger()
_publisher = container.publisher()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Publish each record; one that fails now, and all behind it, is delivered again.

    Publishing twice changes nothing: an event has one id.
    """
    if "tell" in event:  # by an operator, of what the dead letters name
        return {"again": sorted(_publisher.executions_ended(event["tell"]))}
    ids = [record["dynamodb"]["Keys"]["PK"]["S"].removeprefix("EXECUTION#") for record in event["Records"]]
    again = _publisher.executions_ended(ids)
    logger.info("told", executions=len(ids), again=sorted(again))
    return failures(event, {f"EXECUTION#{execution_id}" for execution_id in again})
