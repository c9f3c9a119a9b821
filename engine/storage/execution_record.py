"""The main item of an execution, `EXECUTION#<id>` / `META`: what is in it, and each change that is made to it.

Whoever writes to it takes the change from here, alone or as one write of a transaction, so that what may happen to it
is read in one place. An attribute without a value is absent.

Set when it is created, and never changed:
    id, workspace_id, workflow_id, workflow_version, workflow_name: what it is an execution of.
    workspace_key, workflow_key: the keys of the lists that it is in.
    trigger_type, trigger_id, triggered_by, trigger: what started it, and what came with that.
    created_at, secret, depth, caller, retry_of: as in `Execution`.
    concurrency_key, concurrency_limit, when_full: whose queue it is in.
    test, trial: that it is a test run, and what that does otherwise.

Changed by drivers:
    status: `marked` while it is open, `finished` once.
    started_at: when the first invocation began; `marked`.
    completed_at, result, error, and the brief of the error: `finished`.
    outcome_key: the key of the list of those that have not ended well; `finished`.
    in_vain: how many invocations in a row got nothing done; `marked`.
    logged: drivers all of whose lines are in the log; `marked`.
    bill_*: what it has cost so far; counted up by `marked` and `finished`.
    task_token, seen_signals, suspended_until: written by the state machine when it suspends (`execution.asl.json`); the
        token goes when it is `finished` or `superseded`.

Changed by others:
    driver_attempt: the newest driver; `superseded` makes room for the next one.
    recovery_attempts: how often in a row it was driven again in vain; `superseded` counts, `marked` forgets.
    signals: how many signals others have written; `signaled` counts, in the transaction that writes the signal.
    slot: its lease, from when it is created or `admitted` from the queue.
    vain_finalizations: how often what its end brings could not be done; `finalization_failed`.
    next_check_at, check_shard: when recovery looks at it, or it is purged; in each change that says when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from engine import limits
from engine.clock import format_time, parse_time
from engine.history.model import OPEN_STATUSES, Caller, Execution, QueuePosition, Status, started_before
from engine.history.usage import Bill
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import Table
from engine.storage.payloads import OMITTED, PayloadStore
from engine.workflow.trial import Trial

CHECK = ("check_shard", "next_check_at")
"""The attributes of the index of what has to be looked at; an item without them is not in it."""
_OPEN = sorted(OPEN_STATUSES)
_BILL = tuple(f"bill_{one.name}" for one in fields(Bill))
_ENDED = "attribute_exists(#completed_at)"
RARE_STATUSES = frozenset({Status.FAILED, Status.TIMED_OUT, Status.CANCELLED})
"""Those of ends that are in an index of their own."""


def record_key(execution_id: str) -> tuple[str, str]:
    """The key of an execution's main item; a batch of a distributed map has one, too."""
    return f"EXECUTION#{execution_id}", "META"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the main item that is made where its condition holds: by itself, or within a transaction."""

    changes: Mapping[str, Any]
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    remove: Sequence[str] = ()
    add: Mapping[str, Any] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    """Attributes that get the value that another one has."""

    def make(self, table: Table, execution_id: str) -> Item:
        """Make it; gives the item as it is then. Raises ConditionFailed."""
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
        """It as one write of a transaction."""
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
    in_vain: int = 0,
) -> Change:
    """An open status, what has been spent, and when to look, unless the execution is over or a newer driver has it."""
    changes: dict[str, Any] = {"status": str(status), "started_at": format_time(started_at), "in_vain": in_vain}
    if logged:
        changes["logged"] = list(logged)
    if next_check_at is not None:
        changes |= {**check(execution_id, next_check_at), **({} if in_vain else {"recovery_attempts": 0})}
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
    """The final status, unless there is one. `held`: result, error and whatever else there is to tell of the end.

    One that `is_listed` and has not ended well comes into the index of those, by the key of the list that it is in.
    """
    changes = {"status": str(status), "completed_at": format_time(at), **held}
    given = {name: value for name, value in changes.items() if value is not None}
    copies = {"outcome_key": "workspace_key"} if is_listed and status in RARE_STATUSES else {}
    return Change(given, open_status(), open_values(), remove, bill_counts(bill), copies)


def given_up() -> Change:
    """A batch that nobody wants any more, because its loop or its execution has ended."""
    return Change({"status": str(Status.CANCELLED)}, open_status(), open_values(), CHECK)


def withdrawn(at: datetime, held: Mapping[str, Any]) -> Change:
    """An execution that is over before it has left the queue: only while it has no slot."""
    ended = finished(Status.CANCELLED, at, held)
    return replace(ended, condition=f"attribute_not_exists(#slot) AND {ended.condition}")


def admitted(execution_id: str, slot: int, next_check_at: datetime) -> Change:
    """Its slot, unless it is over."""
    return Change({"slot": slot, **check(execution_id, next_check_at)}, open_status(), open_values())


def queue_is_checked() -> Change:
    """Looked at no more by itself while it waits in a queue: the queue is."""
    return Change({}, f"attribute_not_exists(#slot) AND {open_status()}", open_values(), CHECK)


def signaled(next_check_at: datetime) -> Change:
    """One more signal, unless it is over; who drives it is looked at soon."""
    return Change({"next_check_at": format_time(next_check_at)}, open_status(), open_values(), add={"signals": 1})


def superseded(execution: Execution, next_check_at: datetime, *, is_recovery: bool) -> Change:
    """Room for the next driver, unless there is a newer one already or the execution is over."""
    changes = {"driver_attempt": execution.driver_attempt + 1, **check(execution.id, next_check_at)}
    condition = f"#driver_attempt = :driver_attempt AND {open_status()}"
    values = {"driver_attempt": execution.driver_attempt, **open_values()}
    return Change(changes, condition, values, ("task_token",), {"recovery_attempts": 1} if is_recovery else {})


def retired(held: Mapping[str, Any]) -> Change:
    """Looked at no more until it is purged, since what its end brings is done; `held` says when that is."""
    return Change(held, _ENDED)


def finalization_failed(held: Mapping[str, Any]) -> Change:
    """What its end brings could not be done once more; `held`, where that is given up, says when it is purged."""
    return Change(held, _ENDED, add={"vain_finalizations": 1})


def check(execution_id: str, at: datetime) -> dict[str, str]:
    """The attributes that have recovery look at it then."""
    return {"next_check_at": format_time(at), "check_shard": shard_of(execution_id)}


def shard_of(name: str, kind: str = "CHECK") -> str:
    """The part of the index of what is due in which an item is.

    `CHECK` is for recovery, `SEND` are outgoing webhooks, `PURGE` are executions that are over and kept for a while.
    """
    return f"{kind}#{crc32(name.encode()) % limits.CHECK_SHARDS}"


def open_status() -> str:
    """The condition that an execution's status is not final; see `open_values`."""
    return f"#status IN ({', '.join(f':open_{status}' for status in _OPEN)})"


def open_values() -> dict[str, str]:
    """The values of `open_status`."""
    return {f"open_{status}": str(status) for status in _OPEN}


def bill_counts(bill: Bill | None) -> dict[str, float]:
    """A bill as what is added to a record."""
    return {f"bill_{name}": value for name, value in (bill or Bill()).as_dict().items()}


# -- codec -------------------------------------------------------------------------------------------------


def encoded(execution: Execution, payloads: PayloadStore) -> Item:
    """The item of an execution as it is stored when it is new."""
    place, caller = execution.place, execution.caller
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
        "caller": [caller.execution_id, caller.path, caller.attempt, caller.waits] if caller else None,
        "concurrency_key": place.concurrency_key if place else None,
        "concurrency_limit": place.limit if place else None,
        "slot": place.slot if place else None,
        "when_full": place.when_full if place and place.when_full != "queue" else None,
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
    """The execution in a stored item; without `payloads` its trigger, result and error are left out.

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
        in_vain=item.get("in_vain", 0),
        secret=item["secret"],
        depth=item.get("depth", 0),
        caller=Caller(caller[0], caller[1], int(caller[2]), caller[3]) if caller else None,
        place=_place_in(item),
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
    """What a main item has counted, or an item of the progress of a distributed loop."""
    return Bill.of({name[5:]: item[name] for name in _BILL if name in item})


def _place_in(item: Item) -> QueuePosition | None:
    if "concurrency_key" not in item:
        return None
    return QueuePosition(
        item["concurrency_key"], item["concurrency_limit"], item.get("slot"), item.get("when_full", "queue")
    )


def _progress(items: Sequence[Item]) -> dict[str, dict[str, int]]:
    """How far each distributed loop has come: the sums of what its batches have counted, in several items."""
    found: dict[str, dict[str, int]] = {}
    for item in items:
        counts = found.setdefault(item["SK"].split("#")[1], {"done": 0, "failed": 0})
        for name in counts:
            counts[name] += item.get(name, 0)
    return found
