"""Executions: `/api/executions`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import AwareDatetime

from engine import limits
from engine.clock import format_time
from engine.execution.callbacks import callback_url
from engine.execution.node_states import NodeState
from engine.history import prices
from engine.history.events import PendingSignal, Signal
from engine.history.model import Execution, Status
from engine.history.usage import Bill
from engine.schemas.executions import (
    BillAnswer,
    BriefError,
    CallbackBody,
    ExecutionAnswer,
    ExecutionDetail,
    ExecutionList,
    ExecutionSummary,
    LogAnswer,
    LogList,
    NodeAnswer,
    ProgressAnswer,
    RetryBody,
    SignalAnswer,
    SignalBody,
    StartBody,
    WaitAnswer,
)
from engine.services.executions.api import shown
from engine.services.executions.finalization import child_id
from engine.services.principal import Permission
from engine.storage.executions import Filter
from functions import container
from functions.http_api import Cursor, IdInPath, Limit, caller, errors, make_app, make_handler, raw_answer

app = make_app()

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, description="The same key starts one execution."),
]
NodePath = Annotated[str, Path(min_length=1, max_length=1_000, description="The node's id, or its path in a loop.")]
CallbackToken = Annotated[str, Path(min_length=1, max_length=2_000)]
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
    return _shown(container.execution_service().start(caller(app), body, idempotency_key))


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
    page = container.execution_service().page(caller(app), wanted, cursor, limit)
    return ExecutionList(items=[_summary(one) for one in page.items], next_cursor=page.next_cursor)


@app.get(
    "/api/executions/<execution_id>",
    tags=["executions"],
    summary="Get an execution",
    responses={200: {"description": "The execution with its nodes"}, **errors(401, 403, 404)},
)
def get(
    execution_id: IdInPath,
    nodes_after: Annotated[str | None, Query(max_length=1_000, description="The `next_nodes` of an answer.")] = None,
) -> ExecutionDetail:
    """With the states of up to 1,000 nodes. Values that do not fit into 4 MB are left out, and `omitted` names them."""
    view = container.execution_service().get(caller(app), execution_id, nodes_after)
    return ExecutionDetail(
        **_answer(view.execution),
        trigger={name: value for name, value in view.execution.trigger.items() if name != "body"},
        nodes=[NodeAnswer(**_node(view.execution, node)) for node in view.nodes],
        omitted=view.omitted,
        next_nodes=view.next_nodes,
    )


@app.get(
    "/api/executions/<execution_id>/files/<sha256>",
    tags=["executions"],
    summary="Get a file",
    responses={200: {"description": "Its bytes", "content": {"application/octet-stream": {}}}, **errors(401, 403, 404)},
)
def get_file(execution_id: IdInPath, sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]) -> Response[Any]:
    """A file that came with a webhook's multipart body; `trigger.body` has its hash."""
    content = container.execution_service().file(caller(app), execution_id, sha256)
    headers = {"content-disposition": "attachment", "content-security-policy": "sandbox"}
    return raw_answer(200, "application/octet-stream", content, headers)


@app.get(
    "/api/executions/<execution_id>/logs",
    tags=["executions"],
    summary="Read the log",
    responses={200: {"description": "A page of log lines"}, **errors(401, 403, 404)},
)
def logs(
    execution_id: IdInPath,
    limit: Limit = limits.PAGE_SIZE,
    after: Annotated[str | None, Query(max_length=200, description="The cursor of the last line you have.")] = None,
) -> LogList:
    """The oldest first. To follow a running execution ask again with the last line's cursor as `after`."""
    lines = container.execution_service().logs(caller(app), execution_id, after, limit)
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
    execution = container.execution_service().cancel(caller(app), execution_id)
    return Response(200, "application/json", _shown(execution))


@app.post(
    "/api/executions/<execution_id>/retry",
    status_code=202,
    tags=["executions"],
    summary="Go on from a point of an execution",
    responses={202: {"description": "Started"}, **errors(400, 401, 403, 404, 409, 413, 415, 503)},
)
def retry(
    execution_id: IdInPath, body: RetryBody | None = None, idempotency_key: IdempotencyKey = None
) -> ExecutionAnswer:
    """Starts another execution, which begins with all that this one found out before the point where it goes on."""
    wanted = body or RetryBody()
    return _shown(container.execution_service().retry(caller(app), execution_id, wanted, idempotency_key))


@app.post(
    "/api/executions/<execution_id>/signals/<node>",
    tags=["executions"],
    summary="Answer a node that waits",
    responses={200: {"description": "The answer was taken"}, **errors(400, 401, 403, 404, 409, 413, 415)},
)
def signal(execution_id: IdInPath, node: NodePath, body: SignalBody) -> SignalAnswer:
    """An approval takes `decision`, a callback `body`. The first answer stands; any further one is refused."""
    return _taken(execution_id, container.signal_service().answer(caller(app), execution_id, unquote(node), body))


@app.post(
    "/api/callbacks/<execution_id>/<token>",
    tags=["executions"],
    summary="Call back",
    responses={200: {"description": "The call was taken"}, **errors(400, 404, 409, 413, 415)},
    openapi_extensions={"security": []},
)
def call_back(execution_id: IdInPath, token: CallbackToken, body: CallbackBody) -> SignalAnswer:
    """For other systems; the URL is all that they need, and is good once. `{{ execution.callbacks.<node> }}` has it."""
    return _taken(execution_id, container.signal_service().call_back(execution_id, token, body.root))


def _taken(execution_id: str, signal: Signal) -> SignalAnswer:
    return SignalAnswer(execution_id=execution_id, node=signal.path, attempt=signal.attempt, at=format_time(signal.at))


def _shown(execution: Execution) -> ExecutionAnswer:
    """An execution without its nodes, which may be one of long ago with a large result."""
    view = shown(execution)
    return ExecutionAnswer(**_answer(view.execution), omitted=view.omitted)


def _summary(execution: Execution) -> ExecutionSummary:
    error = BriefError(**execution.error) if execution.error else None
    return ExecutionSummary(**_facts(execution), error=error)


def _facts(execution: Execution) -> dict[str, Any]:
    return {
        "id": execution.id,
        "workflow_id": execution.workflow_id,
        "workflow_name": execution.workflow_name,
        "workflow_version": execution.workflow_version,
        "status": execution.status,
        "trigger_type": execution.trigger_type,
        "triggered_by": execution.triggered_by,
        "queued": execution.place is not None and execution.place.slot is None and not execution.status.is_final,
        "retry_of": execution.retry_of,
        "trigger_id": execution.trigger_id,
        "started_from": execution.caller.execution_id.partition("~")[0] if execution.caller else None,
        "created_at": format_time(execution.created_at),
        "started_at": _time(execution.started_at),
        "completed_at": _time(execution.completed_at),
    }


def _answer(execution: Execution) -> dict[str, Any]:
    return {
        **_facts(execution),
        "input": execution.trigger.get("body"),
        "result": execution.result,
        "error": execution.error,
        "bill": _bill(execution.bill),
    }


def _bill(bill: Bill) -> BillAnswer:
    return BillAnswer(
        dollars=round(bill.dollars, 9),
        prices_as_of=prices.AS_OF,
        lambda_ms=bill.lambda_ms,
        transitions=bill.transitions,
        write_units=bill.write_units,
        read_units=bill.read_units,
        s3_calls=bill.s3_puts + bill.s3_gets,
        ai_input_tokens=bill.ai_input_tokens,
        ai_output_tokens=bill.ai_output_tokens,
        ai_dollars=bill.ai_micro_dollars / 1_000_000,
    )


def _wait(execution: Execution, wait: PendingSignal) -> WaitAnswer:
    told = wait.output if isinstance(wait.output, dict) else {}
    url = started = None
    if wait.kind == "callback" and caller(app).may(Permission.EXECUTE):  # who has the URL can answer
        url = callback_url(container.settings.api_url, execution.id, execution.secret, wait.path)
    elif wait.kind == "child":
        started = child_id(execution.id, wait)
    return WaitAnswer(
        kind=wait.kind,
        attempt=wait.attempt,
        deadline=_time(wait.deadline),
        message=told.get("message"),
        approvers=told.get("approvers") or None,
        url=url,
        execution_id=started,
    )


def _node(execution: Execution, node: NodeState) -> dict[str, Any]:
    return {
        "id": node.id,
        "type": node.type,
        "status": node.status,
        "attempts": node.attempts,
        "started_at": _time(node.started_at),
        "completed_at": _time(node.completed_at),
        "output": node.output,
        "error": node.error,
        "port": node.port,
        "wait": _wait(execution, node.wait) if node.wait else None,
        "progress": ProgressAnswer.model_validate(node.progress) if node.progress else None,
    }


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


handler = make_handler(app)
