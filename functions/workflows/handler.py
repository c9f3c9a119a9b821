"""Workflows: `/api/workflows`. Versions and what is published are in `versions.py`, drafts in `drafts.py`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from engine import limits
from engine.schemas.workflows import (
    DefinitionBody,
    OwnDefinitionBody,
    ValidationAnswer,
    WorkflowAnswer,
    WorkflowBody,
    WorkflowChange,
    WorkflowCreation,
    WorkflowList,
    WorkflowUsageAnswer,
    WorkflowUsageList,
)
from engine.security.permissions import Permission
from engine.services.workflows.api import Filter, usage_of
from functions import api_services
from functions.http_api import Cursor, IdInPath, Limit, allows, caller, errors, make_handler
from functions.workflows import drafts, versions
from functions.workflows.answers import IfMatch, app, seen_by, summary, validation, workflow_answer

__all__ = ["app", "drafts", "handler", "versions"]  # the routes of the other two are there once they are imported


@app.post(
    "/api/workflows",
    status_code=201,
    tags=["workflows"],
    summary="Create a workflow",
    responses={201: {"description": "Created"}, **errors(400, 401, 403, 409, 413, 415)},
    openapi_extensions=allows(Permission.EDIT),
)
def create(body: WorkflowCreation) -> Response[WorkflowAnswer]:
    """Inactive; with version 1, published unless `publish` is false, or without a version, to be drafted."""
    return workflow_answer(api_services.workflow_service().create(caller(app), body), 201)


@app.get(
    "/api/workflows",
    tags=["workflows"],
    summary="List workflows",
    responses={200: {"description": "A page of workflows"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def list_workflows(
    q: Annotated[str | None, Query(max_length=200, description="In name, description or a label, in any case.")] = None,
    label: Annotated[str | None, Query(max_length=50, description="Those that have it.")] = None,
    folder: Annotated[str | None, Query(max_length=200, description="And those below it; empty: in none.")] = None,
    is_active: Annotated[bool | None, Query(description="Whether its triggers are live.")] = None,
    limit: Limit = limits.PAGE_SIZE,
    cursor: Cursor = None,
) -> WorkflowList:
    """The newest first, without their definitions."""
    wanted = Filter(q, label, folder, is_active)
    page = api_services.workflow_service().page(caller(app), wanted, cursor, limit)
    return WorkflowList(items=[summary(workflow) for workflow in page.items], next_cursor=page.next_cursor)


@app.post(
    "/api/workflows/validate",
    tags=["workflows"],
    summary="Check a definition",
    responses={200: {"description": "All problems at once"}, **errors(400, 401, 403, 413, 415)},
    openapi_extensions=allows(Permission.READ),
)
def validate_definition(body: DefinitionBody) -> ValidationAnswer:
    """Finds what creating a workflow of it would refuse, and stores nothing."""
    return validation(api_services.workflow_service().problems(caller(app), body.definition))


@app.get(
    "/api/workflows/<workflow_id>",
    tags=["workflows"],
    summary="Get a workflow",
    responses={200: {"description": "The workflow"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get(workflow_id: IdInPath) -> Response[WorkflowAnswer]:
    """With the newest version's definition; its ETag is what a change sends as If-Match."""
    return workflow_answer(api_services.workflow_service().get(caller(app), workflow_id))


@app.put(
    "/api/workflows/<workflow_id>",
    tags=["workflows"],
    summary="Make a new version",
    responses={200: {"description": "The workflow"}, **errors(400, 401, 403, 404, 409, 412, 413, 415, 428)},
    openapi_extensions=allows(Permission.EDIT),
)
def save(workflow_id: IdInPath, body: WorkflowBody, if_match: IfMatch = None) -> Response[WorkflowAnswer]:
    """What runs stays as it is, unless `publish` is true. A definition that says the same makes no version."""
    seen = seen_by(if_match, takes_number=True)
    return workflow_answer(api_services.workflow_service().save(caller(app), workflow_id, body, seen))


@app.patch(
    "/api/workflows/<workflow_id>",
    tags=["workflows"],
    summary="Change name, description, labels or folder",
    responses={200: {"description": "The workflow"}, **errors(400, 401, 403, 404, 412, 413, 415)},
    openapi_extensions=allows(Permission.EDIT),
)
def patch(workflow_id: IdInPath, body: WorkflowChange, if_match: IfMatch = None) -> Response[WorkflowAnswer]:
    """Makes no version. What is not given stays."""
    seen = seen_by(if_match, needed=False)
    return workflow_answer(api_services.workflow_service().patch(caller(app), workflow_id, body, seen))


@app.delete(
    "/api/workflows/<workflow_id>",
    status_code=204,
    tags=["workflows"],
    summary="Delete a workflow",
    responses={204: {"description": "Deleted", "content": {}}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.PUBLISH),
)
def delete(
    workflow_id: IdInPath,
    force: Annotated[bool, Query(description="Also where other workflows name it.")] = False,  # noqa: FBT002
) -> Response[None]:
    """With all drafts of it. Executions that are under way go on, and stay to be seen."""
    api_services.workflow_service().delete(caller(app), workflow_id, force=force)
    return Response(204)


@app.get(
    "/api/workflows/<workflow_id>/usages",
    tags=["workflows"],
    summary="List the workflows that name one",
    responses={200: {"description": "All of them"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def usages(workflow_id: IdInPath) -> WorkflowUsageList:
    """As a sub-workflow, as a tool or for failures, in their published or their newest version."""
    found = api_services.workflow_service().usages(caller(app), workflow_id)
    return WorkflowUsageList(items=[WorkflowUsageAnswer(**usage_of(usage)) for usage in found])


@app.post(
    "/api/workflows/<workflow_id>/validate",
    tags=["workflows"],
    summary="Check a workflow's definition",
    responses={200: {"description": "All problems at once"}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Permission.READ),
)
def validate_stored(workflow_id: IdInPath, body: OwnDefinitionBody | None = None) -> ValidationAnswer:
    """The newest version, or one that is given, against today's node types, integrations and workflows."""
    definition = body.definition if body else None
    return validation(api_services.workflow_service().problems_of(caller(app), workflow_id, definition))


@app.post(
    "/api/workflows/<workflow_id>/activate",
    tags=["workflows"],
    summary="Activate",
    responses={200: {"description": "The workflow"}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.PUBLISH),
)
def activate(workflow_id: IdInPath) -> Response[WorkflowAnswer]:
    """Its published version's triggers start it from now on. Activating twice changes nothing."""
    return workflow_answer(api_services.workflow_service().set_active(caller(app), workflow_id, active=True))


@app.post(
    "/api/workflows/<workflow_id>/deactivate",
    tags=["workflows"],
    summary="Deactivate",
    responses={200: {"description": "The workflow"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.PUBLISH),
)
def deactivate(workflow_id: IdInPath) -> Response[WorkflowAnswer]:
    """Deactivating twice changes nothing."""
    return workflow_answer(api_services.workflow_service().set_active(caller(app), workflow_id, active=False))


handler = make_handler(app)
