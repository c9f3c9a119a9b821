"""Mails of approvals: the question, reminders, and the question to others once nobody has answered for long.

Which mails are due is a function of the approval's terms and the time, and the id of each follows from them. So this
may be called late, twice, or again after a crash: each mail is recorded once.
"""

from __future__ import annotations

import logging
from datetime import datetime

from engine.clock import Clock, format_time, parse_time
from engine.history.approval_terms import Step
from engine.ids import derived_id
from engine.services.executions.approval_links import Link, answer_url
from engine.services.mail.outbox import Outbox
from engine.services.people import People
from engine.storage.approvals import Approval
from engine.storage.mails import LINK, PARTITION
from engine.storage.repositories import Repositories

logger = logging.getLogger(__name__)
_MOST_RECIPIENTS = 100
_SUBJECT_CHARACTERS = 120
_BEGINNINGS = {
    "asked": "Please decide",
    "reminder": "Reminder",
    "escalated": "Please decide, as nobody has so far",
}
"""How the subject of a mail begins, by its step."""


class ApprovalNotices:
    """Records the mails of approvals.

    Args:
        repositories: where approvals and executions are.
        outbox: records mails.
        people: knows the members of workspaces.
        api_url: the address of the API and the console.
        clock: returns the time.
    """

    def __init__(self, repositories: Repositories, outbox: Outbox, people: People, api_url: str, clock: Clock) -> None:
        self._approvals = repositories.approvals
        self._executions = repositories.executions
        self._outbox = outbox
        self._people = people
        self._api_url = api_url
        self._clock = clock

    def tell(self, workspace_id: str, sort_key: str) -> list[tuple[str, str]]:
        """Record the mails of an approval that are due; return the keys of those that were not recorded before."""
        now = self._clock.now()
        approval = self._approvals.waiting(workspace_id, sort_key)
        if approval is None:
            return []
        since = parse_time(approval.told_until) if approval.told_until else None
        if approval.deadline <= now or not self._approvals.is_open(approval):
            self._approvals.told(approval, since or approval.asked_at, None)  # or recovery would look at it again
            return []
        steps = approval.terms.steps(approval.asked_at, approval.deadline)
        due = [one for one in steps if one.at <= now and (since is None or one.at > since)]
        mails = self._record(approval, due, now) if due else []
        later = [one.at for one in steps if one.at > now]
        self._approvals.told(approval, due[-1].at if due else since or approval.asked_at, min(later, default=None))
        return mails

    def _record(self, approval: Approval, due: list[Step], now: datetime) -> list[tuple[str, str]]:
        """Record one mail for each person, however many steps are due."""
        found = self._executions.find(approval.execution_id)
        if found is None:
            return []
        execution, terms = found.execution, approval.terms
        step = due[-1]
        # Only a first or late question is for all; an escalation is for the others, who have not been asked yet.
        is_only_escalation = [one.name for one in due] == ["escalated"]
        asked = terms.escalate_to if is_only_escalation else terms.approvers_at(approval.asked_at, now)
        starter = self._people.address_of(approval.starter)
        recorded = []
        for address in self._people.addresses(approval.workspace_id, asked)[:_MOST_RECIPIENTS]:
            if approval.has_answered(address) or address == starter:
                continue
            mail_id = derived_id(step.at, approval.id, step.name, address)
            link = Link(approval.execution_id, approval.path, approval.attempt, address)
            subject, text = _written(approval, step)
            url = answer_url(self._api_url, execution.secret, link)
            if self._outbox.send(approval.workspace_id, mail_id, address, subject, text, url):
                recorded.append((f"{PARTITION}{approval.workspace_id}", mail_id))
        return recorded


def _written(approval: Approval, step: Step) -> tuple[str, str]:
    """Return the subject and the text of a mail."""
    question = " ".join(approval.terms.message.split())
    short = question if len(question) <= _SUBJECT_CHARACTERS else f"{question[:_SUBJECT_CHARACTERS]}…"
    begin = _BEGINNINGS[step.name.partition(" ")[0]]
    needs = f"{approval.terms.needs} people have to approve it.\n" if approval.terms.needs > 1 else ""
    test = "This is a test run.\n" if approval.is_test else ""
    message = approval.terms.message.replace("{{", "{\u200b{")  # what is asked holds no place for a link
    text = (
        f"{approval.workflow_name or 'A workflow'} asks:\n\n{message}\n\n"
        f"Decide here: {LINK}\n\n"
        f"The link is for you alone. It is good once, until {_readable(approval.deadline)}.\n{needs}{test}"
    )
    return f"{begin}: {short}", text


def _readable(moment: datetime) -> str:
    return f"{format_time(moment)[:16].replace('T', ' ')} UTC"
