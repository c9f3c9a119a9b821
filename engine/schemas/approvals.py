"""Bodies of approvals."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.schemas.common import Answer


class DeciderAnswer(Answer):
    """Who has decided."""

    id: str
    email: str | None


class ApprovalAnswer(Answer):
    """Something that waits to be approved, or was decided."""

    id: str
    execution_id: str
    node: str = Field(description="The path of the node that asks; what the answer is sent to.")
    attempt: int
    message: str
    approvers: list[str] = Field(description="Who may answer; nobody: whoever may run workflows.")
    may_answer: bool = Field(description="Whether you are among them.")
    asked_at: str
    deadline: str
    workflow_id: str
    workflow_name: str | None
    test: bool = Field(description="Whether a test run asks.")
    decision: Literal["approved", "rejected"] | None
    comment: str | None
    decided_by: DeciderAnswer | None
    decided_at: str | None


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
