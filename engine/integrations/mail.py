"""A mail, as people describe it and as it goes over the wire."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from engine.clock import Clock
from engine.errors import NodeError
from engine.integrations.base import Params
from engine.integrations.mail_headers import EXACT, address_header, check_line, text_header

MAX_MAIL_BYTES = 25 * 1024 * 1024
MAX_RECIPIENTS = 50
_LOCAL = frozenset({"local", "localhost", "localdomain", "internal", "intranet", "lan", "corp", "home", "test", "arpa"})
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")
CONTENT_TYPE = r"^[\w.+-]+/[\w.+-]+(; ?[\w.+-]+=[\w.+-]+)*$"
_NAMED = re.compile(r"([^<>]*)<([^<>]+)>")


def check_address(text: str) -> str:
    """An address, with or without a name: `Ann Lee <ann@example.com>`.

    Raises:
        ValueError: it is none.
    """
    from email_validator import EmailNotValidError

    found = _NAMED.fullmatch(text.strip())
    name, bare = (found[1].strip(), found[2]) if found else ("", text.strip())
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    try:
        local_part, domain = _checked_parts(bare)
        return str(Address(check_line(name), local_part, domain))
    except (EmailNotValidError, ValueError) as error:
        message = f"{text!r:.100} is no e-mail address, such as ann@example.com or Ann <ann@example.com>: {error}"
        raise ValueError(message) from None


def _checked_parts(bare: str) -> tuple[str, str]:
    """Local part and domain. Names of a company's own network, which no public mail server knows, are domains too."""
    from email_validator import validate_email

    local_part, _, domain = bare.rpartition("@")
    asked = bare
    if domain.lower().rpartition(".")[2] in _LOCAL and _DOMAIN.fullmatch(domain):
        asked = f"{local_part}@example.com"
    checked = validate_email(asked, check_deliverability=False, globally_deliverable=False, allow_smtputf8=False)
    if asked != bare:
        return checked.local_part, domain.lower()
    return checked.local_part, checked.ascii_domain or checked.domain


def bare_address(text: str) -> str:
    """An address that was checked, without its name."""
    found = _NAMED.fullmatch(text)
    return found[2] if found else text


MailAddress = Annotated[str, Field(min_length=3, max_length=400), AfterValidator(check_address)]
Recipients = Annotated[list[MailAddress], Field(max_length=MAX_RECIPIENTS)]
Line = Annotated[str, AfterValidator(check_line)]


class Message(Params):
    """A mail without its attachments."""

    sender: MailAddress | None = Field(default=None, alias="from", description="Default: the integration's.")
    to: Recipients = Field(default_factory=list, description="E-mail addresses.")
    cc: Recipients = Field(default_factory=list, description="E-mail addresses that get a copy.")
    bcc: Recipients = Field(default_factory=list, description="E-mail addresses that get a hidden copy.")
    reply_to: MailAddress | None = Field(default=None, description="Where answers go.")
    subject: Line = Field(max_length=500, description="In one line.")
    text: str | None = Field(default=None, max_length=2_000_000, description="The message as plain text.")
    html: str | None = Field(default=None, max_length=2_000_000, description="The message as HTML.")

    @model_validator(mode="after")
    def _complete(self) -> Message:
        if not (self.to or self.cc or self.bcc):
            raise ValueError("a mail needs a recipient: give `to`, `cc` or `bcc`")
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
    """One file of a mail. One with a `content_id` is shown in the HTML, an invitation is another form of the mail."""

    name: str
    content: bytes
    content_type: str | None = None
    content_id: str | None = None

    @property
    def kind(self) -> tuple[str, str, dict[str, str]]:
        """Main type, subtype and parameters."""
        given = self.content_type or mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        kind, *parameters = given.split(";")
        main, _, sub = kind.strip().lower().partition("/")
        pairs = (one.strip().partition("=") for one in parameters)
        return main, sub, {name.lower(): value for name, _, value in pairs}

    @property
    def is_invitation(self) -> bool:
        """Whether mail programs are to ask for an answer to it."""
        main, sub, parameters = self.kind
        return (main, sub) == ("text", "calendar") and "method" in parameters


def composed(
    message: Message, sender: str, attachments: Sequence[Attachment], idempotency_key: str, clock: Clock
) -> EmailMessage:
    """The mail for the wire. Its Message-ID is the same on each attempt, so that a mailbox may know it again.

    Raises:
        NodeError: `mail_too_large`, or `config`: something cannot stand in a mail.
    """
    if sum(len(one.content) for one in attachments) > MAX_MAIL_BYTES:
        raise NodeError(f"the attachments have more than {MAX_MAIL_BYTES} bytes", code="mail_too_large")
    mail = EmailMessage(policy=EXACT)
    try:
        mail["From"] = address_header([sender])
        for name, values in (("To", message.to), ("Cc", message.cc)):
            if values:
                mail[name] = address_header(values)
        if message.reply_to:
            mail["Reply-To"] = address_header([message.reply_to])
        mail["Subject"] = text_header(message.subject)
        mail["Date"] = format_datetime(clock.now())
        domain = bare_address(sender).rpartition("@")[2]
        mail["Message-ID"] = f"<{sha256(idempotency_key.encode()).hexdigest()[:40]}@{domain}>"
        _add_texts(mail, message, [one for one in attachments if one.content_id])
        for one in attachments:
            if one.is_invitation:
                _add_invitation(mail, one)
        for one in attachments:
            if not one.is_invitation and not one.content_id:
                main, sub, parameters = one.kind
                mail.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name, params=parameters)
    except (ValueError, UnicodeError) as error:
        raise NodeError(f"config: the mail cannot be written: {error}", code="config") from None
    return mail


def _add_texts(mail: EmailMessage, message: Message, shown: Sequence[Attachment]) -> None:
    """As quoted-printable, which each server takes, and in which no line begins with `From `."""
    html = mail
    if message.text is not None:
        mail.set_content(message.text, cte="quoted-printable")
    if message.html is not None and message.text is None:
        mail.set_content(message.html, subtype="html", cte="quoted-printable")
    elif message.html is not None:
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
        html = mail.get_payload()[-1]  # type: ignore[index,assignment]
    for one in shown:
        main, sub, parameters = one.kind
        html.add_related(
            one.content,
            maintype=main,
            subtype=sub,
            params=parameters,
            cid=f"<{one.content_id}>",
            disposition="inline",
            filename=one.name,
        )


def _add_invitation(mail: EmailMessage, one: Attachment) -> None:
    _, sub, parameters = one.kind
    parameters.pop("charset", None)
    try:
        text = one.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NodeError(f"the calendar {one.name!r} is no UTF-8 text", code="config") from None
    mail.add_alternative(text, subtype=sub, params=parameters, cte="base64")


def wire_bytes(mail: EmailMessage) -> bytes:
    """The mail as it goes over the wire.

    Raises:
        NodeError: code `config`: its headers would not be read as they are meant.
    """
    raw = mail.as_bytes(policy=mail.policy)
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    written = [line.partition(":")[0] for line in head.split("\r\n") if not line.startswith((" ", "\t"))]
    if sorted(written) != sorted(mail.keys()) or not head.isascii():
        raise NodeError("config: the mail's headers cannot be written", code="config")
    return raw


def told(mail: EmailMessage, message: Message) -> dict[str, Any]:
    """What a node that sent it gives."""
    return {"message_id": str(mail["Message-ID"]), "recipients": message.recipients}
