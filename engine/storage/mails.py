"""Mails that a workspace sends to people: a row for each, written before anything is sent.

    MAIL#<workspace>  <mail id>  to, subject, text, link (encrypted), status, made, next_at, error, …

The stream of the table has a new row sent at once; recovery finds what was not sent. A row is kept for a week; its
link, which lets whoever has it do something, only until the mail is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from engine import limits
from engine.clock import format_time
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import ConditionFailed, Put, Table, is_live
from engine.storage.execution_record import CHECK, CheckKind, check

PARTITION = "MAIL#"
_KEPT = timedelta(days=7)


class MailStatus(StrEnum):
    """The status of a mail; it is pending as long as there is a next attempt."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of a workspace to one address. `link` is encrypted, and stands in the text where `LINK` does."""

    id: str
    workspace_id: str
    to: str
    subject: str
    text: str
    created_at: str
    link: bytes | None = None
    status: MailStatus = MailStatus.PENDING
    made: int = 0
    """The number of attempts."""
    next_at: str | None = None
    error: str | None = None
    message_id: str | None = None


LINK = "{{link}}"


class MailRepository:
    """Reads and writes the rows."""

    def __init__(self, table: Table) -> None:
        self._table = table

    @staticmethod
    def entry(mail: Mail, at: datetime) -> Put:
        """Return the write of a new mail, alone or in a transaction; one with the same id stays what it is."""
        due = at + timedelta(seconds=limits.OUTGOING_LEASE)  # the stream comes before that
        item = {
            **{name: getattr(mail, name) for name in Mail.__dataclass_fields__ if name not in ("id", "workspace_id")},
            "PK": f"{PARTITION}{mail.workspace_id}",
            "SK": mail.id,
            "expires_at": int((at + _KEPT).timestamp()),
            **_check(mail, due),
        }
        return Put(item, if_absent=True)

    def queue(self, mail: Mail, at: datetime) -> bool:
        """Store a new mail; return False if it was stored before."""
        put = self.entry(mail, at)
        try:
            self._table.put(put.item, if_absent=True)
        except ConditionFailed:
            return False
        return True

    def find(self, workspace_id: str, mail_id: str, now: datetime) -> Mail | None:
        """Return a mail; None if none is stored or it has expired."""
        item = self._table.get(f"{PARTITION}{workspace_id}", mail_id)
        return _mail(item) if item and is_live(item, now) else None

    def lease(self, mail: Mail, now: datetime) -> bool:
        """Lease a mail to make an attempt; return False if another process has leased it or made the attempt.

        If the process dies after this, the mail is found again when the lease expires.
        """
        until = now + timedelta(seconds=limits.OUTGOING_LEASE)
        condition = "#status = :pending AND #made = :made AND (attribute_not_exists(#leased) OR #leased <= :now)"
        return self._try(
            mail,
            {"leased": format_time(until), **_check(mail, until)},
            (),
            condition,
            {"pending": MailStatus.PENDING, "made": mail.made, "now": format_time(now)},
        )

    def sent(self, mail: Mail, message_id: str) -> None:
        """Record that a mail was taken by the server."""
        changes = {"status": MailStatus.SENT, "made": mail.made + 1, "message_id": message_id}
        self._try(mail, changes, ("leased", "next_at", "link", "error", *CHECK), *_is_this_attempt(mail))

    def failed(self, mail: Mail, error: str, next_at: datetime | None) -> None:
        """Record a failed attempt, and when the next one is; None if there is none."""
        changes: dict[str, Any] = {"made": mail.made + 1, "error": error}
        if next_at is None:
            changes["status"] = MailStatus.FAILED
            self._try(mail, changes, ("leased", "next_at", "link", *CHECK), *_is_this_attempt(mail))
        else:
            changes |= {"next_at": format_time(next_at), **_check(mail, next_at)}
            self._try(mail, changes, ("leased",), *_is_this_attempt(mail))

    def _try(
        self, mail: Mail, changes: dict[str, Any], remove: tuple[str, ...], condition: str, values: dict[str, Any]
    ) -> bool:
        key = f"{PARTITION}{mail.workspace_id}", mail.id
        try:
            self._table.update(*key, changes, remove=remove, condition=condition, values=values)
        except ConditionFailed:
            return False  # the lease expired, and another process has made this attempt
        return True


def _is_this_attempt(mail: Mail) -> tuple[str, dict[str, Any]]:
    return "#made = :made", {"made": mail.made}


def _check(mail: Mail, at: datetime) -> dict[str, str]:
    return check(f"{mail.workspace_id}{mail.id}", at, CheckKind.DELIVERY)


def _mail(item: Item) -> Mail:
    known: dict[str, Any] = {name: item[name] for name in Mail.__dataclass_fields__ if name in item}
    known |= {"id": item["SK"], "workspace_id": item["PK"].removeprefix(PARTITION)}
    known["status"] = MailStatus(item["status"])
    return Mail(**known)
