"""Answers of people to approvals: who may give one, and what is recorded of it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from engine import limits
from engine.clock import format_time
from engine.errors import Conflict, Forbidden, InvalidInput, NodeError, TooLarge
from engine.history.approval_terms import ApprovalTerms, voter
from engine.json_value import dumps
from engine.schemas.executions import SignalBody
from engine.security.permissions import Permission
from engine.services.principal import Principal


class Proof(StrEnum):
    """How an answer proves whose it is."""

    SESSION = "session"
    KEY = "key"
    LINK = "link"
    """One that was mailed to the address of the approver."""

    @classmethod
    def of(cls, principal: Principal) -> Proof:
        """What somebody who calls the API has proven it by."""
        return cls.KEY if principal.key_id else cls.SESSION


def may_answer(terms: ApprovalTerms, principal: Principal, asked_at: datetime, now: datetime) -> bool:
    """Return whether somebody is among the people who may answer at a time."""
    approvers = terms.approvers_at(asked_at, now)
    return principal.is_one_of(approvers) if approvers else principal.may(Permission.ANSWER)


def check_may_answer(
    terms: ApprovalTerms, principal: Principal, asked_at: datetime, now: datetime, starter: str | None
) -> None:
    """Refuse whoever may not answer.

    Raises:
        Forbidden: code `not_an_approver`, or `is_the_starter`.
    """
    if not terms.approvers:
        principal.require(Permission.ANSWER)
    elif not may_answer(terms, principal, asked_at, now):
        raise Forbidden("you are not among those who may answer this", code="not_an_approver")
    if terms.not_the_starter and starter and principal.user_id == starter:
        raise Forbidden("whoever started the execution may not answer this", code="is_the_starter")


def check_values(terms: ApprovalTerms, body: SignalBody) -> None:
    """Refuse values that do not fit the form. Who rejects need not fill it in.

    Raises:
        InvalidInput: with a detail for each field.
    """
    if terms.form is None:
        if body.values is not None:
            raise InvalidInput.at("values", "this approval has no form")
        return
    if body.values is None and body.decision == "rejected":
        return
    from engine.nodes.json import problems_of  # of a process of its own: the form's author may be careless

    try:
        problems = asyncio.run(problems_of(body.values or {}, dict(terms.form)))
    except NodeError as error:
        raise InvalidInput.at("values", error.message) from None
    if problems:
        details = [
            {"path": f"values.{one['path']}".rstrip("."), "code": "invalid", "message": one["message"]}
            for one in problems
        ]
        message = "; ".join(f"{one['path']}: {one['message']}" for one in details[:3])
        raise InvalidInput(message, details=details)


def answer_of(
    terms: ApprovalTerms, principal: Principal, body: SignalBody, proof: Proof, now: datetime
) -> dict[str, Any]:
    """Return what is recorded of an answer. `shown` is the SHA-256 of the message: it proves what was answered."""
    answer = {
        "decision": body.decision,
        "comment": body.comment,
        "by": principal.user_id or principal.email,
        "at": format_time(now),
        "shown": sha256(terms.message.encode("utf-8", "surrogatepass")).hexdigest(),
        "proof": str(proof),
    }
    return answer if terms.form is None else {**answer, "values": body.values}


def as_one_of_several(answer: dict[str, Any], principal: Principal) -> dict[str, Any]:
    """Return an answer as it is kept where several people have to approve.

    Raises:
        TooLarge: it has more bytes than one of several may have.
    """
    kept = {**answer, "email": principal.email or None, "voter": voter(principal.user_id, principal.email)}
    if len(dumps(kept).encode()) > limits.MAX_SHARED_ANSWER_BYTES:
        message = f"where several people have to approve, an answer has at most {limits.MAX_SHARED_ANSWER_BYTES} bytes"
        raise TooLarge(message)
    return kept


def answered_by_you(path: str) -> Conflict:
    """Return the error that somebody answers twice."""
    return Conflict(f"you have answered `{path}` before", code="already_answered")
