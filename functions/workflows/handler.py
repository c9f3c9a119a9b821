"""Workflows: `/api/workflows`."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path

from engine import limits
from engine.errors import InvalidInput, PreconditionRequired
from engine.schemas.workflows import (
    DefinitionBody,
    DefinitionProblem,
    ValidationAnswer,
    VersionAnswer,
    VersionList,
    VersionSummary,
    WorkflowAnswer,
    WorkflowBody,
    WorkflowList,
    WorkflowSummary,
)
from engine.storage.workflows import Workflow
from engine.workflow.validator import Problem
from functions import container
from functions.http_api import Cursor, IdInPath, Limit, caller, errors, make_app, make_handler

app = make_app()
_ETAG = re.compile(r'^(?:W/)?"?(\d{1,6})"?$', re.ASCII)


@app.post(
    "/api/workflows",
    status_code=201,
    tags=["workflows"],
    summary="Create a workflow",
    responses={201: {"description": "Created"}, **errors(400, 401, 403, 409, 413, 415)},
)
def create(body: WorkflowBody) -> Response[WorkflowAnswer]:
    """Version 1, inactive."""
    return _answer(container.workflow_service().create(caller(app), body), 201)


@app.get(
    "/api/workflows",
    tags=["workflows"],
    summary="List workflows",
    responses={200: {"description": "A page of workflows"}, **errors(401, 403)},
)
def list_workflows(limit: Limit = limits.PAGE_SIZE, cursor: Cursor = None) -> WorkflowList:
    """The newest first, without their definitions."""
    page = container.workflow_service().page(caller(app), cursor, limit)
    items = [WorkflowSummary.model_validate(workflow, from_attributes=True) for workflow in page.items]
    return WorkflowList(items=items, next_cursor=page.next_cursor)


@app.post(
    "/api/workflows/validate",
    tags=["workflows"],
    summary="Check a definition",
    responses={200: {"description": "All problems at once"}, **errors(400, 401, 403, 413, 415)},
)
def validate_definition(body: DefinitionBody) -> ValidationAnswer:
    """Stores nothing."""
    return _validation(container.workflow_service().problems(caller(app), body.definition))


@app.get(
    "/api/workflows/<workflow_id>",
    tags=["workflows"],
    summary="Get a workflow",
    responses={200: {"description": "The workflow"}, **errors(401, 403, 404)},
)
def get(workflow_id: IdInPath) -> Response[WorkflowAnswer]:
    """With the newest version's definition; its ETag is what an update sends as If-Match."""
    return _answer(container.workflow_service().get(caller(app), workflow_id))


@app.put(
    "/api/workflows/<workflow_id>",
    tags=["workflows"],
    summary="Replace a workflow by a new version",
    responses={200: {"description": "The new version"}, **errors(400, 401, 403, 404, 412, 413, 415, 428)},
)
def update(
    workflow_id: IdInPath,
    body: WorkflowBody,
    if_match: Annotated[str | None, Header(alias="If-Match", max_length=40)] = None,
) -> Response[WorkflowAnswer]:
    """`If-Match` carries the version that the change was based on, as `"3"`; `*` replaces whatever is there."""
    based_on = _version_of(if_match)
    return _answer(container.workflow_service().update(caller(app), workflow_id, body, based_on))


@app.delete(
    "/api/workflows/<workflow_id>",
    status_code=204,
    tags=["workflows"],
    summary="Delete a workflow",
    responses={204: {"description": "Deleted", "content": {}}, **errors(401, 403, 404)},
)
def delete(workflow_id: IdInPath) -> Response[None]:
    """Executions that are under way go on, and stay to be seen."""
    container.workflow_service().delete(caller(app), workflow_id)
    return Response(204)


@app.get(
    "/api/workflows/<workflow_id>/versions",
    tags=["workflows"],
    summary="List versions",
    responses={200: {"description": "A page of versions"}, **errors(401, 403, 404)},
)
def versions(workflow_id: IdInPath, limit: Limit = limits.PAGE_SIZE, cursor: Cursor = None) -> VersionList:
    """The newest first, without their definitions."""
    page = container.workflow_service().versions(caller(app), workflow_id, cursor, limit)
    items = [VersionSummary.model_validate(version, from_attributes=True) for version in page.items]
    return VersionList(items=items, next_cursor=page.next_cursor)


@app.get(
    "/api/workflows/<workflow_id>/versions/<version>",
    tags=["workflows"],
    summary="Get a version",
    responses={200: {"description": "The version"}, **errors(401, 403, 404)},
)
def get_version(workflow_id: IdInPath, version: Annotated[int, Path(ge=1, le=limits.MAX_VERSIONS)]) -> VersionAnswer:
    """With its definition."""
    found = container.workflow_service().get_version(caller(app), workflow_id, version)
    return VersionAnswer.model_validate(found, from_attributes=True)


@app.post(
    "/api/workflows/<workflow_id>/validate",
    tags=["workflows"],
    summary="Check a stored workflow",
    responses={200: {"description": "All problems at once"}, **errors(401, 403, 404)},
)
def validate_stored(workflow_id: IdInPath) -> ValidationAnswer:
    """Checks the newest version against today's node types."""
    service = container.workflow_service()
    return _validation(service.problems(caller(app), service.get(caller(app), workflow_id).definition))


@app.post(
    "/api/workflows/<workflow_id>/activate",
    tags=["workflows"],
    summary="Activate",
    responses={200: {"description": "The workflow"}, **errors(401, 403, 404)},
)
def activate(workflow_id: IdInPath) -> Response[WorkflowAnswer]:
    """Activating twice changes nothing."""
    return _answer(container.workflow_service().set_active(caller(app), workflow_id, active=True))


@app.post(
    "/api/workflows/<workflow_id>/deactivate",
    tags=["workflows"],
    summary="Deactivate",
    responses={200: {"description": "The workflow"}, **errors(401, 403, 404)},
)
def deactivate(workflow_id: IdInPath) -> Response[WorkflowAnswer]:
    """Deactivating twice changes nothing."""
    return _answer(container.workflow_service().set_active(caller(app), workflow_id, active=False))


def _answer(workflow: Workflow, status: int = 200) -> Response[WorkflowAnswer]:
    body = WorkflowAnswer.model_validate(workflow, from_attributes=True)
    return Response(status, "application/json", body, headers={"ETag": f'"{workflow.version}"'})


def _validation(problems: list[Problem]) -> ValidationAnswer:
    return ValidationAnswer(valid=not problems, problems=[DefinitionProblem(**asdict(problem)) for problem in problems])


def _version_of(if_match: str | None) -> int | None:
    if if_match is None:
        message = "send the version that your change is based on as `If-Match`, or `*` to replace whatever is there"
        raise PreconditionRequired(message)
    if if_match.strip() == "*":
        return None
    found = _ETAG.match(if_match.strip())
    if not found:
        raise InvalidInput.at("If-Match", 'a version such as "3", or *')
    return int(found[1])


handler = make_handler(app)
