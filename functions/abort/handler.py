"""Abort: closes the record of an execution whose driver is gone.

Called by the state machine when Advance has failed for good, and by EventBridge when the state machine's
execution itself has failed, timed out or been stopped.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from engine.clock import SystemClock
from engine.errors import ExecutionLost
from engine.execution import LogLine, Status
from functions import resources

logger = Logger()
_clock = SystemClock()
_executions = resources.executions()


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Takes either the state machine's input with its error, or the EventBridge event."""
    execution_id, reason = reason_of(event)
    now = _clock.now()
    error = {"code": "engine_error", "message": f"the execution could not go on: {reason}", "details": None}
    try:
        final, wrote = _executions.finish(execution_id, Status.FAILED, now, error=error)
    except ExecutionLost:
        logger.warning("nothing to abort", execution_id=execution_id)
        return {"next": Status.FAILED}
    if wrote:
        _executions.log(execution_id, [LogLine(now, "error", error["message"] or "")], now)
    logger.info("aborted", execution_id=execution_id, status=final, wrote=wrote)
    return {"next": final}


def reason_of(event: dict[str, Any]) -> tuple[str, str]:
    """The execution's id and what became of its driver."""
    detail = event.get("detail")
    if detail is None:
        error = event.get("error") or {}
        return event["execution_id"], f"its driver failed with {error.get('Error', 'an unknown error')}"
    execution_id, _, _generation = detail["name"].rpartition("-")
    return execution_id, f"its driver has ended as {detail['status'].lower()}"
