"""`approval`: asks people to approve or reject."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.history.approval_terms import ApprovalTerms
from engine.history.events import Signal, SignalStatus, WaitKind
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult, WaitForSignal
from engine.nodes.context import NodeContext

Approver = Annotated[str, Field(min_length=1, max_length=320)]
_LEAST_PAUSE = 60.0


class ApprovalConfig(NodeConfig):
    """The question, the approvers, and the deadline."""

    message: str = Field(min_length=1, max_length=4_000, description="The message to the approvers.")
    approvers: list[Approver] = Field(
        default_factory=list,
        max_length=100,
        description="Who may answer: e-mail addresses, user ids or roles. Default: everybody who may run workflows.",
    )
    needs: int = Field(
        default=1,
        ge=1,
        le=limits.MAX_NEEDED_APPROVALS,
        title="Approvals needed",
        description="How many of them have to approve. One rejection rejects.",
    )
    not_the_starter: bool = Field(
        default=False, title="Not by whoever started it", description="Whoever started the execution may not answer."
    )
    form: dict[str, JsonValue] | None = Field(
        default=None,
        title="Form (JSON Schema)",
        description="JSON Schema of an object that approvers fill in; what they give is `values` in the output.",
    )
    mail: bool = Field(
        default=False,
        title="Ask by mail",
        description="Ask by mail, with a link for each approver that works without an account. The workspace needs a "
        "`mail_integration`.",
    )
    remind_after: float | None = Field(
        default=None,
        ge=_LEAST_PAUSE,
        le=limits.MAX_DELAY,
        title="Remind after (seconds)",
        description="Seconds between reminders by mail.",
    )
    escalate_after: float | None = Field(
        default=None,
        ge=_LEAST_PAUSE,
        le=limits.MAX_DELAY,
        title="Ask others after (seconds)",
        description="Seconds until others may answer, too.",
    )
    escalate_to: list[Approver] = Field(
        default_factory=list, max_length=100, title="Whom to ask then", description="Who may answer then, too."
    )
    timeout_seconds: float = Field(
        default=limits.DEFAULT_SIGNAL_SECONDS,
        gt=0,
        le=limits.MAX_DELAY,
        description="Seconds to wait for an answer; then the node continues by `timeout`.",
    )

    @model_validator(mode="after")
    def _fitting(self) -> ApprovalConfig:
        if (self.escalate_after is None) != (not self.escalate_to):
            raise ValueError("give `escalate_to` and `escalate_after`, or neither")
        if self.escalate_to and not self.approvers:
            raise ValueError("`escalate_to` adds to `approvers`, and without these everybody may answer")
        if self.remind_after is not None and not self.mail:
            raise ValueError("`remind_after` sends mail: set `mail`")
        people = {one.strip().lower() for one in (*self.approvers, *self.escalate_to)}
        if people and all("@" in one for one in people) and self.needs > len(people):
            raise ValueError(f"`needs` is {self.needs}, and there are only {len(people)} approvers")
        if self.form is not None and self.form.get("type") != "object":
            raise ValueError('`form` describes an object: `{"type": "object", "properties": {…}}`')
        return self

    def terms(self) -> ApprovalTerms:
        """Return what is asked, and of whom."""
        return ApprovalTerms(
            message=self.message,
            approvers=tuple(self.approvers),
            needs=self.needs,
            not_the_starter=self.not_the_starter,
            mail=self.mail,
            remind_after=self.remind_after,
            escalate_to=tuple(self.escalate_to),
            escalate_after=self.escalate_after,
            form=self.form,
        )


class ApprovalNode(BaseNode):
    """Asks people, and continues by `approved` or `rejected` when they have answered, or by `timeout`.

    The output is `{decision, comment, by, at, shown, proof}`; `shown` is the SHA-256 of the message that was answered,
    `proof` how the answer proved whose it is: by a `session`, a `key`, or the `link` of a mail. With a form it has
    `values`, and where several have to approve, `answers`.
    """

    Config = ApprovalConfig
    title: ClassVar[str] = "Approval"
    group: ClassVar[str] = "People"
    icon: ClassVar[str] = "user-check"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"message": "Pay invoice {{ trigger.body.number }}?", "approvers": ["finance@company.example"]},
        {
            "message": "Pay {{ trigger.body.total }} €?",
            "approvers": ["ann@company.example", "bob@company.example", "cleo@company.example"],
            "needs": 2,
            "not_the_starter": True,
            "mail": True,
            "remind_after": 86400,
            "form": {"type": "object", "properties": {"account": {"type": "string"}}, "required": ["account"]},
        },
    )
    ports: ClassVar[tuple[str, ...]] = ("approved", "rejected", "timeout")

    async def execute(self, context: NodeContext) -> NodeResult:
        """Wait for the answer.

        Raises:
            NodeError: code `config`: the form is no JSON Schema.
        """
        config = context.config(ApprovalConfig, self.raw_config)
        if config.form is not None:
            from engine.nodes.json import problems_of

            await problems_of({}, config.form)  # what is no schema is told now, and not to who answers
        deadline = context.now + timedelta(seconds=config.timeout_seconds)
        return WaitForSignal(WaitKind.APPROVAL, deadline, config.terms().recorded())

    def answered(self, signal: Signal) -> Completed:
        """Continue by the port of the decision."""
        if signal.status is SignalStatus.EXPIRED:
            return Completed({"decision": "timeout", "comment": None, "by": None, "at": None}, "timeout")
        return Completed(signal.output, signal.output["decision"])
