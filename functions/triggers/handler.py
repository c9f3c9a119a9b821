"""Triggers: `/api/triggers`, and what a workflow's triggers can be asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from engine import limits
from engine.clock import format_time
from engine.ids import NODE_ID_PATTERN
from engine.schemas.executions import ExecutionStarted
from engine.schemas.triggers import (
    AddressAnswer,
    BackfillAnswer,
    BackfillBody,
    BackfillItem,
    FiringBody,
    OutcomeAnswer,
    PreviewScheduleBody,
    SampleAnswer,
    ScheduleAnswer,
    ScheduleList,
    SchedulePreviewAnswer,
    SecretBody,
    TriggerAnswer,
    TriggerList,
    TriggerTypeList,
)
from engine.security.permissions import Access, Permission
from engine.services.triggers.api import TriggerView
from engine.triggers.catalogue import describe
from engine.triggers.types import TRIGGER_TYPES
from functions import api_services
from functions.http_api import (
    Cursor,
    IdInPath,
    Limit,
    allows,
    caller,
    catalogue_answer,
    errors,
    make_app,
    make_handler,
    tagged,
)

app = make_app()
TriggerInPath = Annotated[str, Path(pattern=NODE_ID_PATTERN)]


@app.get(
    "/api/triggers",
    tags=["triggers"],
    summary="List triggers",
    responses={200: {"description": "The triggers of a page of workflows"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def list_triggers(limit: Limit = limits.PAGE_SIZE, cursor: Cursor = None) -> TriggerList:
    """How each trigger of the workspace is. `limit` counts workflows, the newest first; some have no triggers."""
    page = api_services.trigger_service().page(caller(app), cursor, limit)
    return TriggerList(items=[_answer(view) for view in page.items], next_cursor=page.next_cursor)


@app.get(
    "/api/workflows/<workflow_id>/triggers/<trigger_id>",
    tags=["triggers"],
    summary="Get a trigger",
    responses={200: {"description": "The trigger"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get(workflow_id: IdInPath, trigger_id: TriggerInPath) -> TriggerAnswer:
    """How it is, and the address of a webhook."""
    return _answer(api_services.trigger_service().get(caller(app), workflow_id, trigger_id))


@app.get(
    "/api/workflows/<workflow_id>/triggers/<trigger_id>/address",
    tags=["triggers"],
    summary="Get a webhook's address",
    responses={200: {"description": "The address"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def address(workflow_id: IdInPath, trigger_id: TriggerInPath) -> AddressAnswer:
    """Of a webhook of the workflow, or of one that is only in a draft: it is known before anything is published.

    It answers 404 until a version with the webhook is published and the workflow is active.
    """
    return AddressAnswer(url=api_services.trigger_service().address(caller(app), workflow_id, trigger_id))


@app.get(
    "/api/workflows/<workflow_id>/schedule",
    tags=["triggers"],
    summary="See when a workflow comes next",
    responses={200: {"description": "The next ten times of each schedule"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def schedule(workflow_id: IdInPath) -> ScheduleList:
    """The times at which it comes if it is active then."""
    workflow, schedules = api_services.trigger_service().schedule(caller(app), workflow_id)
    items = [
        ScheduleAnswer(trigger_id=trigger.id, timezone=config.timezone, times=[format_time(one) for one in times])
        for trigger, config, times in schedules
    ]
    return ScheduleList(is_active=workflow.is_active, items=items)


@app.post(
    "/api/workflows/<workflow_id>/backfill",
    status_code=202,
    tags=["triggers"],
    summary="Start what a schedule has missed",
    responses={202: {"description": "Started, in the order of the times"}, **errors(400, 401, 403, 404, 413, 415, 503)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def backfill(workflow_id: IdInPath, body: BackfillBody) -> BackfillAnswer:
    """One execution for each time; a time that had its execution keeps it, so calling twice changes nothing."""
    done = api_services.trigger_service().backfill(caller(app), workflow_id, body.begin, body.end, body.trigger_id)
    items = [
        BackfillItem(scheduled_at=format_time(due), execution_id=execution_id, is_new=is_new)
        for due, execution_id, is_new in done
    ]
    return BackfillAnswer(started=sum(item.is_new for item in items), items=items)


@app.post(
    "/api/schedules/preview",
    tags=["triggers"],
    summary="See when a schedule would come",
    responses={200: {"description": "In words, and its next times"}, **errors(400, 401, 403, 413, 415)},
    openapi_extensions=allows(Access.SIGNED_IN),
)
def preview_schedule(body: PreviewScheduleBody) -> SchedulePreviewAnswer:
    """Stores nothing."""
    words, config, times = api_services.trigger_service().preview(body.config, body.language, body.count)
    return SchedulePreviewAnswer(words=words, timezone=config.timezone, times=[format_time(one) for one in times])


@app.get(
    "/api/trigger-types",
    tags=["triggers"],
    summary="List trigger types",
    responses={**tagged(TriggerTypeList, "All trigger types"), **errors(401)},
    openapi_extensions=allows(Access.SIGNED_IN),
)
def types() -> Response[Any]:
    """The JSON Schema of each config and of what it gives, for forms."""
    return catalogue_answer(app, _types())


@app.get(
    "/api/workflows/<workflow_id>/triggers/<trigger_id>/sample",
    tags=["triggers"],
    summary="See what a trigger gives",
    responses={200: {"description": "Made up, and as it last was"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def sample(workflow_id: IdInPath, trigger_id: TriggerInPath) -> SampleAnswer:
    """What `trigger` is in the workflow's expressions."""
    made_up, last = api_services.trigger_service().sample(caller(app), workflow_id, trigger_id)
    return SampleAnswer(sample=made_up, last=last)


@app.post(
    "/api/workflows/<workflow_id>/triggers/<trigger_id>/test",
    status_code=202,
    tags=["triggers"],
    summary="Fire a trigger to try it",
    responses={202: {"description": "Started"}, **errors(400, 401, 403, 404, 409, 413, 415, 503)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def fire(workflow_id: IdInPath, trigger_id: TriggerInPath, body: FiringBody | None = None) -> ExecutionStarted:
    """Starts an execution as the trigger would, also while the workflow is not active."""
    wanted = body or FiringBody()
    execution = api_services.trigger_service().test(
        caller(app), workflow_id, trigger_id, wanted.payload, last=wanted.last
    )
    return ExecutionStarted(id=execution.id, workflow_id=execution.workflow_id, status=execution.status)


@app.post(
    "/api/workflows/<workflow_id>/triggers/<trigger_id>/rotate",
    tags=["triggers"],
    summary="Give a webhook another address",
    responses={200: {"description": "The trigger with its new address"}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.PUBLISH),
)
def rotate(workflow_id: IdInPath, trigger_id: TriggerInPath) -> TriggerAnswer:
    """The address that it had is good no more, at once."""
    return _answer(api_services.trigger_service().rotate(caller(app), workflow_id, trigger_id))


@app.put(
    "/api/workflows/<workflow_id>/triggers/<trigger_id>/secret",
    status_code=204,
    tags=["triggers"],
    summary="Set a webhook's secret",
    responses={204: {"description": "Set", "content": {}}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Permission.PUBLISH),
)
def set_secret(workflow_id: IdInPath, trigger_id: TriggerInPath, body: SecretBody) -> Response[None]:
    """What its callers sign with, or their password. It is encrypted, and cannot be read again."""
    api_services.trigger_service().set_secret(caller(app), workflow_id, trigger_id, body.secret)
    return Response(204)


@lru_cache(maxsize=1)
def _types() -> str:
    now = datetime(2026, 1, 1, tzinfo=UTC)  # what is made up is the same each time, and so is its tag
    items = [describe(name, now) for name in sorted(TRIGGER_TYPES)]
    return TriggerTypeList.model_validate({"items": items, "next_cursor": None}).model_dump_json()


def _answer(view: TriggerView) -> TriggerAnswer:
    state, outcome = view.state, view.state.last_outcome
    return TriggerAnswer(
        workflow_id=view.workflow.id,
        workflow_name=view.workflow.name,
        is_active=view.workflow.is_active,
        id=view.trigger.id,
        type=view.trigger.type,
        name=view.trigger.name,
        config=view.trigger.config,
        status=view.status,
        url=view.url,
        has_secret=view.has_secret,
        fired=state.fired,
        last_fired_at=format_time(state.last_fired_at) if state.last_fired_at else None,
        next_expected_at=format_time(view.next_at) if view.next_at else None,
        last_outcome=OutcomeAnswer(execution_id=outcome[0], status=outcome[1]) if outcome else None,
        consecutive_failures=state.consecutive_failures,
        failed=state.failed,
        last_failure=dict(state.last_failure) if state.last_failure else None,
        refused=state.refused,
        last_refused_at=format_time(state.last_refused_at) if state.last_refused_at else None,
        last_refusal=state.last_refusal,
        silent_since=format_time(state.silent_since) if state.silent_since else None,
    )


handler = make_handler(app)
