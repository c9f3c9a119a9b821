"""Approvals that wait for people: a row for each, so that nobody has to search executions for them.

A row is written in one transaction with the pending signal, and moved to the decided ones in one transaction with the
signal. Where an approval ends otherwise - its deadline passed, or the execution ended - its row may stay for a while:
readers compare it with the execution, omit it, and remove it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine import limits
from engine.clock import format_time, parse_time
from engine.history.approval_terms import ApprovalTerms
from engine.history.events import PendingSignal, loops_around, signal_key
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution, Status
from engine.ids import derived_id
from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import ConditionFailed, Put, Table
from engine.storage.execution_record import CHECK, CheckKind, check, open_status, open_values
from engine.storage.history import sort_key

PARTITION = "APPROVALS#"
_KEPT = timedelta(days=90)
"""How long decisions are kept."""
_SPARE = timedelta(days=1)
"""How long after its deadline a row is kept before the database may remove it."""
_OPEN, _DECIDED = "OPEN#", "DECIDED#"


@dataclass(frozen=True, slots=True)
class Approval:
    """An open or decided approval. `ref` is the execution, or the map batch, that waits."""

    id: str
    workspace_id: str
    execution_id: str
    ref: ExecutionRef
    path: str
    attempt: int
    asked_at: datetime
    deadline: datetime
    workflow_id: str
    workflow_name: str | None
    is_test: bool
    terms: ApprovalTerms
    starter: str | None = None
    """Who started the execution, where that matters."""
    answers: tuple[Mapping[str, Any], ...] = ()
    """Those that were given before the one that decides."""
    told_until: str | None = None
    """The time of the last of its mails that were recorded."""
    decision: str | None = None
    comment: str | None = None
    decided_by: str | None = None
    decided_by_email: str | None = None
    decided_at: datetime | None = None

    def has_answered(self, name: str) -> bool:
        """Whether a person, by `voter`, has answered."""
        return any(one["voter"] == name for one in self.answers)


@dataclass(frozen=True, slots=True)
class Asker:
    """What a row contains of the execution that asks."""

    execution_id: str
    workspace_id: str
    workflow_id: str
    workflow_name: str | None
    is_test: bool
    started_by: str | None = None

    @classmethod
    def of(cls, execution: Execution) -> Asker:
        """Return it for an execution, or for the whole execution of a map batch."""
        return cls(
            execution.ref.execution_id,
            execution.workspace_id,
            execution.workflow_id,
            execution.workflow_name,
            execution.is_test,
            execution.triggered_by,
        )


def approval_id(ref: ExecutionRef, wait: PendingSignal) -> str:
    """Return the id of the approval of a pending signal: always the same one."""
    return derived_id(wait.started_at, str(ref), wait.key)


def asked(asker: Asker, ref: ExecutionRef, wait: PendingSignal) -> Put:
    """Return the row of an approval without a decision."""
    deadline = wait.deadline or wait.started_at
    terms = ApprovalTerms.of(wait.output)
    options = terms.options()
    item: Item = {
        "PK": f"{PARTITION}{asker.workspace_id}",
        "SK": f"{_OPEN}{approval_id(ref, wait)}",
        "execution_id": asker.execution_id,
        "execution_ref": str(ref),
        "path": wait.path,
        "attempt": wait.attempt,
        "message": terms.message,
        "approvers": list(terms.approvers),
        "options": dumps(options) if options else None,
        "starter": asker.started_by if terms.not_the_starter else None,
        "asked_at": format_time(wait.started_at),
        "deadline": format_time(deadline),
        "workflow_id": asker.workflow_id,
        "workflow_name": asker.workflow_name,
        "test": asker.is_test or None,
        "expires_at": int((deadline + _SPARE).timestamp()),
    }
    if terms.mail:  # the stream has the mail sent at once; this is for when that is lost
        due = wait.started_at + timedelta(seconds=limits.OUTGOING_LEASE)
        item |= check(item["SK"], due, CheckKind.DELIVERY)
    return Put(item, if_absent=False)


class ApprovalRepository:
    """Reads and writes the rows."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def decided(
        self,
        asker: Asker,
        ref: ExecutionRef,
        wait: PendingSignal,
        answer: Mapping[str, Any],
        email: str,
        at: datetime,
        before: Approval | None = None,
    ) -> list[Put | dict[str, Any]]:
        """Return the transaction entries that record a decision; the first fails if `before` has got another answer."""
        row = {name: value for name, value in asked(asker, ref, wait).item.items() if name not in CHECK}
        told = {
            "decision": answer["decision"],
            "comment": answer["comment"],
            "answers": dumps(answer["answers"]) if "answers" in answer else None,
            "decided_by": answer["by"],
            "decided_by_email": email or None,
            "decided_at": format_time(at),
            "expires_at": int((at + _KEPT).timestamp()),
        }
        kept = {**row, **told, "SK": row["SK"].replace(_OPEN, _DECIDED, 1)}
        removed = (
            self._table.delete_entry(row["PK"], row["SK"], must_exist=False)
            if before is None
            else self._table.delete_entry_where(row["PK"], row["SK"], *_is_unchanged(before))
        )
        return [removed, Put(kept, if_absent=False)]

    def row(self, workspace_id: str, ref: ExecutionRef, wait: PendingSignal) -> Approval | None:
        """Return the row of a pending signal that nobody has decided."""
        item = self._table.get(f"{PARTITION}{workspace_id}", f"{_OPEN}{approval_id(ref, wait)}")
        return _approval(item) if item else None

    def add_answer(self, approval: Approval, answer: Mapping[str, Any]) -> None:
        """Add an answer that does not decide alone.

        Raises:
            ConditionFailed: with `index` 0, somebody else has answered since `approval` was read, or it was decided;
                with another one, nobody waits for an answer any more.
        """
        key = f"{PARTITION}{approval.workspace_id}", f"{_OPEN}{approval.id}"
        condition, values = _is_unchanged(approval)
        change = update_arguments({"answers": dumps([*approval.answers, answer])}, (), condition, values)
        over = [self._table.check_entry(*one, "attribute_not_exists(#PK)", {}) for one in _ends(approval)]
        live = [self._table.check_entry(*one, open_status(), open_values()) for one in _records(approval)]
        self._table.transact([self._table.update_entry(*key, change), *over, *live])

    def waiting(self, workspace_id: str, sort_key: str) -> Approval | None:
        """Return an approval by the key of its row, which is open according to it."""
        item = self._table.get(f"{PARTITION}{workspace_id}", sort_key) if sort_key.startswith(_OPEN) else None
        return _approval(item) if item else None

    def told(self, approval: Approval, until: datetime, next_at: datetime | None) -> None:
        """Record that its mails until a time are recorded, and when the next one is due; None if none is."""
        key = f"{PARTITION}{approval.workspace_id}", f"{_OPEN}{approval.id}"
        due = {} if next_at is None else check(key[1], next_at, CheckKind.DELIVERY)
        changes = {"told_until": format_time(until), **due}
        with suppress(ConditionFailed):  # it was decided meanwhile
            self._table.update(*key, changes, remove=CHECK if next_at is None else ())

    def forget(self, workspace_id: str, ref: ExecutionRef, waits: Sequence[PendingSignal]) -> None:
        """Remove the rows of approvals that are no longer awaited."""
        for wait in waits:
            self._table.delete(f"{PARTITION}{workspace_id}", f"{_OPEN}{approval_id(ref, wait)}")

    def find(self, workspace_id: str, approval: str) -> Approval | None:
        """Find an approval that is open according to its row, or was decided."""
        pk = f"{PARTITION}{workspace_id}"
        items = self._table.get_many([(pk, f"{_OPEN}{approval}"), (pk, f"{_DECIDED}{approval}")])
        found = items.get((pk, f"{_DECIDED}{approval}")) or items.get((pk, f"{_OPEN}{approval}"))
        return _approval(found) if found else None

    def open(self, workspace_id: str, now: datetime, before: str | None = None) -> Iterator[Approval]:
        """Return approvals that may be open, newest first, after a given one."""
        return (one for one in self._rows(workspace_id, _OPEN, before) if one.deadline > now)

    def decisions(self, workspace_id: str, before: str | None = None) -> Iterator[Approval]:
        """Return decided approvals, newest first by the time when they were requested."""
        return self._rows(workspace_id, _DECIDED, before)

    def _rows(self, workspace_id: str, kind: str, before: str | None) -> Iterator[Approval]:
        last = f"{kind}{before or '~'}"
        items = self._table.query(f"{PARTITION}{workspace_id}", after=kind, before=last, descending=True)
        return (_approval(item) for item in items if item["SK"] != last)

    def is_open(self, approval: Approval) -> bool:
        """Return whether an approval is still awaited; changes nothing."""
        return not self._over([approval])

    def _over(self, approvals: Sequence[Approval]) -> list[Approval]:
        wanted: dict[tuple[str, str], None] = {}
        for one in approvals:
            wanted |= dict.fromkeys([*_ends(one), *_records(one)])
        found = self._table.get_many(list(wanted), ("status",))
        return [one for one in approvals if _is_over(one, found)]

    def still_open(self, approvals: Sequence[Approval]) -> list[Approval]:
        """Return the approvals that are still awaited; the rows of the others are removed."""
        over = self._over(approvals)
        for one in over:
            self._table.delete(f"{PARTITION}{one.workspace_id}", f"{_OPEN}{one.id}")
        gone = {one.id for one in over}
        return [one for one in approvals if one.id not in gone]


def _ends(approval: Approval) -> list[tuple[str, str]]:
    """Return the history keys of events that end the wait: a signal, an end of the node, or of a loop around it."""
    pk = f"EXECUTION#{approval.ref}"
    keys = [signal_key(approval.path, approval.attempt), approval.path, *loops_around(approval.path)]
    places = [(pk, sort_key(key)) for key in keys]
    if approval.ref.batch is not None:
        places.append((f"EXECUTION#{approval.execution_id}", sort_key(approval.ref.batch.signal_key)))
    return places


def _records(approval: Approval) -> list[tuple[str, str]]:
    return [(f"EXECUTION#{one}", "META") for one in {str(approval.ref), approval.execution_id}]


def _is_over(approval: Approval, found: Mapping[tuple[str, str], Item]) -> bool:
    if any(place in found for place in _ends(approval)):
        return True
    records = [found.get(place) for place in _records(approval)]
    return any(record is None or Status(record["status"]).is_final for record in records)


def _is_unchanged(approval: Approval) -> tuple[str, dict[str, Any]]:
    """Return the condition that a row is there, and has the answers that it had."""
    if not approval.answers:
        return "attribute_exists(#PK) AND attribute_not_exists(#answers)", {}
    return "#answers = :before", {"before": dumps(approval.answers)}


def _approval(item: Item) -> Approval:
    said = {"message": item["message"], "approvers": item["approvers"]}
    return Approval(
        id=item["SK"].partition("#")[2],
        workspace_id=item["PK"].partition("#")[2],
        execution_id=item["execution_id"],
        ref=ExecutionRef.parse(item["execution_ref"]),
        path=item["path"],
        attempt=int(item["attempt"]),
        asked_at=parse_time(item["asked_at"]),
        deadline=parse_time(item["deadline"]),
        workflow_id=item["workflow_id"],
        workflow_name=item.get("workflow_name"),
        is_test=item.get("test", False),
        terms=ApprovalTerms.of({**said, **json.loads(item.get("options", "{}"))}),
        starter=item.get("starter"),
        answers=tuple(json.loads(item.get("answers", "[]"))),
        told_until=item.get("told_until"),
        decision=item.get("decision"),
        comment=item.get("comment"),
        decided_by=item.get("decided_by"),
        decided_by_email=item.get("decided_by_email"),
        decided_at=parse_time(item["decided_at"]) if "decided_at" in item else None,
    )
