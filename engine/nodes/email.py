"""`email`: sends an e-mail through a mail server of the workspace, or through Amazon SES."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from engine.errors import NodeError
from engine.integrations.mail import (
    CONTENT_TYPE,
    MAX_MAIL_BYTES,
    Attachment,
    Line,
    Message,
    bare_address,
    composed,
    wire_bytes,
)
from engine.integrations.smtp import Smtp
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import IntegrationName, NodeContext
from engine.nodes.sources import Source, in_thread

MAX_ATTACHMENTS = 20


class Attached(NodeConfig):
    """An attachment of the e-mail."""

    name: Annotated[Line, Field(max_length=200)] | None = Field(default=None, description="Default: the file's name.")
    source: Source = Field(description="What is attached.")
    content_type: str | None = Field(
        default=None,
        max_length=200,
        pattern=CONTENT_TYPE,
        description="Media type. Default: by the name. `text/calendar; method=REQUEST` makes it an invitation.",
    )
    content_id: str | None = Field(
        default=None,
        max_length=100,
        pattern=r"^[A-Za-z0-9._@-]+$",
        description='Id for showing the attachment in the HTML: `<img src="cid:logo">`.',
    )


class EmailConfig(Message, NodeConfig):
    """The e-mail, and who sends it."""

    integration: IntegrationName | None = Field(
        default=None,
        description="A mail server. Default: Amazon SES, if the deployer has allowed the address in `from`.",
    )
    attachments: list[Attached] = Field(default_factory=list, max_length=MAX_ATTACHMENTS, description="Attached files.")

    @model_validator(mode="after")
    def _from_whom(self) -> EmailConfig:
        if self.integration is None and self.sender is None:
            raise ValueError("without an integration, `from` is required")
        if self.html is None and any(one.content_id for one in self.attachments):
            raise ValueError("`content_id` shows an attachment in the `html`, which is missing")
        return self


class EmailNode(BaseNode):
    """Sends a mail; gives `{message_id, recipients}`.

    By a mail server its Message-ID is the same on every attempt; SES makes its own. An attachment is a file, or text or
    base64 with a name; one with a `content_id` is shown in the HTML, and a calendar can be an invitation.
    """

    Config = EmailConfig
    title: ClassVar[str] = "Send a mail"
    group: ClassVar[str] = "Messages"
    icon: ClassVar[str] = "mail"
    integrations: ClassVar[tuple[str, ...]] = ("smtp",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "integration": "our mail",
            "to": ["ann@shop.example"],
            "subject": "Report of {{ $substring($now(), 0, 10) }}",
            "text": "It is attached.",
            "attachments": [{"source": {"file": "reports/today.csv"}}],
        },
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Send it.

        Raises:
            NodeError: `mail_refused`, `mail_too_large`, `connection_failed`, `credentials_refused`, `egress_refused`,
                `not_granted`, and those of sources.
        """
        config = context.config(EmailConfig, self.raw_config)
        attachments = await in_thread(lambda: _read(config, context))
        if config.integration is not None:
            opened = await context.integration(config.integration, self.integrations)
            if not isinstance(opened, Smtp):
                raise NodeError("config.integration: an `smtp` is expected", code="config")
            return Completed(await opened.deliver(config, attachments))
        mail = composed(config, str(config.sender), attachments, context.idempotency_key, context.clock)
        destination = {"ToAddresses": config.recipients}
        content = {"Raw": {"Data": wire_bytes(mail)}}
        sender = bare_address(str(config.sender))  # its name stands in the mail, encoded
        params = {"FromEmailAddress": sender, "Destination": destination, "Content": content}
        answer = await context.aws("sesv2", "send_email", params)
        return Completed({"message_id": answer["MessageId"], "recipients": config.recipients})


def _read(config: EmailConfig, context: NodeContext) -> list[Attachment]:
    found = []
    left = MAX_MAIL_BYTES
    for number, one in enumerate(config.attachments):
        name = one.name or one.source.named
        if name is None:
            raise NodeError(f"config.attachments[{number}] has no name; give it one", code="config")
        with one.source.opened(context, left) as content:
            given = context.redactor.content(content.read())
        found.append(Attachment(name, given, one.content_type, one.content_id))
        left -= len(found[-1].content)
    return found
