"""Bodies of workflows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from engine import limits
from engine.schemas.common import Answer, Body, Description, ErrorDetail, Name

Message = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]


def _folder(text: str) -> str:
    parts = [part.strip() for part in text.strip("/ ").split("/")]
    if len(parts) > 1 and not all(parts):
        raise ValueError("the parts of a folder's name are not empty, as in `Finance/Invoices`")
    return "/".join(parts)


def _distinct(labels: list[str]) -> list[str]:
    if len({one.casefold() for one in labels}) < len(labels):
        raise ValueError("each label is there once")
    return labels


Folder = Annotated[str, StringConstraints(max_length=200), AfterValidator(_folder)]
Labels = Annotated[list[Label], Field(max_length=limits.MAX_LABELS), AfterValidator(_distinct)]
Definition = Annotated[dict[str, Any], Field(description="Nodes and edges; see `GET /api/workflow-schema`.")]


class WorkflowCreation(Body):
    """A workflow to create. Without a definition it has no version yet, and can be drafted."""

    name: Name
    description: Description | None = None
    labels: Labels = Field(default_factory=list)
    folder: Folder | None = Field(default=None, description="With `/` between its parts: `Finance/Invoices`.")
    definition: Definition | None = None
    message: Message | None = Field(default=None, description="What version 1 is about.")
    publish: bool = Field(
        default=True, description="Whether version 1 is published. Its triggers start nothing until it is activated."
    )


class WorkflowBody(Body):
    """A version to make, and what else is to change; what is not given stays."""

    definition: Definition
    message: Message | None = Field(default=None, description="What the version is about.")
    publish: bool = Field(default=False, description="Whether triggers and starts use it from now on.")
    name: Name | None = None
    description: Description | None = None
    labels: Labels = Field(default_factory=list)
    folder: Folder | None = None


class WorkflowChange(Body):
    """What is to change without a new version; what is not given stays, `null` takes away."""

    name: Name | None = None
    description: Description | None = None
    labels: Labels = Field(default_factory=list)
    folder: Folder | None = None


class PublishBody(Body):
    """Which version is to run from now on."""

    version: int | None = Field(default=None, ge=1, le=limits.MAX_VERSIONS, description="Default: the newest.")
    message: Message | None = Field(default=None, description="Why, for those who look back.")


class MessageBody(Body):
    """What somebody says about a change."""

    message: Message | None = None


class RestoreBody(MessageBody):
    """How a version is to be restored."""

    publish: bool = Field(default=False, description="Whether triggers and starts use it from now on.")


class DraftBody(Body):
    """What somebody is working on."""

    definition: dict[str, Any] = Field(description="Any object; it need not be a definition yet.")
    base_version: int | None = Field(
        default=None,
        ge=1,
        le=limits.MAX_VERSIONS,
        description="The version that it began from, `null` for none. Default: as before, or the newest.",
    )


class DefinitionBody(Body):
    """A definition to check."""

    definition: dict[str, Any]


class OwnDefinitionBody(Body):
    """A definition of a workflow to check; without one its newest version is checked."""

    definition: dict[str, Any] | None = None


class AuthorAnswer(Answer):
    """Who has written something, with the name of then."""

    id: str
    name: str


class WorkflowSummary(Answer):
    """A workflow in a list."""

    id: str
    name: str
    description: str | None
    labels: list[str]
    folder: str | None
    version: int | None = Field(description="The number of its newest version.")
    published_version: int | None = Field(description="The version that triggers and starts use.")
    published_at: str | None
    published_by: AuthorAnswer | None
    is_active: bool
    created_at: str
    updated_at: str


class DraftSummary(Answer):
    """Who has a draft of a workflow."""

    author: AuthorAnswer
    base_version: int | None
    updated_at: str
    is_mine: bool


class WorkflowAnswer(WorkflowSummary):
    """A workflow with the definition of its newest version, and who has drafts of it."""

    definition: dict[str, Any] | None
    drafts: list[DraftSummary]


class WorkflowList(Answer):
    """A page of workflows, the newest first."""

    items: list[WorkflowSummary]
    next_cursor: str | None


class WorkflowUsageAnswer(Answer):
    """A workflow that names another one as a sub-workflow, as a tool or for failures."""

    workflow_id: str
    name: str
    is_active: bool
    places: list[Literal["published", "newest"]] = Field(alias="in", description="Which of its versions name it.")


class WorkflowUsageList(Answer):
    """All workflows that name one."""

    items: list[WorkflowUsageAnswer]


class VersionSummary(Answer):
    """One version in a list."""

    version: int
    author: AuthorAnswer
    message: str | None
    created_at: str
    restored_from: int | None
    is_published: bool


class VersionAnswer(VersionSummary):
    """One version, which never changes, but for its `ui`."""

    definition: dict[str, Any]


class VersionList(Answer):
    """A page of versions, the newest first."""

    items: list[VersionSummary]
    next_cursor: str | None


class PublicationAnswer(Answer):
    """That a version was made the one which runs."""

    number: int
    version: int
    kind: Literal["publish", "rollback"]
    author: AuthorAnswer
    message: str | None
    published_at: str


class PublicationList(Answer):
    """A page of publications, the newest first."""

    items: list[PublicationAnswer]
    next_cursor: str | None


class DraftSaved(Answer):
    """A draft without what is in it."""

    workflow_id: str
    base_version: int | None
    author: AuthorAnswer
    created_at: str
    updated_at: str
    etag: str


class DraftAnswer(DraftSaved):
    """A draft."""

    definition: dict[str, Any]


class EdgeAnswer(Answer):
    """An edge, as far as it is well-formed."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    source: Any = Field(alias="from")
    port: Any = "main"
    target: Any = Field(alias="to")


class LoopEdge(Answer):
    """An edge, and the loop in whose body it is."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    source: str = Field(alias="from")
    port: str
    target: str = Field(alias="to")
    loop: str | None


class PartChange(Answer):
    """A node or a trigger that differs."""

    kind: Literal["added", "removed", "renamed", "changed"]
    id: str
    type: str
    name: str | None
    loop: str | None = Field(description="The loop in whose body the node is.")
    was: str | None = Field(description="The node's id before it was renamed.")
    changes: list[dict[str, Any]] = Field(description="JSON Patch over it, with what was there as `before`.")


class EdgeChanges(Answer):
    """Edges that are new, and that are gone."""

    added: list[LoopEdge]
    removed: list[LoopEdge]


class NameChanges(Answer):
    """What is named now and was not, and the other way around."""

    added: list[str]
    removed: list[str]


class DiffAnswer(Answer):
    """What differs from one version to another: by node, and what it means."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    begin: int | Literal["draft"] | None = Field(alias="from")
    end: int | Literal["draft"] | None = Field(alias="to")
    nodes: list[PartChange]
    edges: EdgeChanges
    settings: list[dict[str, Any]] = Field(description="JSON Patch over what is no node, edge or trigger.")
    triggers: list[PartChange]
    hosts: NameChanges
    integrations: NameChanges
    workflows: NameChanges
    is_equal: bool


class DefinitionProblem(ErrorDetail):
    """One thing that is wrong with a definition."""

    node: str | None = Field(description="The id of the node that it is in, if it is in one.")
    edge: EdgeAnswer | None = Field(description="The edge that it is in, if it is in one.")
    severity: Literal["error", "warning"] = Field(description="An error keeps the definition from running.")
    name: str | None = Field(description="The name that means nothing here, if that is the problem.")


class ValidationAnswer(Answer):
    """What is wrong with a definition; `valid` where no error is among it."""

    valid: bool
    problems: list[DefinitionProblem]
