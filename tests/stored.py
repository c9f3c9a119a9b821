"""Workflows as they are stored, for tests of what works on them: made, given another version, switched on and off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.ids import new_id
from engine.storage.workflow_records import Author, Publication, Workflow, WorkflowVersion
from engine.storage.workflows import Change, WorkflowRepository

AT = "2026-05-01T09:00:00.000Z"
ANN = Author("user-1", "Ann")


def stored_workflow(
    workflows: WorkflowRepository,
    definition: Mapping[str, Any],
    workspace: str = "ws-1",
    workflow_id: str | None = None,
    name: str = "w",
) -> Workflow:
    """A new workflow whose version 1 is published; it is not active."""
    made = Workflow(
        workflow_id or new_id(), workspace, name, None, 1, is_active=False, created_at=AT, updated_at=AT,
        published_version=1, publication=1, published_at=AT, published_by=ANN,
    )  # fmt: skip
    version = WorkflowVersion(made.id, 1, dict(definition), AT, ANN)
    workflows.create(made, version, Publication(1, 1, "publish", ANN, None, AT, 0))
    return workflows.get(workspace, made.id)


def change(workflows: WorkflowRepository, workflow: Workflow, make: Callable[[Workflow], Change]) -> Workflow:
    """Change a workflow, however old what is known of it is."""
    done = workflows.change(workflow, make(workflow))
    while done is None:
        workflow = workflows.get(workflow.workspace_id, workflow.id)
        done = workflows.change(workflow, make(workflow))
    return done


def publish_version(workflows: WorkflowRepository, workflow: Workflow, definition: Mapping[str, Any]) -> Workflow:
    """Make and publish the next version of a workflow."""

    def make(found: Workflow) -> Change:
        version = WorkflowVersion(found.id, found.version + 1, dict(definition), AT, ANN)
        publication = Publication(found.publication + 1, version.version, "publish", ANN, None, AT, found.publication)
        return Change(version=version, publication=publication, published=version.definition)

    return change(workflows, workflow, make)


def set_active(workflows: WorkflowRepository, workflow: Workflow, *, active: bool) -> Workflow:
    """Switch a workflow on or off."""
    return change(workflows, workflow, lambda _: Change({"is_active": active}))


def delete(workflows: WorkflowRepository, workflow: Workflow) -> None:
    """Delete a workflow."""
    gone = {"is_active": False, "deleted_at": AT, "workspace_key": None, "check_shard": None, "next_check_at": None}
    change(workflows, workflow, lambda _: Change(gone))
