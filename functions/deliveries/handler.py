"""Deliveries: sends outgoing webhooks and mail; called when they are queued, and by recovery when they are due."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from engine.security.redaction import redact_logs
from engine.storage import approvals, mails
from engine.threads import NodeThreads, node_runner
from functions import outbound

logger = Logger()
redact_logs(logger)
_delivering = outbound.delivering()
_runner = node_runner(NodeThreads())  # one event loop for the worker's life, so that connections stay open


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Makes one attempt for each delivery that is due."""
    due = [(str(one[0]), str(one[1])) for one in event["deliver"]]
    logger.info("sending", deliveries=len(due))
    _runner.run(_send(due))
    return {"tried": len(due)}


def _recorded(waiting: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Record the mails of approvals; return their keys. An approval for which that fails is left to recovery."""
    recorded: list[tuple[str, str]] = []
    for pk, sort_key in waiting:
        try:
            recorded += outbound.approval_notices().tell(pk.removeprefix(approvals.PARTITION), sort_key)
        except Exception:
            logger.exception("mails of an approval are left to recovery")
    return recorded


async def _send(due: list[tuple[str, str]]) -> None:
    """Send each by what it is, which its partition tells."""
    waiting = [one for one in due if one[0].startswith(approvals.PARTITION)]
    letters = [one for one in due if one[0].startswith(mails.PARTITION)] + _recorded(waiting)
    if letters:
        await outbound.mail_sender().send([(pk.removeprefix(mails.PARTITION), mail_id) for pk, mail_id in letters])
    await _delivering.send([one for one in due if not one[0].startswith((approvals.PARTITION, mails.PARTITION))])
