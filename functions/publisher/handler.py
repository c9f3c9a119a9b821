"""Publisher: publishes the ends of executions, and has new mails sent; called by the table's stream."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from functions import container
from functions.streams import failures

logger = Logger()
_publisher = container.publisher()
_EXECUTION = "EXECUTION#"


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Publish each record; one that fails now, and all behind it, is delivered again.

    Publishing twice changes nothing: an event has one id.
    """
    if "tell" in event:  # by an operator, of what the dead letters name
        return {"again": sorted(_publisher.executions_ended(event["tell"]))}
    keys = [record["dynamodb"]["Keys"] for record in event["Records"]]
    _send([(key["PK"]["S"], key["SK"]["S"]) for key in keys if not key["PK"]["S"].startswith(_EXECUTION)])
    ids = [key["PK"]["S"].removeprefix(_EXECUTION) for key in keys if key["PK"]["S"].startswith(_EXECUTION)]
    again = _publisher.executions_ended(ids)
    logger.info("told", executions=len(ids), again=sorted(again))
    return failures(event, {f"{_EXECUTION}{execution_id}" for execution_id in again})


def _send(due: list[tuple[str, str]]) -> None:
    """Have new mails sent at once. Those of which that fails are left to recovery, and hold up no other record."""
    try:
        container.send_deliveries(due)
    except Exception:
        logger.exception("mails are left to recovery", mails=len(due))
