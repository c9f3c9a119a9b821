"""What an approval asks, of whom, and who may answer it when: a function of what its pending signal records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from engine import limits


@dataclass(frozen=True, slots=True)
class Step:
    """A mail that is due at a time: `asked`, `reminder` with its number, or `escalated`."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class ApprovalTerms:
    """The terms of one approval, as the node's config has them.

    One rejection rejects. Otherwise it is approved once `needs` people have approved it.
    """

    message: str
    approvers: tuple[str, ...] = ()
    needs: int = 1
    not_the_starter: bool = False
    mail: bool = False
    remind_after: float | None = None
    escalate_to: tuple[str, ...] = ()
    escalate_after: float | None = None
    form: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, output: Mapping[str, Any]) -> ApprovalTerms:
        """Read what a pending signal records."""
        known = {one.name: output[one.name] for one in fields(cls) if one.name in output}
        for name in ("approvers", "escalate_to"):
            known[name] = tuple(known.get(name) or ())
        return cls(**known)

    def recorded(self) -> dict[str, Any]:
        """Return what a pending signal records: what is as by default only where it always was."""
        told: dict[str, Any] = {"message": self.message, "approvers": list(self.approvers)}
        return told | self.options()

    def options(self) -> dict[str, Any]:
        """Return what differs from the defaults, besides the message and the approvers."""
        found = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name not in ("message", "approvers") and getattr(self, one.name) != one.default
        }
        return found | ({"escalate_to": list(self.escalate_to)} if self.escalate_to else {})

    def approvers_at(self, asked_at: datetime, now: datetime) -> tuple[str, ...]:
        """Return who may answer at a time; none: everybody whose role lets them answer."""
        if self.approvers and self.escalates_at(asked_at) <= now:
            return (*self.approvers, *self.escalate_to)
        return self.approvers

    def escalates_at(self, asked_at: datetime) -> datetime:
        """Return when others are asked, too; the end of time if never."""
        if self.escalate_after is None:
            return datetime.max.replace(tzinfo=asked_at.tzinfo)
        return asked_at + timedelta(seconds=self.escalate_after)

    def steps(self, asked_at: datetime, deadline: datetime) -> list[Step]:
        """Return the mails of the approval in order."""
        if not self.mail:
            return []
        found = [Step(asked_at, "asked")]
        if self.escalate_after is not None:
            found.append(Step(self.escalates_at(asked_at), "escalated"))
        if self.remind_after is not None:
            pause = timedelta(seconds=self.remind_after)
            found += [Step(asked_at + n * pause, f"reminder {n}") for n in range(1, limits.MAX_REMINDERS + 1)]
        return sorted((one for one in found if one.at < deadline), key=lambda one: one.at)


def voter(user_id: str, email: str) -> str:
    """Return the one name of a person who answers, however they prove who they are."""
    return email.strip().lower() or user_id
