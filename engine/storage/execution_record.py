"""The main item of an execution, `EXECUTION#<id>` / `META`: its attributes, and each change that is made to it.

Writers take the change from here, alone or as one write of a transaction, so that all possible changes are in one
place. An attribute without a value is absent.

Set when it is created, and never changed:
    id, workspace_id, workflow_id, workflow_version, workflow_name: identify the execution and its workflow.
    workspace_key, workflow_key: the keys of the lists that contain it.
    trigger_type, trigger_id, triggered_by, trigger: what started it, and the data of that.
    created_at, secret, depth, caller, retry_of: as in `Execution`.
    concurrency_key, concurrency_limit, when_full: as in `QueuePosition`.
    test, trial: whether it is a test run, and how that differs from other runs.

Changed by drivers:
    status: `marked` while it is open, `finished` once.
    started_at: when the first invocation began; `marked`.
    completed_at, result, error, and the summary of the error: `finished`.
    outcome_key: the key of the list of unsuccessful executions; `finished`.
    stalled_invocations: how many invocations in a row made no progress; `marked`.
    logged: drivers all of whose lines are in the log; `marked`.
    bill_*: its usage so far; incremented by `marked` and `finished`.
    task_token, seen_signals, suspended_until: written by the state machine when it suspends (`execution.asl.json`);
        the token is removed when it is `finished` or `superseded`.

Changed by others:
    driver_attempt: the newest driver; `superseded` increments it for the next one.
    recovery_attempts: recoveries in a row without progress; `superseded` increments it, `marked` resets it.
    signals: how many signals others have written; `signaled` increments it, in the transaction that writes the
        signal.
    slot: its concurrency slot, from its creation or from when it is `admitted` from the queue.
    failed_finalizations: failed attempts of its finalization; `finalization_failed`.
    next_check_at, check_shard: when recovery checks it, or it is purged; in each change that schedules that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zlib import crc32

from engine import limits
from engine.clock import format_time, parse_time
from engine.history.execution_ref import ExecutionRef
from engine.history.model import OPEN_STATUSES, Caller, Execution, QueuePosition, Status, started_before
from engine.history.usage import Bill
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import Table
from engine.storage.payloads import OMITTED, PayloadStore
from engine.workflow.trial import Trial


class CheckKind(StrEnum):
    """What is due when an item in the index of due items is."""

    RECOVERY = "CHECK"
    DELIVERY = "SEND"
    """An outgoing webhook."""
    PURGE = "PURGE"
    """An ended execution whose retention is over."""


CHECK = ("check_shard", "next_check_at")
"""The attributes of the index of due checks; an item without them is not in it."""
_OPEN = sorted(OPEN_STATUSES)
_BILL = tuple(f"bill_{one.name}" for one in fields(Bill))
_ENDED = "attribute_exists(#completed_at)"
RARE_STATUSES = frozenset({Status.FAILED, Status.TIMED_OUT, Status.CANCELLED})
"""The final statuses that have an index of their own."""


def record_key(execution_id: str) -> tuple[str, str]:
    """Return the key of an execution's main item; a map batch has one, too."""
    return f"EXECUTION#{execution_id}", "META"


@dataclass(frozen=True, slots=True)
class Change:
    """A conditional change of the main item, executed by itself or within a transaction."""

    changes: Mapping[str, Any]
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    remove: Sequence[str] = ()
    add: Mapping[str, Any] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    """Attributes that get the value of another attribute."""

    def make(self, table: Table, execution_id: str) -> Item:
        """Execute the change and return the updated item. Raises ConditionFailed."""
        return table.update(
            *record_key(execution_id),
            self.changes,
            remove=self.remove,
            add=self.add,
            condition=self.condition,
            values=self.values,
            copies=self.copies,
        )

    def entry(self, table: Table, execution_id: str) -> dict[str, Any]:
        """Return the change as one write of a transaction."""
        arguments = update_arguments(self.changes, self.remove, self.condition, self.values, self.add, self.copies)
        return table.update_entry(*record_key(execution_id), arguments)


# -- changes -----------------------------------------------------------------------------------------------


def marked(
    execution_id: str,
    status: Status,
    started_at: datetime,
    *,
    driver_attempt: int,
    next_check_at: datetime | None = None,
    bill: Bill | None = None,
    logged: Sequence[str] = (),
    stalled_invocations: int = 0,
) -> Change:
    """Set an open status, usage, and the next check, unless the execution has ended or has a newer driver."""
    changes: dict[str, Any] = {
        "status": str(status),
        "started_at": format_time(started_at),
        "stalled_invocations": stalled_invocations,
    }
    if logged:
        changes["logged"] = list(logged)
    if next_check_at is not None:
        changes |= {**check(execution_id, next_check_at), **({} if stalled_invocations else {"recovery_attempts": 0})}
    condition = f"#driver_attempt <= :driver_attempt AND {open_status()}"
    return Change(changes, condition, {**open_values(), "driver_attempt": driver_attempt}, add=bill_counts(bill))


def finished(
    status: Status,
    at: datetime,
    held: Mapping[str, Any],
    *,
    bill: Bill | None = None,
    remove: Sequence[str] = (),
    is_listed: bool = True,
) -> Change:
    """Set the final status, unless there is one. `held`: result, error and the other attributes of the end.

    An unsuccessful execution that `is_listed` enters the index of those, under the key of its list.
    """
    changes = {"status": str(status), "completed_at": format_time(at), **held}
    given = {name: value for name, value in changes.items() if value is not None}
    copies = {"outcome_key": "workspace_key"} if is_listed and status in RARE_STATUSES else {}
    return Change(given, open_status(), open_values(), remove, bill_counts(bill), copies)


def given_up() -> Change:
    """Cancel a map batch that is no longer needed, because its loop or its execution has ended."""
    return Change({"status": str(Status.CANCELLED)}, open_status(), open_values(), CHECK)


def withdrawn(at: datetime, held: Mapping[str, Any]) -> Change:
    """Cancel an execution that is still queued: only while it has no slot."""
    ended = finished(Status.CANCELLED, at, held)
    return replace(ended, condition=f"attribute_not_exists(#slot) AND {ended.condition}")


def admitted(execution_id: str, slot: int, next_check_at: datetime) -> Change:
    """Set the slot, unless the execution has ended."""
    return Change({"slot": slot, **check(execution_id, next_check_at)}, open_status(), open_values())


def queue_is_checked() -> Change:
    """Stop checking the execution itself while it is queued: its queue is checked."""
    return Change({}, f"attribute_not_exists(#slot) AND {open_status()}", open_values(), CHECK)


def signaled(next_check_at: datetime) -> Change:
    """Count one more signal and schedule a check of the driver soon, unless the execution has ended."""
    return Change({"next_check_at": format_time(next_check_at)}, open_status(), open_values(), add={"signals": 1})


def superseded(execution: Execution, next_check_at: datetime, *, is_recovery: bool) -> Change:
    """Reserve the next driver attempt, unless there is a newer one already or the execution has ended."""
    changes = {"driver_attempt": execution.driver_attempt + 1, **check(execution.id, next_check_at)}
    condition = f"#driver_attempt = :driver_attempt AND {open_status()}"
    values = {"driver_attempt": execution.driver_attempt, **open_values()}
    return Change(changes, condition, values, ("task_token",), {"recovery_attempts": 1} if is_recovery else {})


def retired(held: Mapping[str, Any]) -> Change:
    """Stop checking until the purge, whose time is in `held`: the finalization is done."""
    return Change(held, _ENDED)


def finalization_failed(held: Mapping[str, Any]) -> Change:
    """Count a failed finalization; if it is given up, `held` says when the execution is purged."""
    return Change(held, _ENDED, add={"failed_finalizations": 1})


def check(name: str, at: datetime, kind: CheckKind = CheckKind.RECOVERY) -> dict[str, str]:
    """Return the attributes that put an item into the index of due items, for that time."""
    return {"next_check_at": format_time(at), "check_shard": shard_of(name, kind)}


def shard_of(name: str, kind: CheckKind = CheckKind.RECOVERY) -> str:
    """Return the shard of an item in the index of due items."""
    return f"{kind}#{crc32(name.encode()) % limits.CHECK_SHARDS}"


def open_status() -> str:
    """Return the condition that an execution's status is not final; see `open_values`."""
    return f"#status IN ({', '.join(f':open_{status}' for status in _OPEN)})"


def open_values() -> dict[str, str]:
    """Return the values of `open_status`."""
    return {f"open_{status}": str(status) for status in _OPEN}


def bill_counts(bill: Bill | None) -> dict[str, float]:
    """Return a bill as increments of a record."""
    return {f"bill_{name}": value for name, value in (bill or Bill()).as_dict().items()}


# -- codec -------------------------------------------------------------------------------------------------


def encoded(execution: Execution, payloads: PayloadStore) -> Item:
    """Return the item of a new execution."""
    position, caller = execution.queue_position, execution.caller
    next_check_at = execution.created_at + timedelta(seconds=limits.START_GRACE)
    pk, sk = record_key(execution.id)
    return {
        "PK": pk,
        "SK": sk,
        "id": execution.id,
        "workspace_key": f"{execution.workspace_id}#EXECUTIONS",
        "workflow_key": f"{execution.workspace_id}#WORKFLOW#{execution.workflow_id}",
        "workspace_id": execution.workspace_id,
        "workflow_id": execution.workflow_id,
        "workflow_version": execution.workflow_version,
        "status": str(execution.status),
        "trigger_type": execution.trigger_type,
        "triggered_by": execution.triggered_by,
        "trigger": payloads.pack(execution.trigger, execution.id),
        "created_at": format_time(execution.created_at),
        "driver_attempt": execution.driver_attempt,
        "signals": 0,
        "secret": execution.secret,
        "depth": execution.depth or None,
        "caller": [str(caller.ref), caller.path, caller.attempt, caller.waits] if caller else None,
        "concurrency_key": position.concurrency_key if position else None,
        "concurrency_limit": position.limit if position else None,
        "slot": position.slot if position else None,
        "when_full": position.when_full if position and position.when_full != "queue" else None,
        "retry_of": execution.retry_of,
        "trigger_id": execution.trigger_id,
        "workflow_name": execution.workflow_name,
        "test": execution.is_test or None,
        "trial": payloads.pack(execution.trial.as_json(), execution.id) if execution.trial else None,
        **check(execution.id, next_check_at),
    }


def decoded(
    item: Item,
    payloads: PayloadStore | None,
    *,
    at_most: int | None = None,
    progress: Sequence[Item] = (),
) -> Execution:
    """Return the execution in a stored item; without `payloads` its trigger, result and error are omitted.

    Values of more than `at_most` bytes are OMITTED; `progress` are the items of its distributed loops.
    """
    caller = item.get("caller")
    completed_at = parse_time(item["completed_at"]) if "completed_at" in item else None
    execution = Execution(
        id=item["id"],
        workspace_id=item["workspace_id"],
        workflow_id=item["workflow_id"],
        workflow_version=item["workflow_version"],
        trigger_type=item["trigger_type"],
        triggered_by=item.get("triggered_by"),
        trigger={},
        created_at=parse_time(item["created_at"]),
        status=Status(item["status"]),
        started_at=started_before(parse_time(item["started_at"]), completed_at) if "started_at" in item else None,
        completed_at=completed_at,
        driver_attempt=item["driver_attempt"],
        signals=item["signals"],
        stalled_invocations=item.get("stalled_invocations", 0),
        secret=item["secret"],
        depth=item.get("depth", 0),
        caller=Caller(ExecutionRef.parse(caller[0]), caller[1], int(caller[2]), caller[3]) if caller else None,
        queue_position=_queue_position_in(item),
        retry_of=item.get("retry_of"),
        trigger_id=item.get("trigger_id"),
        workflow_name=item.get("workflow_name"),
        bill=sum(map(bill_in, (item, *progress)), Bill()),
        progress=_progress(progress),
        is_test=item.get("test", False),
    )
    if payloads is None:
        return execution
    trigger = payloads.unpack(item.get("trigger"), at_most)
    return replace(
        execution,
        trigger={"body": OMITTED} if trigger is OMITTED else trigger or {},
        trial=Trial.of(payloads.unpack(item["trial"])) if "trial" in item else None,
        result=payloads.unpack(item.get("result"), at_most),
        error=payloads.unpack(item.get("error")),
    )


def bill_in(item: Item) -> Bill:
    """Return the usage that a main item has counted, or an item of the progress of a distributed loop."""
    return Bill.of({name[5:]: item[name] for name in _BILL if name in item})


def _queue_position_in(item: Item) -> QueuePosition | None:
    if "concurrency_key" not in item:
        return None
    return QueuePosition(
        item["concurrency_key"], item["concurrency_limit"], item.get("slot"), item.get("when_full", "queue")
    )


def _progress(items: Sequence[Item]) -> dict[str, dict[str, int]]:
    """Return the progress of each distributed loop: the sums over its counter items, which its batches update."""
    found: dict[str, dict[str, int]] = {}
    for item in items:
        counts = found.setdefault(item["SK"].split("#")[1], {"done": 0, "failed": 0})
        for name in counts:
            counts[name] += item.get(name, 0)
    return found
