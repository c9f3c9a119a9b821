"""What the routes of workflows share: the resolver, ETags, and how things are told."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path

from engine import limits
from engine.errors import InvalidInput, PreconditionRequired
from engine.schemas.workflows import (
    AuthorAnswer,
    DefinitionProblem,
    DraftSummary,
    ValidationAnswer,
    VersionSummary,
    WorkflowAnswer,
    WorkflowSummary,
)
from engine.services.principal import Principal
from engine.services.workflows.changing import Seen
from engine.storage.drafts import Draft
from engine.storage.workflow_records import Author, Workflow, WorkflowVersion
from engine.workflow.validator import Problem
from functions import api_services
from functions.http_api import caller, make_app

app = make_app()
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100)]
VersionInPath = Annotated[int, Path(ge=1, le=limits.MAX_VERSIONS)]

_ETAG = re.compile(r'^(?:W/)?"v(\d{1,6})\.p(\d{1,6})\.r(\d{1,12})"$', re.ASCII)
_NUMBER = re.compile(r'^(?:W/)?"?(\d{1,6})"?$', re.ASCII)


def etag_of(workflow: Workflow) -> str:
    """The newest version, the published one, and how often the record was changed."""
    return f'"v{workflow.version}.p{workflow.published_version}.r{workflow.revision}"'


def seen_by(if_match: str | None, *, needed: bool = True, takes_number: bool = False) -> Seen:
    """What a caller has seen, by `If-Match`; `takes_number`: the number of a version is enough.

    Raises:
        PreconditionRequired: it is missing.
        InvalidInput: it is none of ours.
    """
    if if_match is None:
        if needed:
            message = "send the ETag of the workflow that your change is based on as `If-Match`, or `*` for any"
            raise PreconditionRequired(message)
        return Seen()
    text = if_match.strip()
    if text == "*":
        return Seen()
    if found := _ETAG.match(text):
        return Seen(int(found[1]), int(found[2]), int(found[3]))
    number = _NUMBER.match(text)
    if number and takes_number:
        return Seen(version=int(number[1]))
    also = ', a version such as "3",' if takes_number else ""
    raise InvalidInput.at("If-Match", f'the ETag of the workflow, such as "v3.p2.r5"{also} or *')


def workflow_answer(workflow: Workflow, status: int = 200) -> Response[WorkflowAnswer]:
    """A workflow with its ETag, and who has drafts of it."""
    principal = caller(app)
    if workflow.version and workflow.definition is None:
        workflow = api_services.workflow_service().whole(workflow)
    drafts = api_services.workflow_service().drafts(workflow.id) if status == 200 else []  # noqa: PLR2004
    body = WorkflowAnswer(
        **summary(workflow).model_dump(),
        definition=workflow.definition,
        drafts=[_draft_summary(draft, principal) for draft in drafts],
    )
    return Response(status, "application/json", body, headers={"ETag": etag_of(workflow)})


def summary(workflow: Workflow) -> WorkflowSummary:
    """A workflow in a list."""
    return WorkflowSummary(
        id=workflow.id,
        name=workflow.name,
        description=workflow.description,
        labels=list(workflow.labels),
        folder=workflow.folder,
        version=workflow.version or None,
        published_version=workflow.published_version or None,
        published_at=workflow.published_at,
        published_by=author(workflow.published_by) if workflow.published_by else None,
        is_active=workflow.is_active,
        created_at=workflow.created_at,
        updated_at=workflow.updated_at,
    )


def author(found: Author) -> AuthorAnswer:
    """Who has written something."""
    return AuthorAnswer(id=found.id, name=found.name)


def version_summary(workflow: Workflow, version: WorkflowVersion) -> dict[str, Any]:
    """The fields of a version in a list."""
    return VersionSummary(
        version=version.version,
        author=author(version.author),
        message=version.message,
        created_at=version.created_at,
        restored_from=version.restored_from or None,
        is_published=version.version == workflow.published_version,
    ).model_dump()


def validation(problems: list[Problem]) -> ValidationAnswer:
    """What is wrong with a definition."""
    return ValidationAnswer(
        valid=all(problem.severity != "error" for problem in problems),
        problems=[DefinitionProblem(**asdict(problem)) for problem in problems],
    )


def _draft_summary(draft: Draft, principal: Principal) -> DraftSummary:
    return DraftSummary(
        author=author(draft.author),
        base_version=draft.base_version or None,
        updated_at=draft.updated_at,
        is_mine=draft.author.id == principal.user_id,
    )
