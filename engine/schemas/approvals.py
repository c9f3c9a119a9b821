"""Bodies of approvals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints

from engine.schemas.common import Answer, Body


class DeciderAnswer(Answer):
    """Who has decided."""

    id: str
    email: str | None


class GivenAnswer(Answer):
    """One of several answers to an approval."""

    by: str = Field(description="A user's id; or the address to which the link was mailed.")
    email: str | None
    decision: Literal["approved", "rejected"]
    comment: str | None
    at: str
    proof: str = Field(description="How it was proven whose it is: by a `session`, a `key`, or the `link` of a mail.")
    values: dict[str, Any] | None = None


class ApprovalAnswer(Answer):
    """Something that waits to be approved, or was decided."""

    id: str
    execution_id: str
    node: str = Field(description="The path of the node that asks; what the answer is sent to.")
    attempt: int
    message: str
    approvers: list[str] = Field(description="Who may answer; nobody: whoever may run workflows.")
    may_answer: bool = Field(description="Whether you are among them, and have not answered.")
    refusal: str | None = Field(
        description="If it is open and you may not answer: the error code that an answer of yours would get."
    )
    needs: int = Field(description="How many people have to approve it.")
    answers: list[GivenAnswer] = Field(description="Where several have to: those that were given.")
    form: dict[str, Any] | None = Field(description="JSON Schema of what who approves fills in.")
    asked_at: str
    deadline: str
    workflow_id: str
    workflow_name: str | None
    test: bool = Field(description="Whether a test run asks.")
    decision: Literal["approved", "rejected"] | None
    comment: str | None
    decided_by: DeciderAnswer | None
    decided_at: str | None


class LinkAnswer(Answer):
    """What a link of a mail asks."""

    state: Literal["open", "answered", "decided", "late", "over"] = Field(
        description="`answered`: by you. `over`: nobody waits for an answer any more."
    )
    decision: Literal["approved", "rejected"] | None
    email: str = Field(description="The address to which the link was mailed.")
    workflow_name: str | None
    message: str
    form: dict[str, Any] | None = Field(description="JSON Schema of what who approves fills in.")
    needs: int = Field(description="How many people have to approve it.")
    approved: int = Field(description="How many have.")
    asked_at: str
    deadline: str | None
    test: bool = Field(description="Whether a test run asks.")


class LinkBody(Body):
    """A decision."""

    decision: Literal["approved", "rejected"]
    comment: Annotated[str, StringConstraints(max_length=4_000)] | None = None
    values: dict[str, JsonValue] | None = Field(default=None, description="What is filled into the form.")


class ApprovalList(Answer):
    """A page of approvals, the newest first."""

    items: list[ApprovalAnswer]
    next_cursor: str | None


class ApprovalCount(Answer):
    """How many are open."""

    count: int
    more: bool = Field(description="Whether there are more, which were not counted.")


class NodeBeforeAnswer(Answer):
    """A node from which an approval was reached."""

    id: str
    type: str
    name: str | None
    output: Any
    omitted: bool = Field(description="Whether the output is too large to be shown here.")


class ApprovalDetail(ApprovalAnswer):
    """An approval with what it takes to decide."""

    node_name: str | None
    notes: str | None
    trigger_type: str | None = Field(description="What started the execution.")
    triggered_by: str | None
    started_at: str | None
    input: Any
    before: list[NodeBeforeAnswer] = Field(description="The nodes from which it was reached, with what they gave.")
    history: list[ApprovalAnswer] = Field(description="Decisions of the same node, or in the same execution.")
    omitted: list[str] = Field(description="`input` where it is too large to be shown.")
