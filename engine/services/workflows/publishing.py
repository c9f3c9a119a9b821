"""Versions of a workflow: reading them, comparing them, and choosing which one runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, InvalidInput, NotFound
from engine.nodes.registry import NodeExecutorFactory
from engine.services.principal import Principal
from engine.services.workflows.changing import (
    Seen,
    author_of,
    change_to_save,
    change_workflow,
    is_empty,
    new_publication,
    newest_of,
    self_reference,
)
from engine.services.workflows.checks import Checked, Checker, require_account_bus
from engine.storage.dynamodb.table import Page
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Publication, Workflow, WorkflowVersion
from engine.storage.workflows import Change
from engine.workflow.diff import as_json, diff

Named = int | Literal["newest", "published", "draft"]
"""A version by its number or by a word; the caller's draft is one of them."""
_EMPTY: Mapping[str, Any] = {}


class PublishingService:
    """Manages versions and publications, for one caller at a time."""

    def __init__(self, repositories: Repositories, factory: NodeExecutorFactory, clock: Clock) -> None:
        self._workflows = repositories.workflows
        self._drafts = repositories.drafts
        self._checker = Checker(repositories.workflows, repositories.integrations, factory)
        self._clock = clock

    # -- reading -----------------------------------------------------------------------------------------------

    def versions(self, principal: Principal, workflow_id: str, cursor: str | None, limit: int) -> tuple[Workflow, Page]:
        """Return the workflow and a page of its versions, newest first. Raises NotFound."""
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        return workflow, self._workflows.versions(workflow.id, _number(cursor), limit)

    def get_version(self, principal: Principal, workflow_id: str, version: int) -> tuple[Workflow, WorkflowVersion]:
        """Return the workflow and one version of it, as its author wrote it. Raises NotFound."""
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        return workflow, self._workflows.written(workflow.id, version)

    def publications(self, principal: Principal, workflow_id: str, cursor: str | None, limit: int) -> Page:
        """Return a page of publications, newest first. Raises NotFound."""
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        return self._workflows.publications(workflow.id, _number(cursor), limit)

    def compare(self, principal: Principal, workflow_id: str, begin: Named, end: Named) -> dict[str, Any]:
        """Return the differences between two versions, as they appear in the API. Raises NotFound."""
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        (first, old), (last, new) = (self._named(principal, workflow, one) for one in (begin, end))
        return as_json(diff(old, new), first, last)

    def _named(
        self, principal: Principal, workflow: Workflow, named: Named
    ) -> tuple[int | Literal["draft"] | None, Mapping[str, Any]]:
        if named == "draft":
            draft = self._drafts.get(workflow.id, principal.user_id)
            if draft is None:
                raise NotFound("you have no draft of this workflow", code="no_draft")
            return "draft", draft.definition or _EMPTY
        words = {"newest": workflow.version, "published": workflow.published_version}
        number = words[named] if isinstance(named, str) else named
        return (number, self._workflows.written(workflow.id, number).definition) if number else (None, _EMPTY)

    # -- publishing ----------------------------------------------------------------------------------------

    def publish(
        self, principal: Principal, workflow_id: str, version: int | None, message: str | None, seen: Seen
    ) -> Workflow:
        """Make a version, by default the newest, the one that triggers and starts use from now on.

        Raises:
            NotFound: the workflow or version does not exist.
            Conflict: code `not_published`: the workflow has no version yet.
            InvalidInput: the version cannot run here at present.
            PreconditionFailed: another version, or publication, was made first.
        """

        def make(workflow: Workflow) -> Change | None:
            seen.check(workflow, version=True, published=True)
            number = version or workflow.version
            if not number:
                raise Conflict("the workflow has no version yet; save one first", code="not_published")
            if number == workflow.published_version:
                return None
            stored = self._workflows.get_version(workflow.id, number)
            # In the form that runs: with the ids that names were resolved to when it was saved.
            self._checker.require(principal, stored.definition, self_reference(workflow, None))
            now = format_time(self._clock.now())
            publication = new_publication(workflow, number, author_of(principal), message, now)
            return Change({"updated_at": now}, publication=publication, published=stored.definition)

        return change_workflow(self._workflows, principal, workflow_id, make)

    def rollback(self, principal: Principal, workflow_id: str, message: str | None, seen: Seen) -> Workflow:
        """Publish the previous publication's version again; another rollback goes further back.

        That version has run before and is not checked: a rollback is urgent.

        Raises:
            NotFound: the workflow does not exist.
            Conflict: code `nothing_to_roll_back_to`: there is no previous publication.
            PreconditionFailed: another version, or publication, was made first.
        """

        def make(workflow: Workflow) -> Change:
            seen.check(workflow, version=True, published=True)
            number = workflow.publication
            back = self._workflows.publication(workflow.id, number).previous if number else 0
            if not back:
                raise Conflict("no other version was published before this one", code="nothing_to_roll_back_to")
            target = self._workflows.publication(workflow.id, back)
            stored = self._workflows.get_version(workflow.id, target.version)
            require_account_bus(principal, stored.definition)
            now, author = format_time(self._clock.now()), author_of(principal)
            publication = Publication(
                number + 1, target.version, "rollback", author, message, now, target.previous
            )  # fmt: skip
            return Change({"updated_at": now}, publication=publication, published=stored.definition)

        return change_workflow(self._workflows, principal, workflow_id, make)

    def restore(
        self, principal: Principal, workflow_id: str, version: int, message: str | None, seen: Seen, *, publish: bool
    ) -> Workflow:
        """Make a new version that equals an older one; none, if the newest one does already.

        Raises:
            NotFound: the workflow or version does not exist.
            InvalidInput: the version cannot run here at present.
            PreconditionFailed: another version, or publication, was made first.
        """

        def make(workflow: Workflow) -> Change | None:
            seen.check(workflow, version=True, published=publish)
            stored = self._workflows.get_version(workflow.id, version)
            self._checker.require(principal, stored.definition, self_reference(workflow, None))
            layout = self._workflows.layout(workflow.id, version)
            checked = Checked([], layout, stored.definition, stored.named)
            change = change_to_save(
                principal, self._clock, workflow, newest_of(self._workflows, workflow), checked,
                message=message, publish=publish, restored_from=version,
            )  # fmt: skip
            if is_empty(change):
                return None
            return replace(change, attributes={"updated_at": format_time(self._clock.now())})

        return change_workflow(self._workflows, principal, workflow_id, make)


def _number(cursor: str | None) -> int | None:
    """Return the number after which a page begins. Raises InvalidInput."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and 1 <= int(cursor[:9]) <= limits.MAX_VERSIONS + 1):
        raise InvalidInput.at("cursor", "not a cursor of this list")
    return int(cursor)
