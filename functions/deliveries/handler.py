"""Deliveries: sends outgoing webhooks; called when they are queued, and by recovery when they are due."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from engine.security.redaction import redact_logs
from engine.threads import NodeThreads, node_runner
from functions import outbound

logger = Logger()
redact_logs(logger)
_delivering = outbound.delivering()
_runner = node_runner(NodeThreads())  # one event loop for the worker's life, so that connections stay open


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Makes one attempt for each delivery that is due."""
    deliveries = [(str(one[0]), str(one[1])) for one in event["deliver"]]
    logger.info("sending", deliveries=len(deliveries))
    _runner.run(_delivering.send(deliveries))
    return {"tried": len(deliveries)}
