"""Executions: `/api/executions`."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import AwareDatetime

import functions.executions.approval_links
import functions.executions.approvals
import functions.executions.statistics  # noqa: F401 - their routes
from engine import limits
from engine.clock import format_time
from engine.history.model import FINAL_STATUSES, OPEN_STATUSES, Status
from engine.schemas.executions import (
    CallbackBody,
    ExecutionAnswer,
    ExecutionDetail,
    ExecutionList,
    LogAnswer,
    LogLevel,
    LogList,
    NodeAnswer,
    RetryBody,
    SignalAnswer,
    SignalBody,
    StartBody,
)
from engine.security.permissions import Access, Permission
from engine.services.executions.api import known_level
from engine.storage.execution_lists import Filter
from functions import api_services
from functions.executions.answers import answer_parts, given_answer, node_parts, shown_answer, summary
from functions.executions.app import app
from functions.executions.inspection import NodePath
from functions.http_api import (
    Cursor,
    IdInPath,
    Limit,
    allows,
    caller,
    errors,
    make_handler,
    polled_answer,
    raw_answer,
    tagged,
)

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, description="The same key starts one execution."),
]
CallbackToken = Annotated[str, Path(min_length=1, max_length=2_000)]
_WORDS: dict[str, frozenset[Status]] = {
    **{str(one): frozenset({one}) for one in Status},
    "open": OPEN_STATUSES,
    "ended": FINAL_STATUSES,
}
_STATUSES = f"^(?:{'|'.join(_WORDS)})(?:,(?:{'|'.join(_WORDS)}))*$"
_STATUSES_TOLD = f"{', '.join(_WORDS)}; several with commas."
Moment = Annotated[AwareDatetime | None, Query(description="RFC 3339 with an offset.")]


@app.post(
    "/api/executions",
    status_code=202,
    tags=["executions"],
    summary="Start an execution",
    responses={202: {"description": "Started"}, **errors(400, 401, 403, 404, 409, 413, 415, 503)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def start(body: StartBody, idempotency_key: IdempotencyKey = None) -> ExecutionAnswer:
    """The same `Idempotency-Key` gives the same execution for 24 hours.

    A test run is told to nobody: no subscription, no event, no `on_failure`, no health of a trigger. What its nodes do
    outside they do, unless they are pinned.
    """
    return shown_answer(api_services.execution_service().start(caller(app), body, idempotency_key))


@app.get(
    "/api/executions",
    tags=["executions"],
    summary="List executions",
    responses={**tagged(ExecutionList, "A page of executions"), **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def list_executions(  # noqa: PLR0913, PLR0917 - the parameters of the route
    limit: Limit = limits.PAGE_SIZE,
    cursor: Cursor = None,
    q: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="Part of the workflow's name, or begin of an id."),
    ] = None,
    workflow_id: Annotated[str | None, Query(max_length=64, description="Of this workflow.")] = None,
    status: Annotated[str | None, Query(pattern=_STATUSES, description=_STATUSES_TOLD)] = None,
    trigger_type: Annotated[str | None, Query(max_length=64, description="What started them.")] = None,
    test: Annotated[bool | None, Query(description="Only test runs, or none.")] = None,
    created_after: Moment = None,
    created_before: Moment = None,
) -> Response[Any]:
    """The newest first. A page may hold fewer than `limit` although there is a `next_cursor`."""
    wanted = Filter(workflow_id, _statuses(status), trigger_type, test, q, created_after, created_before)
    page = api_services.execution_service().page(caller(app), wanted, cursor, limit)
    items = [summary(one) for one in page.items]
    return polled_answer(app, ExecutionList(items=items, next_cursor=page.next_cursor))


@app.get(
    "/api/executions/<execution_id>",
    tags=["executions"],
    summary="Get an execution",
    responses={**tagged(ExecutionDetail, "The execution with its nodes"), **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get(
    execution_id: IdInPath,
    nodes_after: Annotated[str | None, Query(max_length=1_000, description="The `next_nodes` of an answer.")] = None,
) -> Response[Any]:
    """With the states of up to 1,000 nodes. Values that do not fit into 4 MB are left out, and `omitted` names them."""
    view = api_services.execution_service().get(caller(app), execution_id, nodes_after)
    found = ExecutionDetail(
        **answer_parts(view.execution),
        trigger={name: value for name, value in view.execution.trigger.items() if name != "body"},
        nodes=[NodeAnswer(**node_parts(view.execution, node)) for node in view.nodes],
        omitted=view.omitted,
        next_nodes=view.next_nodes,
    )
    return polled_answer(app, found)


@app.get(
    "/api/executions/<execution_id>/files/<sha256>",
    tags=["executions"],
    summary="Get a file",
    responses={200: {"description": "Its bytes", "content": {"application/octet-stream": {}}}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get_file(execution_id: IdInPath, sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]) -> Response[Any]:
    """A file that came with a webhook's multipart body; `trigger.body` has its hash."""
    content = api_services.execution_service().file(caller(app), execution_id, sha256)
    headers = {"content-disposition": "attachment", "content-security-policy": "sandbox"}
    return raw_answer(200, "application/octet-stream", content, headers)


@app.get(
    "/api/executions/<execution_id>/logs",
    tags=["executions"],
    summary="Read the log",
    responses={200: {"description": "A page of log lines"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def logs(
    execution_id: IdInPath,
    limit: Limit = limits.PAGE_SIZE,
    after: Annotated[str | None, Query(max_length=200, description="The cursor of the last line you have.")] = None,
    node_id: Annotated[str | None, Query(max_length=1_000, description="A node's path: its lines, and below.")] = None,
    level: Annotated[LogLevel, Query(description="Lines of this level, or worse.")] = "debug",
) -> LogList:
    """The oldest first. To follow a running execution ask again with the last line's cursor as `after`.

    A page may hold fewer lines than there are, or none, although there is a `next_cursor`.
    """
    lines, next_cursor = api_services.execution_service().logs(caller(app), execution_id, after, limit, node_id, level)
    items = [
        LogAnswer(
            cursor=cursor,
            timestamp=format_time(line.timestamp),
            level=known_level(line.level),
            node_id=line.node_id,
            message=line.message,
            metadata=line.metadata,
        )
        for cursor, line in lines
    ]
    return LogList(items=items, next_cursor=next_cursor)


@app.post(
    "/api/executions/<execution_id>/cancel",
    tags=["executions"],
    summary="Cancel an execution",
    responses={200: {"description": "The cancelled execution"}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def cancel(execution_id: IdInPath) -> Response[ExecutionAnswer]:
    """No node starts after this. Cancelling twice changes nothing; what is finished cannot be cancelled."""
    execution = api_services.execution_service().cancel(caller(app), execution_id)
    return Response(200, "application/json", shown_answer(execution))


@app.post(
    "/api/executions/<execution_id>/retry",
    status_code=202,
    tags=["executions"],
    summary="Go on from a point of an execution",
    responses={202: {"description": "Started"}, **errors(400, 401, 403, 404, 409, 413, 415, 503)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def retry(
    execution_id: IdInPath, body: RetryBody | None = None, idempotency_key: IdempotencyKey = None
) -> ExecutionAnswer:
    """Starts another execution, which begins with all that this one found out before the point where it goes on."""
    wanted = body or RetryBody()
    return shown_answer(api_services.execution_service().retry(caller(app), execution_id, wanted, idempotency_key))


@app.post(
    "/api/executions/<execution_id>/signals/<node>",
    tags=["executions"],
    summary="Answer a node that waits",
    responses={200: {"description": "The answer was taken"}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Permission.READ),
)
def signal(execution_id: IdInPath, node: NodePath, body: SignalBody) -> SignalAnswer:
    """An approval takes `decision` and `values`, a callback `body`. Whoever has answered cannot answer again."""
    given = api_services.signal_service().answer(caller(app), execution_id, unquote(node), body)
    return given_answer(execution_id, given)


@app.post(
    "/api/callbacks/<execution_id>/<token>",
    tags=["executions"],
    summary="Call back",
    responses={200: {"description": "The call was taken"}, **errors(400, 404, 409, 413, 415)},
    openapi_extensions=allows(Access.PUBLIC),
)
def call_back(execution_id: IdInPath, token: CallbackToken, body: CallbackBody) -> SignalAnswer:
    """For other systems; the URL is all that they need, and is good once. `{{ execution.callbacks.<node> }}` has it."""
    return given_answer(execution_id, api_services.signal_service().call_back(execution_id, token, body.root))


def _statuses(text: str | None) -> frozenset[Status]:
    """What is meant by such as `failed,open`."""
    return frozenset(Status) if text is None else frozenset().union(*(_WORDS[word] for word in text.split(",")))


handler = make_handler(app)
