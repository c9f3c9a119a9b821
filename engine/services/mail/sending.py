"""Sends recorded mails: at least once, retried for about a day, by the workspace's integration or by Amazon SES."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import MainspringError, NodeError
from engine.integrations.mail import Message, bare_address, check_address, composed, wire_bytes
from engine.integrations.opener import Opener
from engine.security.connection_errors import reason_of
from engine.security.redaction import PROCESS, Redactor
from engine.security.secrets import SecretBox, mail_context
from engine.storage.mails import LINK, Mail, MailStatus
from engine.storage.repositories import Repositories

logger = logging.getLogger(__name__)
_FINAL = frozenset({"mail_refused", "mail_too_large", "config"})
"""Errors that no further attempt changes, unless the server says that it is for now."""
_SES_FINAL = frozenset({"MessageRejected", "BadRequestException"})


class NoSender(NodeError):
    """The workspace has no way to send mail."""


class MailSender:
    """Makes attempts. Of concurrent callers with the same mail, one makes each attempt.

    Args:
        repositories: where the rows and the settings are.
        box: decrypts links.
        opener: opens integrations.
        ses: gives the client of SES.
        sender: the deployment's own sender, an address with or without a name; empty if it has none.
        clock: returns the time.
    """

    def __init__(
        self,
        repositories: Repositories,
        box: SecretBox,
        opener: Callable[[], Opener],
        ses: Callable[[], Any],
        sender: str,
        clock: Clock,
    ) -> None:
        self._mails = repositories.mails
        self._settings = repositories.workspace_settings
        self._box = box
        self._opener = opener
        self._ses = ses
        self._sender = sender
        self._clock = clock

    async def send(self, mails: Sequence[tuple[str, str]]) -> None:
        """Make an attempt for each of these mails that is due, given by workspace and id."""
        await asyncio.gather(*(self._attempt(*mail) for mail in mails))

    async def _attempt(self, workspace_id: str, mail_id: str) -> None:
        try:
            now = self._clock.now()
            mail = await asyncio.to_thread(self._mails.find, workspace_id, mail_id, now)
            if mail is None or mail.status is not MailStatus.PENDING or (mail.next_at or "") > format_time(now):
                return
            if await asyncio.to_thread(self._mails.lease, mail, now):
                await self._send(mail)
        except Exception:
            logger.exception("mail %s is left to recovery", mail_id)

    async def _send(self, mail: Mail) -> None:
        redactor = Redactor()
        is_final = False
        try:
            async with asyncio.timeout(limits.MAIL_SECONDS):
                message_id = await self._deliver(mail, redactor)
        except TimeoutError:
            error = f"the mail server did not take it within {limits.MAIL_SECONDS:g} seconds"
        except NodeError as refused:
            error, is_final = refused.message, refused.code in _FINAL and not refused.retryable
        except MainspringError as failure:
            error = failure.message
        except OSError as failure:
            error = reason_of(failure)
        else:
            await asyncio.to_thread(self._mails.sent, mail, message_id)
            return
        has_next = not is_final and mail.made < len(limits.OUTGOING_BACKOFF)
        pause = timedelta(seconds=limits.OUTGOING_BACKOFF[mail.made]) if has_next else None
        shown = redactor.shown(error, limits.OUTGOING_ANSWER_CHARACTERS)
        logger.warning("mail %s was not sent: %s", mail.id, shown)
        await asyncio.to_thread(self._mails.failed, mail, shown, self._clock.now() + pause if pause else None)

    async def _deliver(self, mail: Mail, redactor: Redactor) -> str:
        """Send it; return its Message-ID."""
        text = mail.text
        if mail.link is not None:
            context = mail_context(mail.workspace_id, mail.id)
            link = await asyncio.to_thread(self._box.open, bytes(mail.link), context)
            PROCESS.add(link)
            redactor.add(link)
            text = text.replace(LINK, link)
        try:
            message = Message(to=[check_address(mail.to)], subject=mail.subject, text=text)
        except ValueError as error:
            raise NodeError(str(error), code="config") from None
        settings = await asyncio.to_thread(self._settings.get, mail.workspace_id)
        if settings.mail_integration is not None:
            return await self._by_integration(mail, message, settings.mail_integration, redactor)
        if self._sender:
            return await asyncio.to_thread(self._by_ses, mail, message)
        raise NoSender("the workspace has no way to send mail: choose its `mail_integration`", code="no_integration")

    async def _by_integration(self, mail: Mail, message: Message, named: str, redactor: Redactor) -> str:
        from engine.integrations.smtp import Smtp

        _, opened = await self._opener().open(mail.workspace_id, named, redactor, f"mail/{mail.id}")
        if not isinstance(opened, Smtp):
            raise NodeError("the workspace's `mail_integration` sends no mail", code="no_integration")
        done = await opened.deliver(message, [])
        return str(done["message_id"])

    def _by_ses(self, mail: Mail, message: Message) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        raw = wire_bytes(composed(message, check_address(self._sender), [], f"mail/{mail.id}", self._clock))
        try:
            answer = self._ses().send_email(
                FromEmailAddress=bare_address(self._sender),
                Destination={"ToAddresses": message.recipients},
                Content={"Raw": {"Data": raw}},
            )
        except ClientError as error:
            told = error.response["Error"]
            raise NodeError(
                f"Amazon SES refused: {told.get('Message', '')}",
                code="mail_refused",
                retryable=told["Code"] not in _SES_FINAL,
            ) from None
        except BotoCoreError as error:
            raise NodeError(f"Amazon SES did not answer: {error}", code="connection_failed", retryable=True) from None
        return str(answer["MessageId"])
