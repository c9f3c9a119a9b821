"""Bodies of previews and samples: what templates give, and what there is to complete them from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from engine import limits
from engine.ids import ID_PATTERN
from engine.schemas.common import Answer, Body

Id = Annotated[str, Field(pattern=ID_PATTERN)]


class PreviewBody(Body):
    """A template, and what it is evaluated over: `scope`, an execution, or the samples of a workflow."""

    text: Annotated[str, Field(max_length=64 * 1024)] | None = Field(
        default=None, description="Text with `{{ … }}` in it. Either this or `value`."
    )
    value: JsonValue = Field(default=None, description="Any JSON with templates in its texts.")
    scope: dict[str, JsonValue] | None = Field(
        default=None, description="`trigger`, `nodes`, `vars`, `execution`, `item` and `index`, as far as it has them."
    )
    execution_id: Id | None = Field(default=None, description="What the nodes of this execution gave.")
    path: Annotated[str, Field(min_length=1, max_length=1_000)] | None = Field(
        default=None, description="With `execution_id`: what this node of it saw, such as `each[3].call`."
    )
    workflow_id: Id | None = Field(default=None, description="What the nodes of this workflow gave last.")


class PreviewProblem(Answer):
    """What is wrong. `offset` and `length` count as JavaScript does."""

    path: str = Field(description="The field of `value`; empty for `text`.")
    code: Literal["expression"] = "expression"
    message: str
    offset: int
    length: int


class PreviewPart(Answer):
    """One `{{ … }}` of a text."""

    offset: int = Field(description="Where its braces begin.")
    length: int
    expression: str
    value: Any
    problem: PreviewProblem | None


class PreviewAnswer(Answer):
    """What a template gives."""

    value: Any
    found: bool = Field(description="Whether it has a value; if not, `problems` say why, or it has found nothing.")
    omitted: bool = Field(description=f"Whether it has over {limits.MAX_PREVIEW_BYTES} bytes, and is left out.")
    problems: list[PreviewProblem]
    parts: list[PreviewPart] = Field(description="Of a `text`: what each expression gives.")


class SampleNode(Answer):
    """What a node gave last."""

    output: Any
    port: str | None
    status: Literal["succeeded", "failed"]
    error: dict[str, Any] | None
    execution_id: str
    at: str
    omitted: bool = Field(description="Whether the output is left out, as it is too large.")
    item: Any = Field(default=None, description="Of a loop: the first item.")
    index: int | None = Field(default=None, description="Of a loop: that item's index.")


class WorkflowSamples(Answer):
    """What there is to complete expressions from, and to pin."""

    trigger: dict[str, Any] | None = Field(
        description="What started the newest execution; before the first one what a trigger of the draft would give."
    )
    trigger_execution_id: str | None = Field(description="Which execution that was; null if it is made up.")
    nodes: dict[str, SampleNode] = Field(description="By id; in a loop as `each.call`.")
    executions: list[str] = Field(description="From which they come, the newest first.")
