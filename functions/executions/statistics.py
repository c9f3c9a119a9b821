"""What has run: `/api/stats`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from engine.schemas.statistics import StatisticsAnswer
from engine.security.permissions import Permission
from functions import api_services
from functions.executions.app import app
from functions.http_api import allows, caller, errors


@app.get(
    "/api/stats",
    tags=["executions"],
    summary="See what has run",
    responses={200: {"description": "Sums by day or by workflow"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def statistics(
    first: Annotated[date | None, Query(alias="from", description="The first day. Default: 30 days in all.")] = None,
    last: Annotated[date | None, Query(alias="to", description="The last day. Default: today.")] = None,
    by: Annotated[Literal["day", "workflow"], Query(description="What a sum is over.")] = "day",
    workflow_id: Annotated[str | None, Query(max_length=64, description="Only of this workflow.")] = None,
) -> StatisticsAnswer:
    """An execution counts on the day (of UTC) on which it has ended, a second or two later."""
    return api_services.statistics().of(caller(app), first, last, by, workflow_id)
