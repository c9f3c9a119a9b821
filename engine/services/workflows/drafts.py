"""Drafts: saving work in progress, and publishing it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import InvalidInput, NotFound, PreconditionFailed, PreconditionRequired, TooLarge
from engine.json_value import dumps, is_equal
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.workflows import DraftBody
from engine.services.principal import Principal
from engine.services.workflows.changing import (
    author_of,
    change_to_save,
    change_workflow,
    conflict,
    newest_of,
    self_reference,
)
from engine.services.workflows.checks import Checker
from engine.storage.drafts import Draft
from engine.storage.dynamodb.table import ConditionFailed
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Workflow, WorkflowVersion
from engine.storage.workflows import Change
from engine.workflow.diff import as_json, diff

ANY = "*"
"""Matches any draft."""


class DraftService:
    """Manages drafts, for one caller at a time: each has drafts of their own."""

    def __init__(self, repositories: Repositories, factory: NodeExecutorFactory, clock: Clock) -> None:
        self._workflows = repositories.workflows
        self._drafts = repositories.drafts
        self._checker = Checker(repositories.workflows, repositories.integrations, factory)
        self._clock = clock

    def get(self, principal: Principal, workflow_id: str) -> Draft:
        """Return the caller's draft of a workflow.

        Raises:
            NotFound: the workflow does not exist; code `no_draft`: the caller has no draft of it.
        """
        self._workflows.get(principal.workspace_id, workflow_id)
        return self._require(principal, workflow_id)

    def save(
        self, principal: Principal, workflow_id: str, body: DraftBody, seen: str | None, *, is_new: bool = False
    ) -> Draft:
        """Save a draft. Equal content changes nothing, so a request whose response was lost may be repeated.

        Args:
            principal: the owner of the draft.
            workflow_id: the workflow of the draft.
            body: the draft.
            seen: the tag of the draft that it replaces, or `ANY`.
            is_new: whether there must be no draft yet.

        Raises:
            NotFound: the workflow does not exist.
            TooLarge: the draft exceeds the bound.
            InvalidInput: the base version does not exist.
            PreconditionRequired: there is a draft already, and the request does not say which one it replaces.
            PreconditionFailed: code `draft_conflict`: the stored draft is not the one that was seen.
        """
        size = len(dumps(body.definition).encode())
        if size > limits.MAX_DRAFT_BYTES:
            raise TooLarge(f"a draft has at most {limits.MAX_DRAFT_BYTES} bytes, this has {size}")
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        there = self._drafts.get(workflow_id, principal.user_id)
        base = self._base(workflow, there, body)
        if there is not None:
            if there.base_version == base and is_equal(there.definition, body.definition):
                return there
            if is_new or (seen is not None and seen not in (ANY, there.tag)):
                raise _draft_conflict(there)
            if seen is None:
                raise PreconditionRequired("send the ETag of your draft as `If-Match`, or `*` to replace it")
        elif seen is not None and seen != ANY:
            raise _draft_conflict(None)
        now = format_time(self._clock.now())
        draft = Draft(
            workflow_id, author_of(principal), base, there.created_at if there else now, now, "", body.definition
        )  # fmt: skip
        try:
            return self._drafts.save(draft, there)
        except ConditionFailed:
            raise _draft_conflict(self._drafts.get(workflow_id, principal.user_id)) from None

    def _base(self, workflow: Workflow, there: Draft | None, body: DraftBody) -> int:
        if "base_version" not in body.model_fields_set:
            return there.base_version if there is not None else workflow.version
        base = body.base_version or 0
        if base > workflow.version:
            raise InvalidInput.at(
                "base_version", f"the workflow has no version {base}; its newest is {workflow.version}"
            )
        return base

    def delete(self, principal: Principal, workflow_id: str, seen: str | None) -> None:
        """Delete the caller's draft, if there is one.

        Raises:
            NotFound: the workflow does not exist.
            PreconditionFailed: code `draft_conflict`: the stored draft is not the one that was seen.
        """
        self._workflows.get(principal.workspace_id, workflow_id)
        while (there := self._drafts.get(workflow_id, principal.user_id)) is not None:
            if seen not in (None, ANY, there.tag):
                raise _draft_conflict(there)
            if self._drafts.delete(there):
                return

    def publish(self, principal: Principal, workflow_id: str, message: str | None, seen: str | None) -> Workflow:
        """Make a version of the caller's draft, publish it, and delete the draft, in one transaction.

        Repeated for the same draft after its publication, it changes nothing.

        Raises:
            NotFound: the workflow does not exist; code `no_draft`: the caller has no draft of it.
            InvalidInput: the draft cannot run; `details` lists all problems.
            PreconditionFailed: code `draft_conflict`: the stored draft is not the one that was seen. Code
                `version_conflict`: another version was made first; `details` has all that a merge needs.
        """
        draft = self._drafts.get(workflow_id, principal.user_id)
        if draft is None:
            workflow = self._workflows.get(principal.workspace_id, workflow_id)
            if seen not in (None, ANY) and workflow.published_draft == seen:
                return workflow
            raise _no_draft()
        if seen not in (None, ANY, draft.tag):
            raise _draft_conflict(draft)

        def make(workflow: Workflow) -> Change:
            if draft.base_version != workflow.version:
                raise self._conflict(workflow, draft)
            newest = newest_of(self._workflows, workflow)
            checked = self._checker.require(principal, draft.definition, self_reference(workflow, newest))
            change = change_to_save(principal, self._clock, workflow, newest, checked, message=message, publish=True)
            attributes = {"updated_at": format_time(self._clock.now()), "published_draft": draft.tag}
            return replace(change, attributes=attributes, also=[self._drafts.deletion(draft)])

        try:
            workflow = change_workflow(self._workflows, principal, workflow_id, make)
        except ConditionFailed:  # saved again, or published, in another tab
            raise _draft_conflict(self._drafts.get(workflow_id, principal.user_id)) from None
        self._drafts.discard(draft)
        return workflow

    # -- test runs ---------------------------------------------------------------------------------------------

    def draft_definition(self, principal: Principal, workflow_id: str) -> dict[str, Any]:
        """Return the definition in the caller's draft. Raises NotFound."""
        return self.get(principal, workflow_id).definition or {}

    def draft_snapshot(self, principal: Principal, workflow_id: str, definition: dict[str, Any]) -> int:
        """Store the form in which a definition would run if it were published, for test runs.

        Returns the number under which the engine finds it like a version; equal definitions have the same one.

        Raises:
            NotFound: the workflow does not exist.
            InvalidInput: the definition cannot run; `details` lists all problems.
        """
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        newest = newest_of(self._workflows, workflow)
        checked = self._checker.require(principal, definition, self_reference(workflow, newest))
        tried = WorkflowVersion(
            workflow_id, 0, checked.definition, format_time(self._clock.now()), author_of(principal),
            named=checked.named,
        )  # fmt: skip
        return self._workflows.keep_tried(tried, checked.layout)

    def _require(self, principal: Principal, workflow_id: str) -> Draft:
        draft = self._drafts.get(workflow_id, principal.user_id)
        if draft is None:
            raise _no_draft()
        return draft

    def _conflict(self, workflow: Workflow, draft: Draft) -> PreconditionFailed:
        """Return the error that another version was made first, with all that a merge needs."""
        base = self._workflows.written(workflow.id, draft.base_version) if draft.base_version else None
        theirs = self._workflows.written(workflow.id, workflow.version)
        return conflict(
            workflow,
            draft.base_version,
            base=_told(base) if base else None,
            theirs=_told(theirs),
            changes=as_json(
                diff(base.definition if base else {}, theirs.definition), draft.base_version, workflow.version
            ),
        )


def _told(version: WorkflowVersion) -> dict[str, Any]:
    author = {"id": version.author.id, "name": version.author.name}
    told = {"version": version.version, "author": author, "message": version.message}
    return {**told, "created_at": version.created_at, "definition": version.definition}


def _no_draft() -> NotFound:
    return NotFound("you have no draft of this workflow", code="no_draft")


def _draft_conflict(there: Draft | None) -> PreconditionFailed:
    details = {"etag": there.tag, "updated_at": there.updated_at} if there else {"etag": None, "updated_at": None}
    message = "your draft has been changed in another window" if there else "your draft is not there any more"
    return PreconditionFailed(message, code="draft_conflict", details=details)
