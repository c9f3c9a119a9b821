"""Signals from outside: approvals by people, callbacks by other systems. Only the first answer counts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, InvalidInput, NotFound, TooLarge
from engine.execution.callbacks import read_token
from engine.history.approval_terms import ApprovalTerms
from engine.history.events import (
    History,
    PendingSignal,
    Signal,
    SignalStatus,
    WaitKind,
    loops_around,
    signal_key,
)
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution
from engine.json_value import dumps
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.executions import SignalBody
from engine.security.permissions import Permission
from engine.services.executions.approval_answers import (
    Proof,
    answer_of,
    answered_by_you,
    as_one_of_several,
    check_may_answer,
    check_values,
)
from engine.services.executions.finalization import Finalization
from engine.services.executions.node_history import ref_of_node
from engine.services.principal import Principal
from engine.storage.approvals import Approval, Asker
from engine.storage.dynamodb.table import ConditionFailed, Put
from engine.storage.repositories import Repositories
from engine.workflow.compiled import find_node, prepare_once
from engine.workflow.definition import NodeDefinition, WorkflowDefinition

logger = logging.getLogger(__name__)
_WHOLE = 2
"""Index of the condition on the whole execution when a node in a map batch is answered."""
_TRIES = 25
"""Of an answer while others answer at the same moment; each try that fails is another's success."""
_ANSWERABLE = {"approval": WaitKind.APPROVAL, "wait_for_callback": WaitKind.CALLBACK}


class _Outrun(Exception):
    """Somebody else has answered since the answers were read."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was taken, and whether it decides: where several people have to approve, only the last does."""

    path: str
    attempt: int
    at: datetime
    is_decided: bool = True

    @classmethod
    def of(cls, signal: Signal) -> Given:
        """Return it for a signal that was recorded."""
        return cls(signal.path, signal.attempt, signal.at)


@dataclass(frozen=True, slots=True)
class _Place:
    """The target of a signal: `ref` is the execution, or the map batch, whose history has the node."""

    ref: ExecutionRef
    path: str
    node: NodeDefinition
    history: History

    @property
    def wait(self) -> PendingSignal | None:
        """The latest pending signal of the node."""
        return self.history.waits.get(self.path)


class SignalService:
    """Records signals."""

    def __init__(self, repositories: Repositories, finalization: Finalization, clock: Clock) -> None:
        self._executions = repositories.executions
        self._histories = repositories.histories
        self._approvals = repositories.approvals
        self._workflows = repositories.workflows
        self._finalization = finalization
        self._clock = clock
        self._factory = NodeExecutorFactory()

    def answer(
        self, principal: Principal, execution_id: str, path: str, body: SignalBody, proof: Proof | None = None
    ) -> Given:
        """Answer the node at a path. Without a proof it is that of who calls: a session, or a key.

        Raises:
            NotFound: the execution or node does not exist.
            InvalidInput: the answer does not suit this kind of node.
            Forbidden: the caller is not among the people who may answer.
            Conflict: the node does not wait, was answered before, or its deadline has passed.
            TooLarge: the body exceeds the bound.
        """
        execution = self._executions.get(principal.workspace_id, execution_id, payloads=False)
        place = self._place(execution, path)
        kind = _ANSWERABLE.get(place.node.type)
        if kind is WaitKind.APPROVAL:
            return self._decide(principal, execution, place, body, proof or Proof.of(principal))
        if kind is not WaitKind.CALLBACK:
            raise InvalidInput.at("node", f"`{path}` is a `{place.node.type}` node, which waits for no answer")
        principal.require(Permission.ANSWER)
        output = {"body": body.body, "at": format_time(self._clock.now())}
        return Given.of(self._write(execution, place, body.attempt, principal.user_id, output))

    def call_back(self, execution_id: str, token: str, body: Any) -> Given:
        """Record the call of a callback's URL.

        Raises:
            NotFound: the URL is no callback of the platform.
            Conflict: the callback was used, or its deadline has passed and no other attempt waits.
            TooLarge: the body exceeds the bound.
        """
        found = self._executions.find(execution_id)
        path = read_token(execution_id, found.execution.secret, token) if found else None
        if found is None or path is None:
            raise NotFound("there is nothing at this address")
        place = self._place(found.execution, path)
        output = {"body": body, "at": format_time(self._clock.now())}
        return Given.of(self._write(found.execution, place, None, None, output))

    def _decide(
        self, principal: Principal, execution: Execution, place: _Place, body: SignalBody, proof: Proof
    ) -> Given:
        """Record an answer to an approval, which decides alone or together with those before it."""
        if place.wait is None:
            if execution.status.is_final:
                raise _over(execution)
            raise Conflict(f"`{place.path}` does not wait for an answer yet", code="not_waiting")
        wait = replace(place.wait, output=self._histories.load(place.wait.output))
        terms = ApprovalTerms.of(wait.output)
        check_may_answer(terms, principal, wait.started_at, self._clock.now(), execution.triggered_by)
        if body.decision is None:
            raise InvalidInput.at("decision", "give `approved` or `rejected`")
        check_values(terms, body)
        answer = answer_of(terms, principal, body, proof, self._clock.now())
        if terms.needs > 1:
            return self._decide_together(principal, execution, place, wait, terms, answer, body.attempt)
        also: Sequence[Put | dict[str, Any]] = ()
        if body.attempt in (None, wait.attempt):  # else it is refused
            also = self._decided(execution, place.ref, wait, answer, principal)
        return Given.of(self._write(execution, place, body.attempt, answer["by"], answer, also))

    def _decide_together(
        self,
        principal: Principal,
        execution: Execution,
        place: _Place,
        wait: PendingSignal,
        terms: ApprovalTerms,
        answer: dict[str, Any],
        attempt: int | None,
    ) -> Given:
        """Record one of several answers. Of concurrent ones each sees those before it: the last that is needed decides.

        The row of the approval has the answers. It is changed on the condition that no other answer came meanwhile, and
        in one transaction with the signal, or with the check that there is none.
        """
        kept = as_one_of_several(answer, principal)
        for _ in range(_TRIES):
            meant = self._meant(execution, place, attempt)
            row = self._approvals.row(execution.workspace_id, place.ref, wait)
            if row is None:
                raise _given_up(place.path)
            if row.has_answered(kept["voter"]):
                raise answered_by_you(place.path)
            answers = [*row.answers, kept]
            try:
                if answer["decision"] == "approved" and len(answers) < terms.needs:
                    self._approvals.add_answer(row, kept)
                    return Given(place.path, meant, self._clock.now(), is_decided=False)
                whole = {**answer, "answers": answers}
                also = self._decided(execution, place.ref, wait, whole, principal, row)
                return Given.of(self._write(execution, place, attempt, answer["by"], whole, also))
            except _Outrun:
                place = self._place(execution, place.path)
            except ConditionFailed as failed:
                if failed.index:
                    raise _given_up(place.path) from None
                place = self._place(execution, place.path)
        raise Conflict("others answer at the same moment; try again", code="changed_meanwhile")

    def _decided(
        self,
        execution: Execution,
        ref: ExecutionRef,
        wait: PendingSignal,
        answer: dict[str, Any],
        principal: Principal,
        before: Approval | None = None,
    ) -> Sequence[Put | dict[str, Any]]:
        """Return the transaction entries that update the workspace's approvals for the answer."""
        now, asker = self._clock.now(), Asker.of(execution)
        return self._approvals.decided(asker, ref, wait, answer, principal.email, now, before)

    def _place(self, execution: Execution, path: str) -> _Place:
        stored = self._workflows.get_version(execution.workflow_id, execution.workflow_version)
        block = prepare_once(WorkflowDefinition.model_validate(stored.definition), self._factory)
        node = find_node(block, path)
        if node is None:
            raise NotFound(f"the workflow has no node `{path[:200]}`")
        ref = ref_of_node(self._histories, execution.id, path)
        attempts = range(1, (node.retry.max_attempts if node.retry else 1) + 1)
        keys = [
            path,
            *loops_around(path),
            *(f"{path}#{kind}#{n:04d}" for n in attempts for kind in ("WAIT", "SIGNAL", "TIMER")),
        ]
        return _Place(ref, path, node, History.of(self._histories.get(ref, keys)))

    def _write(
        self,
        execution: Execution,
        place: _Place,
        attempt: int | None,
        answered_by: str | None,
        output: Any,
        also: Sequence[Put | dict[str, Any]] = (),
    ) -> Signal:
        if len(dumps(output).encode()) > limits.MAX_SIGNAL_BYTES:
            raise TooLarge(f"an answer has at most {limits.MAX_SIGNAL_BYTES} bytes of JSON")
        meant = self._meant(execution, place, attempt)
        now = self._clock.now()
        signal = Signal(place.path, meant, now, SignalStatus.ANSWERED, output, answered_by)
        try:
            stands = self._histories.record_signal(place.ref, signal, now, checks_whole=True, also=also)
        except ConditionFailed as failed:
            if also and failed.index >= _WHOLE + (2 if place.ref.batch is not None else 0):
                raise _Outrun from None
            # A map batch or its loop has ended, while the execution continues.
            is_inside = place.ref.batch is not None and failed.index != _WHOLE
            raise (_given_up(place.path) if is_inside else _over(execution)) from None
        if stands is not signal:
            raise _refused(place.path, stands)
        try:
            self._finalization.resume(place.ref)
        except Exception:  # whatever fails from here on: the signal is recorded, and counts
            logger.exception("waking %s failed; the recovery will", place.ref)
        return signal

    def _meant(self, execution: Execution, place: _Place, attempt: int | None) -> int:
        """Return the attempt that an answer is for.

        Raises:
            Conflict: the answer is no longer awaited.
        """
        if execution.status.is_final:
            raise _over(execution)
        wait, timer = place.wait, place.history.timers.get(place.path)
        current = wait.attempt if wait is not None else 1
        meant = current if attempt is None else attempt
        if meant != current or (timer is not None and (timer.next_attempt or 0) > meant):
            raise Conflict(f"attempt {meant} of `{place.path}` is over", code="not_waiting")
        if stands := place.history.signals.get(signal_key(place.path, meant)):
            raise _refused(place.path, stands)
        if place.path in place.history.outcomes:
            raise _answered(place.path)
        if any(loop in place.history.outcomes for loop in loops_around(place.path)):
            raise _given_up(place.path)
        if wait is not None and wait.deadline is not None and wait.deadline <= self._clock.now():
            raise _late(place.path)
        return meant


def _answered(path: str) -> Conflict:
    return Conflict(f"`{path}` has been answered before", code="already_answered")


def _given_up(path: str) -> Conflict:
    return Conflict(f"nobody waits for an answer to `{path}` any more: what is around it has ended", code="not_waiting")


def _late(path: str) -> Conflict:
    return Conflict(f"the time to answer `{path}` is over", code="too_late")


def _refused(path: str, stands: Signal) -> Conflict:
    """Return the error that only the recorded answer counts."""
    if stands.status is SignalStatus.ABANDONED:
        return _given_up(path)
    return _late(path) if stands.status is SignalStatus.EXPIRED else _answered(path)


def _over(execution: Execution) -> Conflict:
    status = execution.status if execution.status.is_final else "ended"
    return Conflict(f"the execution has {status} already", code="already_finished")
