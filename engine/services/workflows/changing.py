"""What all changes of workflows share: the state that the caller has seen, and retries after concurrent changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, PreconditionFailed, Unavailable
from engine.json_value import is_equal
from engine.services.principal import Principal
from engine.services.workflows.checks import Checked, SelfReference
from engine.storage.workflow_records import Author, Publication, Workflow, WorkflowVersion
from engine.storage.workflows import Change, WorkflowRepository
from engine.workflow.layout import Layout, joined, of_versions
from engine.workflow.references import as_written

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of a workflow that a caller has seen and bases a change on; None accepts any state."""

    version: int | None = None
    published: int | None = None
    revision: int | None = None

    def check(self, workflow: Workflow, *, version: bool = False, published: bool = False) -> None:
        """Refuse a change that is based on an outdated state.

        Raises:
            PreconditionFailed: the state is outdated; `details` has the current one.
        """
        fits = (
            not version or self.version in (None, workflow.version),
            not published or self.published in (None, workflow.published_version),
            version or published or self.revision in (None, workflow.revision),
        )
        if not all(fits):
            based_on = self.version if version or published else workflow.version
            raise conflict(workflow, based_on or 0)


def conflict(workflow: Workflow, based_on: int, **more: Any) -> PreconditionFailed:
    """Return the error of a change that another one preceded."""
    told = {"based_on": based_on or None, "version": workflow.version or None}
    told["published_version"] = workflow.published_version or None
    message = f"the workflow has been changed since version {based_on}; fetch it and make your change again"
    return PreconditionFailed(message, details={**told, **more})


def change_workflow(
    workflows: WorkflowRepository, principal: Principal, workflow_id: str, make: Callable[[Workflow], Change | None]
) -> Workflow:
    """Change a workflow; `make` computes the change from the current state, again after a concurrent change.

    Raises:
        NotFound: the workflow does not exist, or was deleted meanwhile.
        Unavailable: other changes kept coming first.
    """
    for _ in range(_TRIES):
        workflow = workflows.get(principal.workspace_id, workflow_id)
        change = make(workflow)
        if change is None:
            return workflow
        done = workflows.change(workflow, change)
        if done is not None:
            return done
    raise Unavailable("the workflow is being changed by others; try again")


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest version of a workflow, and its `ui`."""

    version: WorkflowVersion
    layout: Layout

    def equals(self, checked: Checked) -> bool:
        """Return whether it equals the checked definition, ignoring `ui`."""
        same_names = (self.version.named or {}) == (checked.named or {})
        return same_names and is_equal(self.version.definition, checked.definition)

    @property
    def written(self) -> dict[str, Any]:
        """The definition as its author wrote it."""
        return joined(as_written(self.version.definition, self.version.named or {}), self.layout)


def newest_of(workflows: WorkflowRepository, workflow: Workflow) -> Newest | None:
    """Return the newest version; None if there is none yet."""
    if not workflow.version:
        return None
    stored = workflows.get_version(workflow.id, workflow.version)
    return Newest(stored, workflows.layout(workflow.id, workflow.version))


def self_reference(workflow: Workflow, newest: Newest | None, name: str | None = None) -> SelfReference:
    """Return a workflow in the form in which its definition may refer to it."""
    return SelfReference(workflow.id, name or workflow.name, lambda: newest.version if newest else None)


def author_of(principal: Principal) -> Author:
    """Return the caller as an author."""
    return Author(principal.user_id, principal.name or principal.email or principal.user_id)


def change_to_save(
    principal: Principal,
    clock: Clock,
    workflow: Workflow,
    newest: Newest | None,
    checked: Checked,
    *,
    message: str | None,
    publish: bool,
    restored_from: int = 0,
) -> Change:
    """Return the change that makes a definition the newest version, and publishes it if requested; empty if it is.

    Raises:
        Conflict: the workflow has reached its limit of versions.
    """
    author, now = author_of(principal), format_time(clock.now())
    layout = of_versions(checked.layout)
    if newest is not None and newest.equals(checked):
        change = Change(layout=(workflow.version, layout) if layout not in ({}, newest.layout) else None)
        number, definition = workflow.version, newest.version.definition
    else:
        number, definition = workflow.version + 1, checked.definition
        if number > limits.MAX_VERSIONS:
            raise Conflict(f"a workflow has at most {limits.MAX_VERSIONS} versions", code="limit_reached")
        version = WorkflowVersion(
            workflow.id, number, definition, now, author, message, checked.named, restored_from
        )  # fmt: skip
        drawn = layout or (newest.layout if newest else {})
        change = Change(version=version, layout=(number, drawn) if drawn else None)
    if publish and number != workflow.published_version:
        publication = new_publication(workflow, number, author, message, now)
        change = replace(change, publication=publication, published=definition)
    return change


def new_publication(workflow: Workflow, version: int, author: Author, message: str | None, now: str) -> Publication:
    """Return the publication of a version at this time."""
    return Publication(workflow.publication + 1, version, "publish", author, message, now, workflow.publication)


def is_empty(change: Change) -> bool:
    """Return whether a change changes nothing."""
    return change == Change()
