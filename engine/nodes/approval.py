"""`approval`: asks people to approve or reject."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from engine import limits
from engine.history.events import Signal, SignalStatus, WaitKind
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult, WaitForSignal
from engine.nodes.context import NodeContext

Approver = Annotated[str, Field(min_length=1, max_length=320)]


class ApprovalConfig(NodeConfig):
    """The question, the approvers, and the deadline."""

    message: str = Field(min_length=1, max_length=4_000, description="The message to the approvers.")
    approvers: list[Approver] = Field(
        default_factory=list,
        max_length=100,
        description="Who may answer: e-mail addresses, user ids or roles. Default: everybody who may run workflows.",
    )
    timeout_seconds: float = Field(
        default=limits.DEFAULT_SIGNAL_SECONDS,
        gt=0,
        le=limits.MAX_DELAY,
        description="Seconds to wait for an answer; then the node continues by `timeout`.",
    )


class ApprovalNode(BaseNode):
    """Asks people, and continues by `approved` or `rejected` when one has answered, or by `timeout`.

    The output is `{decision, comment, by, at, shown}`; `shown` is the SHA-256 of the message that was answered.
    """

    Config = ApprovalConfig
    title: ClassVar[str] = "Approval"
    group: ClassVar[str] = "People"
    icon: ClassVar[str] = "user-check"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"message": "Pay invoice {{ trigger.body.number }}?", "approvers": ["finance@company.example"]},
    )
    ports: ClassVar[tuple[str, ...]] = ("approved", "rejected", "timeout")

    async def execute(self, context: NodeContext) -> NodeResult:
        """Wait for the answer."""
        config = context.config(ApprovalConfig, self.raw_config)
        deadline = context.now + timedelta(seconds=config.timeout_seconds)
        return WaitForSignal(WaitKind.APPROVAL, deadline, {"message": config.message, "approvers": config.approvers})

    def answered(self, signal: Signal) -> Completed:
        """Continue by the port of the decision."""
        if signal.status is SignalStatus.EXPIRED:
            return Completed({"decision": "timeout", "comment": None, "by": None, "at": None}, "timeout")
        return Completed(signal.output, signal.output["decision"])
