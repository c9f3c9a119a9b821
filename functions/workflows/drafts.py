"""Drafts of a workflow: each caller has their own."""

from __future__ import annotations

import re
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header

from engine.errors import InvalidInput
from engine.schemas.workflows import DraftAnswer, DraftBody, DraftSaved, MessageBody, WorkflowAnswer
from engine.security.permissions import Permission
from engine.services.workflows.drafts import ANY
from engine.storage.drafts import Draft
from functions import api_services
from functions.http_api import IdInPath, allows, caller, errors
from functions.workflows.answers import IfMatch, app, author, workflow_answer

_TAG = re.compile(r'^(?:W/)?"([0-9a-f-]{36})"$', re.ASCII)
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=100)]


@app.get(
    "/api/workflows/<workflow_id>/draft",
    tags=["workflows"],
    summary="Get your draft",
    responses={200: {"description": "The draft"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get_draft(workflow_id: IdInPath) -> Response[DraftAnswer]:
    """Its ETag is what the next one sends as If-Match."""
    draft = api_services.draft_service().get(caller(app), workflow_id)
    body = DraftAnswer(**_saved(draft).model_dump(), definition=draft.definition or {})
    return Response(200, "application/json", body, headers={"ETag": f'"{draft.tag}"'})


@app.put(
    "/api/workflows/<workflow_id>/draft",
    tags=["workflows"],
    summary="Save your draft",
    responses={200: {"description": "Saved"}, **errors(400, 401, 403, 404, 412, 413, 415, 428)},
    openapi_extensions=allows(Permission.EDIT),
)
def save_draft(
    workflow_id: IdInPath, body: DraftBody, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
) -> Response[DraftSaved]:
    """Any JSON object. The first one needs no header; one that is there already is named by `If-Match`."""
    if if_none_match is not None and if_none_match.strip() != ANY:
        raise InvalidInput.at("If-None-Match", "`*`, for a draft that is the first one")
    draft = api_services.draft_service().save(
        caller(app), workflow_id, body, _seen(if_match), is_new=if_none_match is not None
    )
    return Response(200, "application/json", _saved(draft), headers={"ETag": f'"{draft.tag}"'})


@app.delete(
    "/api/workflows/<workflow_id>/draft",
    status_code=204,
    tags=["workflows"],
    summary="Discard your draft",
    responses={204: {"description": "There is none", "content": {}}, **errors(401, 403, 404, 412)},
    openapi_extensions=allows(Permission.EDIT),
)
def delete_draft(workflow_id: IdInPath, if_match: IfMatch = None) -> Response[None]:
    """Discarding it twice changes nothing."""
    api_services.draft_service().delete(caller(app), workflow_id, _seen(if_match))
    return Response(204)


@app.post(
    "/api/workflows/<workflow_id>/draft/publish",
    tags=["workflows"],
    summary="Publish your draft",
    responses={200: {"description": "The workflow"}, **errors(400, 401, 403, 404, 409, 412, 413, 415)},
    openapi_extensions=allows(Permission.PUBLISH),
)
def publish_draft(
    workflow_id: IdInPath, body: MessageBody | None = None, if_match: IfMatch = None
) -> Response[WorkflowAnswer]:
    """Makes a version of it that triggers and starts use from now on.

    Where somebody else's version came first, `details` has that one, the one that the draft began from, and what
    differs between the two.
    """
    message = body.message if body else None
    return workflow_answer(api_services.draft_service().publish(caller(app), workflow_id, message, _seen(if_match)))


def _saved(draft: Draft) -> DraftSaved:
    return DraftSaved(
        workflow_id=draft.workflow_id,
        base_version=draft.base_version or None,
        author=author(draft.author),
        created_at=draft.created_at,
        updated_at=draft.updated_at,
        etag=draft.tag,
    )


def _seen(if_match: str | None) -> str | None:
    if if_match is None or if_match.strip() == ANY:
        return if_match and ANY
    found = _TAG.match(if_match.strip())
    if not found:
        raise InvalidInput.at("If-Match", "the ETag of the draft, or *")
    return found[1]
