"""Concurrency slots: which execution holds one, and which wait for one, in which order.

A concurrency key is one limit: a workflow, and a value of its key expression. Each slot is an item of its own, with the
execution that holds it and the time at which the lease is checked. There is no counter that could be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from engine import limits
from engine.history.model import Execution
from engine.storage.dynamodb.table import ConditionFailed, Put, Table
from engine.storage.execution_record import admitted, check, queue_is_checked, withdrawn
from engine.workflow.definition import WhenFull

_LEASE, _QUEUE, _WATCH = "HOLD#", "QUEUE#", "WATCH"


@dataclass(frozen=True, slots=True)
class Lease:
    """A taken slot; `next_check_at` is when its holder is checked."""

    slot: int
    execution_id: str
    next_check_at: str


@dataclass(frozen=True, slots=True)
class Queued:
    """An execution that waits for a slot, with the limit of its workflow version."""

    execution_id: str
    limit: int
    when_full: WhenFull = "queue"


def concurrency_key_of(workflow_id: str, key: str | None) -> str:
    """Return the name of a limit."""
    return workflow_id if key is None else f"{workflow_id}#{sha256(key.encode()).hexdigest()[:32]}"


def concurrency_key_in(pk: str) -> str:
    """Return the name of the limit whose items have this key."""
    return pk.removeprefix("CONCURRENCY#")


class SlotRepository:
    """Reads and writes concurrency keys, their leases and queues."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def queue_entry(self, execution: Execution) -> Put:
        """Return the item that queues a new execution; it is put in one transaction with the record."""
        if execution.queue_position is None:
            raise ValueError("only an execution with a limit is queued")
        return Put(
            {
                "PK": f"CONCURRENCY#{execution.queue_position.concurrency_key}",
                "SK": f"{_QUEUE}{execution.id}",
                "execution_id": execution.id,
                "limit": execution.queue_position.limit,
                "when_full": execution.queue_position.when_full,
            }
        )

    def leases(self, concurrency_key: str) -> list[Lease]:
        """Return the taken slots."""
        found = self._table.query(f"CONCURRENCY#{concurrency_key}", after=_LEASE, before=f"{_LEASE}~")
        return [Lease(int(item["SK"][len(_LEASE) :]), item["execution_id"], item["next_check_at"]) for item in found]

    def first_in_queue(self, concurrency_key: str) -> Queued | None:
        """Return the first execution in the queue."""
        return next(iter(self.queue(concurrency_key, 1)), None)

    def queue(self, concurrency_key: str, most: int | None = None) -> list[Queued]:
        """Return the queued executions in order."""
        found = self._table.query(f"CONCURRENCY#{concurrency_key}", after=_QUEUE, before=f"{_QUEUE}~", limit=most)
        return [Queued(item["execution_id"], item["limit"], item["when_full"]) for item in found]

    def admit(self, concurrency_key: str, execution_id: str, slot: int, now: datetime) -> None:
        """Give a slot to a queued execution: slot, queue and record change together or not at all.

        Raises:
            ConditionFailed: `index` 0 where the slot is taken, 1 where the execution is no longer
                queued, 2 where it has ended or does not exist.
        """
        lease = {
            "PK": f"CONCURRENCY#{concurrency_key}",
            "SK": f"{_LEASE}{slot:04d}",
            "execution_id": execution_id,
            **check(concurrency_key, now + timedelta(seconds=limits.LEASE_LENGTH)),
        }
        admission = admitted(execution_id, slot, now + timedelta(seconds=limits.CHECK_GRACE))
        queue = self._table.delete_entry(f"CONCURRENCY#{concurrency_key}", f"{_QUEUE}{execution_id}")
        self._table.transact([Put(lease), queue, admission.entry(self._table, execution_id)])

    def leave_queue(self, concurrency_key: str, execution_id: str) -> None:
        """Remove an execution that has ended from the queue."""
        self._table.delete(f"CONCURRENCY#{concurrency_key}", f"{_QUEUE}{execution_id}")

    def release(self, concurrency_key: str, slot: int, execution_id: str) -> None:
        """Free a slot, if this execution holds it."""
        self._table.delete_where(
            f"CONCURRENCY#{concurrency_key}", f"{_LEASE}{slot:04d}", "#execution_id = :id", {"id": execution_id}
        )

    def withdraw(self, concurrency_key: str, execution_id: str, at: datetime, held: Mapping[str, Any]) -> bool:
        """End an execution that is still queued, and remove it from the queue; return False if it has a slot by now."""
        try:
            self._table.transact(
                [
                    self._table.delete_entry(f"CONCURRENCY#{concurrency_key}", f"{_QUEUE}{execution_id}"),
                    withdrawn(at, held).entry(self._table, execution_id),
                ]
            )
        except ConditionFailed:
            return False
        return True

    # -- checking a queue -----------------------------------------------------------------------------

    def schedule_queue_check(self, concurrency_key: str, at: datetime) -> None:
        """Schedule a check of a concurrency key while executions wait for it: one item for the whole queue."""
        changes = check(concurrency_key, at)
        self._table.update(f"CONCURRENCY#{concurrency_key}", _WATCH, changes, add={"asked": 1}, condition="")

    def leave_to_recovery(self, execution_id: str) -> None:
        """Stop checking a queued execution individually; it is checked again when it has its slot."""
        with suppress(ConditionFailed):
            queue_is_checked().make(self._table, execution_id)

    def asked(self, concurrency_key: str) -> int:
        """Return how often a check of a concurrency key was requested."""
        return int((self._table.get(f"CONCURRENCY#{concurrency_key}", _WATCH) or {}).get("asked", 0))

    def unwatch(self, concurrency_key: str, asked: int) -> bool:
        """Stop checking a concurrency key, unless a check was requested since `asked` was read."""
        return self._table.delete_where(f"CONCURRENCY#{concurrency_key}", _WATCH, "#asked = :asked", {"asked": asked})


def is_watch(sk: str) -> bool:
    """Return whether the item with this key schedules the check of a queue; all others are slots."""
    return sk == _WATCH
