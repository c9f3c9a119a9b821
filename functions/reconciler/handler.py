"""Reconciler: makes schedules and rules equal to what active workflows say.

The table's stream reports which workflows have changed and which patterns have lost a listener; once a day everything
is reconciled.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from aws_lambda_powertools import Logger

from engine.storage.listeners import RULE
from functions import container
from functions.streams import failures

logger = Logger()
_reconciler = container.reconciler()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return how many of each were changed; or the records to deliver again, as their workflows failed.

    A failure holds up no other: all others of the batch are done first.
    """
    if "Records" not in event:
        done = _reconciler.everything(lambda: context.get_remaining_time_in_millis() / 1000)
        logger.info("reconciled everything", done=done)
        return done
    keys = dict.fromkeys(record["dynamodb"]["Keys"]["PK"]["S"] for record in event["Records"])
    total: Counter[str] = Counter()
    failed: set[str] = set()
    for key in keys:
        try:
            if key.startswith(RULE):
                total += _reconciler.rule(key.removeprefix(RULE))
            else:
                total += _reconciler.workflow(key.removeprefix("WORKFLOW#"))
        except Exception:
            logger.exception("a workflow or a rule could not be reconciled", key=key)
            failed.add(key)
    logger.info("reconciled", keys=len(keys), done=total, failed=sorted(failed))
    return failures(event, failed)
