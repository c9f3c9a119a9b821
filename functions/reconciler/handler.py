"""Reconciler: makes schedules and rules equal to what active workflows say.

It is told by the table's stream which workflows have changed, and once a day it goes through everything there is.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from functions import resources
from functions.streams import failures

logger = Logger()
_reconciler = resources.reconciler()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Gives how much of what was changed; or which records are to be delivered again, as their workflows could not be.

    One that fails keeps none waiting: all others of the batch are done first.
    """
    if "Records" not in event:
        done = _reconciler.everything(lambda: context.get_remaining_time_in_millis() / 1000)
        logger.info("reconciled everything", done=done)
        return done
    ids = dict.fromkeys(record["dynamodb"]["Keys"]["PK"]["S"].removeprefix("WORKFLOW#") for record in event["Records"])
    total: dict[str, int] = {}
    failed: list[str] = []
    for workflow_id in ids:
        try:
            for name, count in _reconciler.workflow(workflow_id).items():
                total[name] = total.get(name, 0) + count
        except Exception:
            logger.exception("a workflow could not be reconciled", workflow_id=workflow_id)
            failed.append(workflow_id)
    logger.info("reconciled", workflows=len(ids), done=total, failed=failed)
    return failures(event, {f"WORKFLOW#{workflow_id}" for workflow_id in failed})
