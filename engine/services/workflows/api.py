"""Creating, reading and changing workflows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict
from engine.execution.callbacks import new_secret
from engine.ids import new_id
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.workflows import WorkflowBody, WorkflowChange, WorkflowCreation
from engine.security.permissions import Permission
from engine.services.principal import Principal
from engine.services.workflows.changing import (
    Seen,
    author_of,
    change_to_save,
    change_workflow,
    is_empty,
    newest_of,
    self_reference,
)
from engine.services.workflows.checks import Checker, SelfReference
from engine.storage.drafts import Draft
from engine.storage.dynamodb.table import Page
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Publication, Workflow, WorkflowVersion
from engine.storage.workflows import Change
from engine.workflow.layout import joined, of_versions
from engine.workflow.references import as_written
from engine.workflow.validator import Problem

_GONE = ("workspace_key", "check_shard", "next_check_at")


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of a list of workflows; None matches all.

    `text` is searched in the name, the description and labels, ignoring case. `folder` includes the folders below it;
    an empty one matches workflows in no folder.
    """

    text: str | None = None
    label: str | None = None
    folder: str | None = None
    is_active: bool | None = None

    def takes(self, workflow: Workflow) -> bool:
        """Return whether a workflow matches."""
        if self.is_active not in (None, workflow.is_active):
            return False
        if self.label is not None and self.label.casefold() not in (one.casefold() for one in workflow.labels):
            return False
        if self.folder is not None and not _is_in(workflow.folder or "", self.folder.strip("/ ")):
            return False
        texts = (workflow.name, workflow.description or "", *workflow.labels)
        return self.text is None or any(self.text.strip().casefold() in one.casefold() for one in texts)


def _is_in(folder: str, wanted: str) -> bool:
    return folder == wanted or (wanted != "" and folder.startswith(f"{wanted}/"))


@dataclass(frozen=True, slots=True)
class Usage:
    """A workflow that refers to another one: in its published version, its newest one, or both."""

    workflow: Workflow
    in_published: bool
    in_newest: bool


class WorkflowService:
    """Manages workflows, except publishing and drafts, for one caller at a time."""

    def __init__(self, repositories: Repositories, factory: NodeExecutorFactory, clock: Clock) -> None:
        self._workflows = repositories.workflows
        self._drafts = repositories.drafts
        self._checker = Checker(repositories.workflows, repositories.integrations, factory)
        self._clock = clock

    def create(self, principal: Principal, body: WorkflowCreation) -> Workflow:
        """Store a new workflow, inactive: without a version, or with version 1, published if requested.

        Raises:
            InvalidInput: the definition cannot run; `details` lists all problems.
            Conflict: the workspace has reached its limit of workflows.
            Forbidden: it is to be published, which the caller may not do.
        """
        if body.definition is not None and body.publish:
            principal.require(Permission.PUBLISH)
        workflow_id, now, author = new_id(), format_time(self._clock.now()), author_of(principal)
        checked = None
        if body.definition is not None:
            checked = self._checker.require(
                principal, body.definition, SelfReference(workflow_id, body.name, lambda: None)
            )
        if self._workflows.count(principal.workspace_id) >= limits.MAX_WORKFLOWS:
            message = f"a workspace holds at most {limits.MAX_WORKFLOWS} workflows; delete one first"
            raise Conflict(message, code="limit_reached")
        workflow = Workflow(
            workflow_id, principal.workspace_id, body.name, body.description, 0, is_active=False, created_at=now,
            updated_at=now, labels=tuple(body.labels), folder=body.folder, hook_secret=new_secret(),
        )  # fmt: skip
        if checked is None:
            self._workflows.create(workflow)
            return workflow
        version = WorkflowVersion(workflow_id, 1, checked.definition, now, author, body.message, checked.named)
        workflow, publication = replace(workflow, version=1), None
        if body.publish:
            publication = Publication(1, 1, "publish", author, body.message, now, 0)
            workflow = replace(workflow, published_version=1, publication=1, published_at=now, published_by=author)
        layout = of_versions(checked.layout)
        self._workflows.create(workflow, version, publication, layout)
        written = joined(as_written(checked.definition, checked.named or {}), layout)
        return replace(workflow, definition=written)

    def get(self, principal: Principal, workflow_id: str) -> Workflow:
        """Return the workflow with the definition of its newest version, None if it has none. Raises NotFound."""
        return self.whole(self._workflows.get(principal.workspace_id, workflow_id))

    def whole(self, workflow: Workflow) -> Workflow:
        """Return a workflow with the definition of its newest version."""
        if not workflow.version:
            return workflow
        return replace(workflow, definition=self._workflows.written(workflow.id, workflow.version).definition)

    def drafts(self, workflow_id: str) -> list[Draft]:
        """Return who has a draft of a workflow that the caller may see; without the drafts' contents."""
        return self._drafts.of_workflow(workflow_id)

    def page(self, principal: Principal, wanted: Filter, cursor: str | None, limit: int) -> Page:
        """Return a page of the workspace's matching workflows, newest first."""
        found: list[Workflow] = []
        size = limit if wanted == Filter() else limits.MAX_PAGE_SIZE
        while True:
            page = self._workflows.page(principal.workspace_id, cursor, size)
            found += [workflow for workflow in page.items if wanted.takes(workflow)]
            if len(found) > limit or (len(found) == limit and page.next_cursor is not None):
                return Page(found[:limit], found[limit - 1].id)
            cursor = page.next_cursor
            if cursor is None:
                return Page(found, None)

    def save(self, principal: Principal, workflow_id: str, body: WorkflowBody, seen: Seen) -> Workflow:
        """Make a new version, unless it equals the newest one; and publish it, if requested.

        Raises:
            NotFound: the workflow does not exist.
            InvalidInput: the definition cannot run.
            PreconditionFailed: another version, or publication, was made first.
            Forbidden: it is to be published, which the caller may not do.
        """
        if body.publish:
            principal.require(Permission.PUBLISH)

        def make(workflow: Workflow) -> Change | None:
            seen.check(workflow, version=True, published=body.publish)
            newest = newest_of(self._workflows, workflow)
            checked = self._checker.require(principal, body.definition, self_reference(workflow, newest, body.name))
            change = change_to_save(
                principal, self._clock, workflow, newest, checked, message=body.message, publish=body.publish
            )  # fmt: skip
            return self._with(change, _differing(workflow, body))

        return self.whole(change_workflow(self._workflows, principal, workflow_id, make))

    def patch(self, principal: Principal, workflow_id: str, body: WorkflowChange, seen: Seen) -> Workflow:
        """Change the given ones of name, description, labels and folder. Makes no version.

        Raises:
            NotFound: the workflow does not exist.
            PreconditionFailed: the workflow was changed meanwhile.
        """

        def make(workflow: Workflow) -> Change | None:
            seen.check(workflow)
            return self._with(Change(), _differing(workflow, body))

        return self.whole(change_workflow(self._workflows, principal, workflow_id, make))

    def _with(self, change: Change, attributes: dict[str, Any]) -> Change | None:
        """Return a change with additional attributes; None if it changes nothing."""
        change = replace(change, attributes=attributes)
        if is_empty(change):
            return None
        return replace(change, attributes={**attributes, "updated_at": format_time(self._clock.now())})

    def delete(self, principal: Principal, workflow_id: str, *, force: bool = False) -> None:
        """Delete a workflow and all of its drafts; running executions continue.

        Raises:
            NotFound: the workflow does not exist.
            Conflict: code `in_use`: other workflows refer to it, and the deletion was not forced.
        """
        drafts: list[Draft] = []

        def make(workflow: Workflow) -> Change:
            if not force and (users := self._usages(workflow)):
                listed = [usage_of(one) for one in users[: limits.MAX_PAGE_SIZE]]
                message = "workflows name it; change them first, or delete it with `?force=true`"
                raise Conflict(message, code="in_use", details=listed)
            drafts[:] = self._drafts.of_workflow(workflow_id)[: limits.MAX_DRAFTS_DELETED]
            gone = {"is_active": False, "deleted_at": format_time(self._clock.now()), **dict.fromkeys(_GONE)}
            return Change(gone, also=[self._drafts.deletion(one, must_be=False) for one in drafts])

        change_workflow(self._workflows, principal, workflow_id, make)
        for one in drafts:
            self._drafts.discard(one)

    def usages(self, principal: Principal, workflow_id: str) -> list[Usage]:
        """Return the other workflows that refer to it. Raises NotFound."""
        return self._usages(self._workflows.get(principal.workspace_id, workflow_id))

    def _usages(self, workflow: Workflow) -> list[Usage]:
        """Versions store the ids of workflows that they refer to, so this is exact whatever their names are."""
        found = [
            Usage(one, workflow.id in one.uses.workflows, workflow.id in one.newest_uses.workflows)
            for one in self._workflows.all(workflow.workspace_id)
            if one.id != workflow.id
        ]
        return [usage for usage in found if usage.in_published or usage.in_newest]

    def set_active(self, principal: Principal, workflow_id: str, *, active: bool) -> Workflow:
        """Activate or deactivate a workflow; a repeated call changes nothing.

        Raises:
            NotFound: the workflow does not exist.
            Conflict: code `not_published`: the workflow has no published version.
        """

        def make(workflow: Workflow) -> Change | None:
            if active and not workflow.published_version:
                raise not_published("publish a version first")
            if workflow.is_active == active:
                return None
            return Change({"is_active": active, "updated_at": format_time(self._clock.now())})

        return self.whole(change_workflow(self._workflows, principal, workflow_id, make))

    def problems(self, principal: Principal, definition: Any) -> list[Problem]:
        """Return all current problems of a definition: errors for which `create` would refuse it, and warnings."""
        return self._checker.check(principal, definition).problems

    def problems_of(self, principal: Principal, workflow_id: str, definition: Any = None) -> list[Problem]:
        """Return the problems of a definition as a version of a workflow, by default of its newest version.

        Raises:
            NotFound: the workflow does not exist.
            Conflict: code `not_published`: the workflow has no version yet.
        """
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        newest = newest_of(self._workflows, workflow)
        if definition is None:
            if newest is None:
                raise not_published("it has no version yet")
            definition = newest.written
        return self._checker.check(principal, definition, self_reference(workflow, newest)).problems


def not_published(hint: str) -> Conflict:
    """Return the error of a workflow without a version that could run."""
    return Conflict(f"nothing of the workflow is published; {hint}", code="not_published")


def usage_of(usage: Usage) -> dict[str, Any]:
    """Return a usage as it appears in the API."""
    places = [name for name, there in (("published", usage.in_published), ("newest", usage.in_newest)) if there]
    workflow = usage.workflow
    return {"workflow_id": workflow.id, "name": workflow.name, "is_active": workflow.is_active, "in": places}


def _differing(workflow: Workflow, body: WorkflowBody | WorkflowChange) -> dict[str, Any]:
    """Return the given ones of name, description, labels and folder that differ; None removes one."""
    given: Iterable[str] = body.model_fields_set & {"name", "description", "labels", "folder"}
    found: dict[str, Any] = {}
    for field in given:
        value, is_now = getattr(body, field), getattr(workflow, field)
        if field == "labels":
            value, is_now = list(value), list(is_now)
        if value != is_now:
            found[field] = value if value or field == "name" else None
    return found
