"""The models of a workflow definition, which are also its published JSON Schema.

They describe the shape of a definition; the validator decides whether it can run.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engine import limits
from engine.field_titles import with_titles
from engine.ids import NODE_ID_PATTERN
from engine.triggers.definition import TriggerDefinition

NodeId = Annotated[str, Field(pattern=NODE_ID_PATTERN, description="Name of the node in expressions.")]
Port = Annotated[str, Field(min_length=1, max_length=64)]
WorkflowName = Annotated[
    str,
    Field(min_length=1, max_length=limits.MAX_NAME_LENGTH, description="A workflow of the workspace, by name or id."),
]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


WhenFull = Literal["queue", "skip", "cancel_oldest"]
"""What happens to an execution that exceeds the limit."""


class Model(BaseModel):
    """Base of every part of a definition: strict, immutable, and refusing unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Retry(Model):
    """How often and how soon a failed attempt is retried.

    The n-th pause is random in `[0.5, 1] x interval_seconds x backoff_rate^(n-1)`, at most `max_interval_seconds`; a
    longer `Retry-After` of the server is honored.
    """

    max_attempts: int = Field(default=3, ge=1, le=20, description="All attempts, the first included.")
    interval_seconds: Seconds = Field(default=1.0, le=86_400, description="The first pause, about.")
    backoff_rate: float = Field(
        default=2.0, ge=1, le=10, allow_inf_nan=False, description="Each pause is so many times the one before."
    )
    max_interval_seconds: Seconds = Field(default=300.0, le=86_400, description="No pause is longer.")
    on: list[Annotated[str, Field(min_length=1, max_length=64)]] | None = Field(
        default=None,
        max_length=32,
        description="Error codes to retry (`timeout`, `connection_failed`, `http_status`), statuses (`503`), "
        "classes of them (`5xx`), or `all`. Default: the errors that the node type considers temporary.",
    )


class NodeDefinition(Model):
    """One step of a workflow."""

    id: NodeId
    type: str = Field(min_length=1, max_length=64, description="One of `GET /api/node-types`.")
    name: str | None = Field(default=None, max_length=limits.MAX_NAME_LENGTH, description="For people.")
    notes: str | None = Field(default=None, max_length=4_000, description="For people.")
    config: dict[str, JsonValue] = Field(default_factory=dict, description="What its type asks for.")
    retry: Retry | None = Field(default=None, description="How failed attempts are repeated. Default: not at all.")
    timeout_seconds: float | None = Field(
        default=None, gt=0, le=limits.MAX_NODE_TIMEOUT, description="Bounds one attempt."
    )
    on_error: Literal["fail", "continue"] = Field(
        default="fail", description="`continue`: a failed node counts as succeeded, with output `{error: …}`."
    )
    delivery: Literal["at_least_once", "at_most_once"] = Field(
        default="at_least_once",
        description="`at_most_once`: an interrupted attempt is not repeated but fails as `interrupted`.",
    )
    body: Body | None = Field(default=None, description="The nodes that a loop repeats; only loops have a body.")


class Edge(Model):
    """An edge: node `to` may run when `from` has finished through `port`."""

    source: NodeId = Field(alias="from", description="The node that it leaves.")
    port: Port = Field(default="main", description="By which port it leaves.")
    target: NodeId = Field(alias="to", description="The node that may run then.")


class Ui(BaseModel):
    """Where the editor draws nodes, and related data. It is not checked, and may hold more."""

    model_config = ConfigDict(extra="allow", frozen=True)

    positions: dict[str, JsonValue] = Field(default_factory=dict, description="`{x, y}` by the ids of nodes.")
    notes: list[JsonValue] = Field(default_factory=list, description="Notes beside the nodes.")
    groups: list[JsonValue] = Field(default_factory=list, description="Frames around nodes.")


class Body(Model):
    """Nodes and the edges between them, without cycles."""

    nodes: list[NodeDefinition] = Field(min_length=1, max_length=limits.MAX_NODES, description="The steps.")
    edges: list[Edge] = Field(default_factory=list, max_length=limits.MAX_EDGES, description="What runs after what.")
    output: JsonValue = Field(default=None, description="Template of the result.")
    ui: Ui | None = Field(default=None, description="Where the editor draws it. It is taken off before anything runs.")

    @property
    def has_output(self) -> bool:
        """Whether the author gave an output template (`null` is one)."""
        return "output" in self.model_fields_set


class Concurrency(Model):
    """How many executions of a workflow may run at the same time."""

    limit: int = Field(ge=1, le=limits.MAX_CONCURRENCY_LIMIT, description="So many at the same time.")
    key: str | None = Field(
        default=None,
        min_length=1,
        max_length=limits.MAX_EXPRESSION_LENGTH,
        description="A template over `trigger`; the limit applies to each value of it.",
    )
    when_full: WhenFull = Field(
        default="queue",
        description="What happens to an execution over the limit: it is queued, it is canceled, or the oldest one is.",
    )


class OnFailure(Model):
    """A workflow of the same workspace to start when an execution has failed or timed out."""

    workflow: WorkflowName
    version: int | None = Field(default=None, ge=1, le=limits.MAX_VERSIONS, description="Default: the published one.")


class WorkflowDefinition(Body):
    """A whole workflow: nodes, edges, and the settings of its executions."""

    vars: dict[NodeId, JsonValue] = Field(
        default_factory=dict, description="Constants, as `vars.<name>` in expressions."
    )
    timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        le=limits.MAX_DELAY,
        allow_inf_nan=False,
        description="Seconds from the first step; an execution that takes longer ends as `timed_out`.",
    )
    concurrency: Concurrency | None = Field(
        default=None, description="How many executions may be under way at the same time."
    )
    on_failure: OnFailure | None = Field(default=None, description="What starts when one has failed.")
    triggers: list[TriggerDefinition] = Field(
        default_factory=list, max_length=limits.MAX_TRIGGERS, description="What starts it by itself."
    )

    def as_json(self) -> dict[str, Any]:
        """Return the definition as its author wrote it: no defaults filled in, edges with `from` and `to`."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


NodeDefinition.model_rebuild()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a definition, as published by the API."""
    return with_titles(WorkflowDefinition.model_json_schema(by_alias=True))
