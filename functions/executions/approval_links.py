"""Links that approvers get by mail: `/api/approvals/links/…`. They prove themselves; nobody has to be signed in."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from engine.clock import format_time
from engine.schemas.approvals import LinkAnswer, LinkBody
from engine.schemas.executions import SignalAnswer, SignalBody
from engine.security.permissions import Access
from functions import api_services
from functions.executions.answers import given_answer, time_of
from functions.executions.app import app
from functions.http_api import allows, errors

LinkToken = Annotated[str, Path(min_length=1, max_length=2_000)]


@app.get(
    "/api/approvals/links/<token>",
    tags=["approvals"],
    summary="Look at what a mailed link asks",
    responses={200: {"description": "The question"}, **errors(404)},
    openapi_extensions=allows(Access.PUBLIC),
)
def get_link(token: LinkToken) -> LinkAnswer:
    """For whoever has the link. It decides nothing, however often it is called."""
    found = api_services.link_answers().show(token)
    return LinkAnswer(
        state=found.state,
        decision=found.decision,
        email=found.link.address,
        workflow_name=found.execution.workflow_name,
        message=found.terms.message,
        form=dict(found.terms.form) if found.terms.form is not None else None,
        needs=found.terms.needs,
        approved=found.approved,
        asked_at=format_time(found.wait.started_at),
        deadline=time_of(found.wait.deadline),
        test=found.execution.is_test,
    )


@app.post(
    "/api/approvals/links/<token>",
    tags=["approvals"],
    summary="Decide by a mailed link",
    responses={200: {"description": "The answer was taken"}, **errors(400, 404, 409, 413, 415)},
    openapi_extensions=allows(Access.PUBLIC),
)
def answer_link(token: LinkToken, body: LinkBody) -> SignalAnswer:
    """The link is good once, until the deadline, and as long as whoever it was mailed to may answer."""
    meant = SignalBody(decision=body.decision, comment=body.comment, values=body.values)
    return given_answer(token.partition(".")[0], api_services.link_answers().answer(token, meant))
