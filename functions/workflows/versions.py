"""Versions of a workflow, what differs between them, and which of them is published."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from engine import limits
from engine.schemas.workflows import (
    DiffAnswer,
    MessageBody,
    PublicationAnswer,
    PublicationList,
    PublishBody,
    RestoreBody,
    VersionAnswer,
    VersionList,
    VersionSummary,
    WorkflowAnswer,
)
from engine.security.permissions import Permission
from engine.services.workflows.publishing import Named
from functions import api_services
from functions.http_api import Cursor, IdInPath, Limit, allows, caller, errors
from functions.workflows.answers import (
    IfMatch,
    VersionInPath,
    app,
    author,
    seen_by,
    version_summary,
    workflow_answer,
)

NamedInPath = Annotated[
    str, Path(pattern=r"^(newest|published|draft|[1-9]\d{0,5})$", description="A number, newest, published or draft.")
]


@app.get(
    "/api/workflows/<workflow_id>/versions",
    tags=["workflows"],
    summary="List versions",
    responses={200: {"description": "A page of versions"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def versions(workflow_id: IdInPath, limit: Limit = limits.PAGE_SIZE, cursor: Cursor = None) -> VersionList:
    """The newest first, without their definitions."""
    workflow, page = api_services.publishing_service().versions(caller(app), workflow_id, cursor, limit)
    items = [VersionSummary(**version_summary(workflow, version)) for version in page.items]
    return VersionList(items=items, next_cursor=page.next_cursor)


@app.get(
    "/api/workflows/<workflow_id>/versions/<version>",
    tags=["workflows"],
    summary="Get a version",
    responses={200: {"description": "The version"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get_version(workflow_id: IdInPath, version: VersionInPath) -> VersionAnswer:
    """With its definition."""
    workflow, found = api_services.publishing_service().get_version(caller(app), workflow_id, version)
    return VersionAnswer(**version_summary(workflow, found), definition=found.definition)


@app.get(
    "/api/workflows/<workflow_id>/versions/<version>/diff/<other>",
    tags=["workflows"],
    summary="Compare two versions",
    responses={200: {"description": "What differs"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def compare(workflow_id: IdInPath, version: NamedInPath, other: NamedInPath) -> DiffAnswer:
    """By node and edge, and what it means: hosts, integrations, workflows and triggers that are new or gone."""
    found = api_services.publishing_service().compare(caller(app), workflow_id, _named(version), _named(other))
    return DiffAnswer.model_validate(found)


@app.post(
    "/api/workflows/<workflow_id>/versions/<version>/restore",
    tags=["workflows"],
    summary="Restore a version",
    responses={200: {"description": "The workflow"}, **errors(400, 401, 403, 404, 409, 412, 413, 415, 428)},
    openapi_extensions=allows(Permission.EDIT),
)
def restore(
    workflow_id: IdInPath, version: VersionInPath, body: RestoreBody | None = None, if_match: IfMatch = None
) -> Response[WorkflowAnswer]:
    """Makes a new version that says what that one says. What runs stays as it is, unless `publish` is true."""
    wanted, seen = body or RestoreBody(), seen_by(if_match, takes_number=True)
    done = api_services.publishing_service().restore(
        caller(app), workflow_id, version, wanted.message, seen, publish=wanted.publish
    )
    return workflow_answer(done)


@app.post(
    "/api/workflows/<workflow_id>/publish",
    tags=["workflows"],
    summary="Publish a version",
    responses={200: {"description": "The workflow"}, **errors(400, 401, 403, 404, 409, 412, 413, 415, 428)},
    openapi_extensions=allows(Permission.PUBLISH),
)
def publish(
    workflow_id: IdInPath, body: PublishBody | None = None, if_match: IfMatch = None
) -> Response[WorkflowAnswer]:
    """Triggers and starts use it from now on. What is under way goes on with the version that it began with."""
    wanted, seen = body or PublishBody(), seen_by(if_match)
    done = api_services.publishing_service().publish(caller(app), workflow_id, wanted.version, wanted.message, seen)
    return workflow_answer(done)


@app.post(
    "/api/workflows/<workflow_id>/rollback",
    tags=["workflows"],
    summary="Publish again what was published before",
    responses={200: {"description": "The workflow"}, **errors(400, 401, 403, 404, 409, 412, 413, 415, 428)},
    openapi_extensions=allows(Permission.PUBLISH),
)
def rollback(
    workflow_id: IdInPath, body: MessageBody | None = None, if_match: IfMatch = None
) -> Response[WorkflowAnswer]:
    """Another rollback goes one further back."""
    message, seen = body.message if body else None, seen_by(if_match)
    return workflow_answer(api_services.publishing_service().rollback(caller(app), workflow_id, message, seen))


@app.get(
    "/api/workflows/<workflow_id>/publications",
    tags=["workflows"],
    summary="List publications",
    responses={200: {"description": "A page of publications"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def publications(workflow_id: IdInPath, limit: Limit = limits.PAGE_SIZE, cursor: Cursor = None) -> PublicationList:
    """Which version was made the one that runs, when, by whom and why; the newest first."""
    page = api_services.publishing_service().publications(caller(app), workflow_id, cursor, limit)
    items = [
        PublicationAnswer(
            number=one.number,
            version=one.version,
            kind=one.kind,
            author=author(one.author),
            message=one.message,
            published_at=one.published_at,
        )
        for one in page.items
    ]
    return PublicationList(items=items, next_cursor=page.next_cursor)


def _named(text: str) -> Named:
    words: dict[str, Literal["newest", "published", "draft"]] = {
        "newest": "newest",
        "published": "published",
        "draft": "draft",
    }
    return words[text] if text in words else int(text)
