"""Answers to approvals by the links of mails: looking decides nothing, since mail scanners follow links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from engine.clock import Clock
from engine.errors import Forbidden, NotFound
from engine.history.approval_terms import ApprovalTerms
from engine.history.events import History, PendingSignal, signal_key, wait_key
from engine.history.model import Execution
from engine.schemas.executions import SignalBody
from engine.services.executions.approval_answers import Proof, check_may_answer
from engine.services.executions.approval_links import Link, execution_of, read_link_token
from engine.services.executions.node_history import ref_of_node
from engine.services.executions.signals import Given, SignalService
from engine.services.people import People
from engine.services.principal import Principal
from engine.storage.approvals import Approval
from engine.storage.repositories import Repositories

LinkState = Literal["open", "answered", "decided", "late", "over"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link asks. `answered` is by whoever has the link; it is `over` when nobody waits any more."""

    link: Link
    execution: Execution
    wait: PendingSignal
    terms: ApprovalTerms
    state: LinkState
    approved: int
    """How many have approved."""
    decision: Literal["approved", "rejected"] | None


class LinkAnswers:
    """Shows what links ask, and takes answers by them.

    Args:
        repositories: where executions and approvals are.
        signals: records answers.
        people: knows whose an address is.
        clock: returns the time.
    """

    def __init__(self, repositories: Repositories, signals: SignalService, people: People, clock: Clock) -> None:
        self._executions = repositories.executions
        self._histories = repositories.histories
        self._approvals = repositories.approvals
        self._signals = signals
        self._people = people
        self._clock = clock

    def show(self, token: str) -> Asked:
        """Return what a link asks, and change nothing.

        Raises:
            NotFound: there is no such link, or whoever it was for may not answer any more.
        """
        link, execution = self._read(token)
        ref = ref_of_node(self._histories, execution.id, link.path)
        keys = [wait_key(link.path, link.attempt), signal_key(link.path, link.attempt)]
        history = History.of(self._histories.get(ref, keys))
        wait = history.waits.get(link.path)
        if wait is None:
            raise _unknown()
        wait = replace(wait, output=self._histories.load(wait.output))
        terms = ApprovalTerms.of(wait.output)
        self._check(link, execution, terms, wait)
        signal = history.signals.get(wait.signal_key)
        row = self._approvals.row(execution.workspace_id, ref, wait) if signal is None else None
        decision = (signal.output or {}).get("decision") if signal and not signal.status.is_by_driver else None
        state = self._state(link, execution, wait, row, is_decided=decision is not None)
        approved = len(row.answers) if row else 0
        return Asked(link, execution, wait, terms, state, approved, decision)

    def answer(self, token: str, body: SignalBody) -> Given:
        """Take an answer by a link.

        Raises:
            NotFound: there is no such link, or whoever it was for may not answer any more.
            InvalidInput, Conflict, TooLarge: see `SignalService.answer`.
        """
        link, execution = self._read(token)
        principal = self._principal(link, execution)
        meant = body.model_copy(update={"attempt": link.attempt})
        try:
            return self._signals.answer(principal, execution.id, link.path, meant, Proof.LINK)
        except Forbidden:
            raise _unknown() from None

    def _state(
        self,
        link: Link,
        execution: Execution,
        wait: PendingSignal,
        row: Approval | None,
        *,
        is_decided: bool,
    ) -> LinkState:
        if is_decided:
            return "decided"
        if wait.deadline is not None and wait.deadline <= self._clock.now():
            return "late"
        if execution.status.is_final or row is None or not self._approvals.is_open(row):
            return "over"
        return "answered" if row.has_answered(link.address) else "open"

    def _read(self, token: str) -> tuple[Link, Execution]:
        execution_id = execution_of(token)
        found = self._executions.find(execution_id) if execution_id else None
        link = read_link_token(found.execution.secret, token) if found else None
        if found is None or link is None:
            raise _unknown()
        return link, found.execution

    def _check(self, link: Link, execution: Execution, terms: ApprovalTerms, wait: PendingSignal) -> None:
        """Refuse a link whose address may not answer any more, such as that of a member who was removed."""
        principal, now = self._principal(link, execution), self._clock.now()
        try:
            check_may_answer(terms, principal, wait.started_at, now, execution.triggered_by)
        except Forbidden:
            raise _unknown() from None

    def _principal(self, link: Link, execution: Execution) -> Principal:
        principal = self._people.principal(execution.workspace_id, link.address)
        if principal is None:
            raise _unknown()
        return principal


def _unknown() -> NotFound:
    return NotFound("this link is good for nothing, or is not any more")
