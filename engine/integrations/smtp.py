"""A mail server, through the standard library's client, over a connection to a checked address."""

from __future__ import annotations

import base64
import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from engine import limits
from engine.clock import SystemClock
from engine.errors import NodeError
from engine.integrations.base import BaseIntegration, IntegrationConfig, action
from engine.integrations.blocking_connections import Conversation, converse
from engine.integrations.database import CONNECT_SECONDS
from engine.integrations.mail import Attachment, MailAddress, Message, bare_address, composed, told, wire_bytes
from engine.security.connection_errors import reason_of
from engine.security.hosts import Binding
from engine.security.redaction import PROCESS
from engine.security.tls import CaCertificate, tls_context

_PATIENCE = 30
_TRIAL_SECONDS = 20
_OWN_CA = "name a CA of your own with `ca_certificate`"
_SIGNED_IN = 235
_PORTS = {"starttls": 587, "tls": 465, "off": 25}


class SmtpConfig(IntegrationConfig):
    """Address and credentials of the server."""

    host: str = Field(
        max_length=253,
        pattern=r"^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$",
        description="Name or address of the mail server.",
    )
    security: Literal["starttls", "tls", "off"] = Field(
        default="starttls", description="`off` sends everything unencrypted, including the password."
    )
    port: int | None = Field(default=None, ge=1, le=65_535, description="Default: 587, 465 for `tls`, 25 for `off`.")
    username: str | None = Field(default=None, max_length=300, description="User name, if the server requires one.")
    password: SecretStr | None = Field(
        default=None, max_length=3_000, description="The password. Kept encrypted; it cannot be read again."
    )
    from_address: MailAddress = Field(description="Default sender of mails.")
    ca_certificate: CaCertificate | None = Field(
        default=None, description="CA of the server's certificate, as PEM. Default: public CAs."
    )

    @model_validator(mode="after")
    def _both(self) -> SmtpConfig:
        if (self.username is None) != (self.password is None):
            raise ValueError("give `username` and `password`, or neither")
        return self


class _GuardedSmtp(smtplib.SMTP):
    """Connects to checked addresses, within a conversation; the name stays for the certificate."""

    addresses: Sequence[str] = ()
    conversation: Conversation

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del host, timeout
        return self.conversation.connect(self.addresses, port)


class Smtp(BaseIntegration):
    """A mail server (SMTP)."""

    Config = SmtpConfig
    title: ClassVar[str] = "Mail server (SMTP)"
    group: ClassVar[str] = "Messages"
    icon: ClassVar[str] = "mail"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "host": "smtp.shop.example",
            "username": "reports",
            "password": "…",
            "from_address": "Reports <reports@shop.example>",
        },
    )

    @classmethod
    def binding(cls, config: Any) -> Binding:
        """The one server."""
        server = f"{config.host.lower()}:{_port(config)}"
        return Binding((server,), plain_http=config.security == "off", trust=config.ca_certificate or "")

    @action(title="Send a mail", effect="write")
    async def send(self, params: Message) -> dict[str, Any]:
        """Send a mail without attachments; gives `{message_id, recipients}`."""
        return await self.deliver(params, [])

    async def deliver(self, message: Message, attachments: Sequence[Attachment]) -> dict[str, Any]:
        """Send a mail.

        Raises:
            NodeError: `connection_failed`, `credentials_refused`, `mail_refused`, `mail_too_large`, `egress_refused`.
        """
        sender = message.sender or self.config.from_address
        mail = composed(message, sender, attachments, self.runtime.idempotency_key, SystemClock())
        raw = wire_bytes(mail)
        addresses = await self._addresses()

        def work(conversation: Conversation) -> list[str]:
            server = self._signed_in(addresses, conversation)
            try:
                return sorted(server.sendmail(bare_address(sender), message.recipients, raw))
            finally:
                _quit(server)

        refused: list[str] = await _conversed(work, limits.MAX_NODE_TIMEOUT)
        return {**told(mail, message), **({"refused": refused} if refused else {})}

    async def test(self) -> str:
        """Signs in, and sends nothing."""
        addresses = await self._addresses()

        def work(conversation: Conversation) -> str:
            server = self._signed_in(addresses, conversation)
            try:
                said = PROCESS.shown(server.noop()[1].decode(errors="replace"), 100)
                return f"signed in; the server says {said!r}"
            finally:
                _quit(server)

        said: str = await _conversed(work, _TRIAL_SECONDS)
        return said

    async def _addresses(self) -> Sequence[str]:
        try:
            return await self.runtime.addresses(self.config.host, _port(self.config))
        except OSError as error:
            raise NodeError(str(error), code="connection_failed", retryable=True) from None

    def _signed_in(self, addresses: Sequence[str], conversation: Conversation) -> smtplib.SMTP:
        config = self.config
        port = _port(config)
        context = tls_context(config.ca_certificate) if config.security != "off" else None
        server = (_tls_class(context) if config.security == "tls" and context else _GuardedSmtp)(
            timeout=CONNECT_SECONDS
        )
        server.addresses, server.conversation = addresses, conversation
        try:
            server._host = config.host  # type: ignore[attr-defined]  # noqa: SLF001 - the name that `starttls` checks
            server.connect(config.host, port)
            if server.sock is not None:
                server.sock.settimeout(_PATIENCE)
            if config.security == "starttls":
                server.starttls(context=context)
            if config.username is not None and config.password is not None:
                _sign_in(server, config.username, config.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


def _quit(server: smtplib.SMTP) -> None:
    """End the session; its answer does not matter any more, as the server has taken the mail or has said why not.

    It is not waited for long: else a mail that was accepted could count as one that was not.
    """
    with contextlib.suppress(smtplib.SMTPException, OSError):
        server.putcmd("quit")
        if server.sock is not None:
            server.sock.settimeout(1)
            server.sock.recv(256)
    server.close()


def _sign_in(server: smtplib.SMTP, username: str, password: str) -> None:
    """By what the server offers; what is not ASCII goes as UTF-8, as RFC 4616 has it and the library has not."""
    if username.isascii() and password.isascii():
        server.login(username, password)
        return
    server.ehlo_or_helo_if_needed()
    token = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
    status, said = server.docmd("AUTH", f"PLAIN {token}")
    if status != _SIGNED_IN:
        raise smtplib.SMTPAuthenticationError(status, said)


def _tls_class(context: ssl.SSLContext) -> type[_GuardedSmtp]:
    class _Tls(_GuardedSmtp):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            return context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)

    return _Tls


def _port(config: SmtpConfig) -> int:
    return config.port or _PORTS[config.security]


async def _conversed(work: Callable[[Conversation], Any], seconds: float) -> Any:
    return await converse(
        lambda conversation: _translate_smtp_errors(work, conversation), seconds, limits.MAIL_CONVERSATION_BYTES
    )


def _translate_smtp_errors(work: Callable[[Conversation], Any], conversation: Conversation) -> Any:
    """Do it, with what the server says as our own errors."""
    try:
        return work(conversation)
    except smtplib.SMTPAuthenticationError as error:
        raise _refused(error.smtp_code, error.smtp_error, "credentials_refused") from None
    except smtplib.SMTPRecipientsRefused as error:
        address, (number, said) = next(iter(error.recipients.items()))
        raise _refused(number, said, "mail_refused", f"{address}: ") from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error, "mail_refused") from None
    except smtplib.SMTPNotSupportedError as error:
        message = f"the mail server cannot do that: {error}"
        if "STARTTLS" in str(error):
            message += "; set `security` of the integration to `tls` (port 465), or to `off` in a network of your own"
        raise NodeError(message, code="mail_refused") from None
    except ssl.SSLCertVerificationError as error:
        message = f"the mail server's certificate is not accepted: {error.verify_message}; {_OWN_CA}"
        raise NodeError(message, code="connection_failed") from None
    except (smtplib.SMTPException, OSError) as error:
        message = f"the mail server did not answer: {reason_of(error)}"
        if isinstance(error, ssl.SSLError):
            message += "; does it speak TLS from the beginning? Else set `security` of the integration to `starttls`"
        raise NodeError(message, code="connection_failed", retryable=True) from None


def _refused(number: int, said: bytes | str, code: str, before: str = "") -> NodeError:
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return NodeError(
        PROCESS.shown(f"the mail server refused: {before}{number} {text}", 1_000),
        code=code,
        details={"status": number},
        retryable=400 <= number < 500,  # noqa: PLR2004 - SMTP: transient
    )
