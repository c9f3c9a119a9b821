"""Approvals: `/api/approvals`. They are answered by `/api/executions/{id}/signals/{node}`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from engine import limits
from engine.clock import format_time
from engine.schemas.approvals import (
    ApprovalAnswer,
    ApprovalCount,
    ApprovalDetail,
    ApprovalList,
    DeciderAnswer,
    GivenAnswer,
    NodeBeforeAnswer,
)
from engine.security.permissions import Permission
from engine.storage.approvals import Approval
from engine.storage.payloads import OMITTED
from functions import api_services, container
from functions.executions.answers import time_of
from functions.executions.app import app
from functions.http_api import Cursor, IdInPath, Limit, allows, caller, errors

Mine = Annotated[bool, Query(description="Those that you may answer; of decided ones, those that you have decided.")]


@app.get(
    "/api/approvals",
    tags=["approvals"],
    summary="List approvals",
    responses={200: {"description": "A page of approvals"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def list_approvals(
    limit: Limit = limits.PAGE_SIZE,
    cursor: Cursor = None,
    mine: Mine = False,  # noqa: FBT002 - a query parameter
    state: Annotated[Literal["open", "decided"], Query(description="Those that wait, or that were decided.")] = "open",
    workflow_id: Annotated[str | None, Query(max_length=64, description="Of this workflow.")] = None,
    execution_id: Annotated[str | None, Query(max_length=64, description="Of this execution.")] = None,
) -> ApprovalList:
    """The newest first. A page may hold fewer than `limit` although there is a `next_cursor`."""
    page = api_services.approval_service().page(
        caller(app),
        cursor,
        limit,
        is_decided=state == "decided",
        mine=mine,
        workflow_id=workflow_id,
        execution_id=execution_id,
    )
    return ApprovalList(items=[ApprovalAnswer(**_facts(one)) for one in page.items], next_cursor=page.next_cursor)


@app.get(
    "/api/approvals/count",
    tags=["approvals"],
    summary="Count open approvals",
    responses={200: {"description": "How many wait"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def count(mine: Mine = False) -> ApprovalCount:  # noqa: FBT002 - a query parameter
    """At most a hundred are counted."""
    number, more = api_services.approval_service().count(caller(app), mine=mine)
    return ApprovalCount(count=number, more=more)


@app.get(
    "/api/approvals/<approval_id>",
    tags=["approvals"],
    summary="Get an approval",
    responses={200: {"description": "With what it takes to decide"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get_approval(approval_id: IdInPath) -> ApprovalDetail:
    """What was decided is known for 90 days."""
    found = api_services.approval_service().context(caller(app), approval_id)
    execution, node = found.execution, found.node
    given = execution.trigger.get("body") if execution else None
    return ApprovalDetail(
        **_facts(found.approval),
        node_name=node.name if node else None,
        notes=node.notes if node else None,
        trigger_type=execution.trigger_type if execution else None,
        triggered_by=execution.triggered_by if execution else None,
        started_at=time_of(execution.started_at) if execution else None,
        input=None if given is OMITTED else given,
        before=[
            NodeBeforeAnswer(
                id=one.node.id, type=one.node.type, name=one.node.name, output=one.output, omitted=one.omitted
            )
            for one in found.before
        ],
        history=[ApprovalAnswer(**_facts(one)) for one in found.history],
        omitted=["input"] if given is OMITTED else [],
    )


def _facts(approval: Approval) -> dict[str, Any]:
    by = approval.decided_by
    refusal = None if approval.decision else api_services.approval_service().refusal(caller(app), approval)
    return {
        "id": approval.id,
        "execution_id": approval.execution_id,
        "node": approval.path,
        "attempt": approval.attempt,
        "message": approval.terms.message,
        "approvers": list(approval.terms.approvers_at(approval.asked_at, container.clock.now())),
        "needs": approval.terms.needs,
        "answers": [GivenAnswer.model_validate(one) for one in approval.answers],
        "form": approval.terms.form,
        "may_answer": approval.decision is None and refusal is None,
        "refusal": refusal,
        "asked_at": format_time(approval.asked_at),
        "deadline": format_time(approval.deadline),
        "workflow_id": approval.workflow_id,
        "workflow_name": approval.workflow_name,
        "test": approval.is_test,
        "decision": approval.decision,
        "comment": approval.comment,
        "decided_by": DeciderAnswer(id=by, email=approval.decided_by_email) if by else None,
        "decided_at": time_of(approval.decided_at),
    }
