"""A mail, as people describe it and as it goes over the wire."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from engine.clock import Clock
from engine.errors import NodeError
from engine.integrations.base import Params

MAX_MAIL_BYTES = 25 * 1024 * 1024
MAX_RECIPIENTS = 50
_NAMED = re.compile(r"([^<>]*)<([^<>]+)>")


def check_address(text: str) -> str:
    """An address, with or without a name: `Ann Lee <ann@example.com>`.

    Raises:
        ValueError: it is none.
    """
    from email_validator import EmailNotValidError, validate_email

    found = _NAMED.fullmatch(text.strip())
    name, bare = (found[1].strip().strip('"'), found[2]) if found else ("", text.strip())
    try:
        if not name.isprintable():
            raise ValueError("its name holds a line break or the like")
        checked = validate_email(bare, check_deliverability=False, globally_deliverable=False, allow_smtputf8=False)
        return str(Address(name, checked.local_part, checked.ascii_domain or checked.domain))
    except (EmailNotValidError, ValueError) as error:
        message = f"{text!r:.100} is no e-mail address, such as ann@example.com or Ann <ann@example.com>: {error}"
        raise ValueError(message) from None


def bare_address(text: str) -> str:
    """An address that was checked, without its name."""
    found = _NAMED.fullmatch(text)
    return found[2] if found else text


def _one_line(text: str) -> str:
    if any(character in text for character in "\r\n\0"):
        raise ValueError("it is one line")
    return text


MailAddress = Annotated[str, Field(min_length=3, max_length=400), AfterValidator(check_address)]
Recipients = Annotated[list[MailAddress], Field(max_length=MAX_RECIPIENTS)]
Line = Annotated[str, AfterValidator(_one_line)]


class Message(Params):
    """A mail without its attachments."""

    sender: MailAddress | None = Field(default=None, alias="from", description="Default: the integration's.")
    to: Recipients = Field(default_factory=list)
    cc: Recipients = Field(default_factory=list)
    bcc: Recipients = Field(default_factory=list)
    reply_to: MailAddress | None = None
    subject: Line = Field(max_length=500)
    text: str | None = Field(default=None, max_length=2_000_000)
    html: str | None = Field(default=None, max_length=2_000_000)

    @model_validator(mode="after")
    def _complete(self) -> Message:
        if not (self.to or self.cc or self.bcc):
            raise ValueError("a mail goes to somebody: give `to`, `cc` or `bcc`")
        if self.text is None and self.html is None:
            raise ValueError("give `text`, `html` or both")
        if len(self.to) + len(self.cc) + len(self.bcc) > MAX_RECIPIENTS:
            raise ValueError(f"a mail goes to at most {MAX_RECIPIENTS} addresses")
        return self

    @property
    def recipients(self) -> list[str]:
        """The bare addresses of all to whom it goes."""
        return [bare_address(one) for one in (*self.to, *self.cc, *self.bcc)]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file of a mail."""

    name: str
    content: bytes
    content_type: str | None = None


def composed(
    message: Message, sender: str, attachments: Sequence[Attachment], idempotency_key: str, clock: Clock
) -> EmailMessage:
    """The mail for the wire. Its Message-ID is the same on each attempt, so that a mailbox may know it again.

    Raises:
        NodeError: `mail_too_large`, or `config`: something cannot stand in a mail.
    """
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = sender
        for name, values in (("To", message.to), ("Cc", message.cc)):
            if values:
                mail[name] = ", ".join(values)
        if message.reply_to:
            mail["Reply-To"] = message.reply_to
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(clock.now())
        domain = bare_address(sender).rpartition("@")[2]
        mail["Message-ID"] = f"<{sha256(idempotency_key.encode()).hexdigest()[:40]}@{domain}>"
        if message.text is not None:
            mail.set_content(message.text)
        if message.html is not None:
            if message.text is None:
                mail.set_content(message.html, subtype="html")
            else:
                mail.add_alternative(message.html, subtype="html")
        size = 0
        for one in attachments:
            size += len(one.content)
            if size > MAX_MAIL_BYTES:
                raise NodeError(f"the attachments have more than {MAX_MAIL_BYTES} bytes", code="mail_too_large")
            kind = one.content_type or mimetypes.guess_type(one.name)[0] or "application/octet-stream"
            main, _, sub = kind.partition("/")
            mail.add_attachment(one.content, maintype=main, subtype=sub or "octet-stream", filename=one.name)
    except (ValueError, UnicodeError) as error:
        raise NodeError(f"config: the mail cannot be written: {error}", code="config") from None
    return mail


def told(mail: EmailMessage, message: Message) -> dict[str, Any]:
    """What a node that sent it gives."""
    return {"message_id": str(mail["Message-ID"]), "recipients": message.recipients}
