"""Executions: `/api/executions`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query
from pydantic import AwareDatetime

from engine import limits
from engine.execution import Execution, Status, format_time
from engine.schemas.executions import (
    ExecutionAnswer,
    ExecutionDetail,
    ExecutionList,
    ExecutionSummary,
    LogAnswer,
    LogList,
    NodeAnswer,
    StartBody,
)
from engine.services.execution_service import ExecutionView, shown
from engine.states import NodeState
from engine.storage.executions import Filter
from functions import resources
from functions.http import Cursor, IdInPath, Limit, caller, errors, make_app, make_handler

app = make_app()

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, description="The same key starts one execution."),
]
Moment = Annotated[AwareDatetime | None, Query(description="RFC 3339 with an offset.")]


@app.post(
    "/api/executions",
    status_code=202,
    tags=["executions"],
    summary="Start an execution",
    responses={202: {"description": "Started"}, **errors(400, 401, 403, 404, 409, 413, 415, 503)},
)
def start(body: StartBody, idempotency_key: IdempotencyKey = None) -> ExecutionAnswer:
    """Runs the workflow's newest version. The same `Idempotency-Key` gives the same execution for 24 hours."""
    return _shown(resources.execution_service().start(caller(app), body, idempotency_key))


@app.get(
    "/api/executions",
    tags=["executions"],
    summary="List executions",
    responses={200: {"description": "A page of executions"}, **errors(401, 403)},
)
def list_executions(
    limit: Limit = limits.PAGE_SIZE,
    cursor: Cursor = None,
    workflow_id: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[Status | None, Query()] = None,
    created_after: Moment = None,
    created_before: Moment = None,
) -> ExecutionList:
    """The newest first. A page may hold fewer than `limit` although there is a `next_cursor`."""
    wanted = Filter(workflow_id, status, created_after, created_before)
    page = resources.execution_service().page(caller(app), wanted, cursor, limit)
    return ExecutionList(items=[ExecutionSummary(**_summary(one)) for one in page.items], next_cursor=page.next_cursor)


@app.get(
    "/api/executions/<execution_id>",
    tags=["executions"],
    summary="Get an execution",
    responses={200: {"description": "The execution with its nodes"}, **errors(401, 403, 404)},
)
def get(execution_id: IdInPath) -> ExecutionDetail:
    """With the state of each node. Values that do not fit into 4 MB are left out, and `omitted` names them."""
    view: ExecutionView = resources.execution_service().get(caller(app), execution_id)
    view, omitted = shown(view)
    return ExecutionDetail(
        **_answer(view.execution), nodes=[NodeAnswer(**_node(node)) for node in view.nodes], omitted=omitted
    )


@app.get(
    "/api/executions/<execution_id>/logs",
    tags=["executions"],
    summary="Read the log",
    responses={200: {"description": "A page of log lines"}, **errors(401, 403, 404)},
)
def logs(
    execution_id: IdInPath,
    limit: Limit = limits.PAGE_SIZE,
    after: Annotated[str | None, Query(max_length=80, description="The cursor of the last line you have.")] = None,
) -> LogList:
    """The oldest first. To follow a running execution ask again with the last line's cursor as `after`."""
    lines = resources.execution_service().logs(caller(app), execution_id, after, limit)
    items = [
        LogAnswer(
            cursor=cursor,
            timestamp=format_time(line.timestamp),
            level=line.level,
            node_id=line.node_id,
            message=line.message,
            metadata=line.metadata,
        )
        for cursor, line in lines[:limit]
    ]
    return LogList(items=items, next_cursor=items[-1].cursor if len(lines) > limit else None)


@app.post(
    "/api/executions/<execution_id>/cancel",
    tags=["executions"],
    summary="Cancel an execution",
    responses={200: {"description": "The cancelled execution"}, **errors(401, 403, 404, 409)},
)
def cancel(execution_id: IdInPath) -> Response[ExecutionAnswer]:
    """No node starts after this. Cancelling twice changes nothing; what is finished cannot be cancelled."""
    execution = resources.execution_service().cancel(caller(app), execution_id)
    return Response(200, "application/json", _shown(execution))


def _shown(execution: Execution) -> ExecutionAnswer:
    """An execution without its nodes, which may be one of long ago with a large result."""
    view, omitted = shown(ExecutionView(execution, []))
    return ExecutionAnswer(**_answer(view.execution), omitted=omitted)


def _summary(execution: Execution) -> dict[str, Any]:
    return {
        "id": execution.id,
        "workflow_id": execution.workflow_id,
        "workflow_version": execution.workflow_version,
        "status": execution.status,
        "trigger_type": execution.trigger_type,
        "triggered_by": execution.triggered_by,
        "created_at": format_time(execution.created_at),
        "started_at": _time(execution.started_at),
        "completed_at": _time(execution.completed_at),
    }


def _answer(execution: Execution) -> dict[str, Any]:
    return {
        **_summary(execution),
        "input": execution.trigger.get("body"),
        "result": execution.result,
        "error": execution.error,
    }


def _node(node: NodeState) -> dict[str, Any]:
    return {
        "id": node.id,
        "type": node.type,
        "status": node.status,
        "attempts": node.attempts,
        "started_at": _time(node.started_at),
        "completed_at": _time(node.completed_at),
        "output": node.output,
        "error": node.error,
    }


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


handler = make_handler(app)
