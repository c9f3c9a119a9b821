"""Workflows as tools of a model: started once for each call, and awaited while the node runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import NodeError
from engine.history.model import Status
from engine.nodes.context import ToolCall
from engine.storage.executions import ExecutionRepository

_FIRST_CHECK, _LAST_CHECK = 0.2, 3.0


class ToolRunner:
    """Runs workflows as tools.

    Args:
        executions: reads the ends of executions.
        start: makes the supervisor start one; returns `{execution_id}` or `{error}`.
    """

    def __init__(
        self, executions: ExecutionRepository, start: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> None:
        self._executions = executions
        self._start = start

    async def run(self, call: ToolCall) -> Any:
        """Return the result of the workflow. The wait is bounded by the node's timeout.

        Raises:
            NodeError: `tool_failed`: the workflow could not be started, or did not succeed.
        """
        asked = {
            "execution_id": call.execution_id,
            "workflow_id": call.workflow_id,
            "input": call.input,
            "key": call.key,
        }
        told = await asyncio.to_thread(self._start, {"tool": asked})
        if "error" in told:
            raise NodeError(str(told["error"]["message"]), code="tool_failed", details=told["error"])
        pause = _FIRST_CHECK
        while True:
            found = await asyncio.to_thread(self._executions.find, told["execution_id"], payloads=True)
            if found is not None and found.execution.status.is_final:
                break
            await asyncio.sleep(pause)
            pause = min(_LAST_CHECK, pause * 1.5)
        execution = found.execution
        if execution.status is Status.SUCCEEDED:
            return execution.result
        reason = (execution.error or {}).get("message") or f"it has {execution.status}"
        raise NodeError(str(reason), code="tool_failed", details={"execution_id": execution.id})
