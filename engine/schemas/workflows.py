"""Bodies of workflows."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from engine.schemas.common import Answer, Body, Description, ErrorDetail, Name


class WorkflowBody(Body):
    """A workflow to create, or what to replace one with."""

    name: Name
    description: Description | None = None
    definition: dict[str, Any] = Field(description="Nodes and edges; see `GET /api/node-types`.")


class DefinitionBody(Body):
    """A definition to check."""

    definition: dict[str, Any]


class WorkflowSummary(Answer):
    """A workflow in a list."""

    id: str
    name: str
    description: str | None
    version: int
    is_active: bool
    created_at: str
    updated_at: str


class WorkflowAnswer(WorkflowSummary):
    """A workflow with the definition of its newest version."""

    definition: dict[str, Any]


class WorkflowList(Answer):
    """A page of workflows, the newest first."""

    items: list[WorkflowSummary]
    next_cursor: str | None


class VersionSummary(Answer):
    """One version in a list."""

    version: int
    name: str
    description: str | None
    created_at: str
    created_by: str


class VersionAnswer(VersionSummary):
    """One version, which never changes."""

    definition: dict[str, Any]


class VersionList(Answer):
    """A page of versions, the newest first."""

    items: list[VersionSummary]
    next_cursor: str | None


class DefinitionProblem(ErrorDetail):
    """One thing that is wrong with a definition."""

    node: str | None = Field(description="The id of the node that it is in, if it is in one.")


class ValidationAnswer(Answer):
    """What is wrong with a definition; `valid` where nothing is."""

    valid: bool
    problems: list[DefinitionProblem]
