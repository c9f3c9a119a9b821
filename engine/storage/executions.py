"""The records of executions: created once, marked, finished once; and when each is checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engine import limits
from engine.clock import format_time, parse_time
from engine.errors import ExecutionLost, NotFound
from engine.history.model import Execution, Status
from engine.history.usage import Bill
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import ConditionFailed, Page, Put, Table
from engine.storage.error_summaries import beside, brief_in
from engine.storage.execution_lists import ExecutionLists, Filter
from engine.storage.execution_record import (
    Change,
    CheckKind,
    bill_in,
    check,
    decoded,
    encoded,
    finalization_failed,
    finished,
    marked,
    record_key,
    retired,
)
from engine.storage.payloads import Packed, PayloadStore
from engine.storage.record_payloads import is_apart, set_apart, with_payloads


@dataclass(frozen=True, slots=True)
class Started:
    """The result of a start: the execution, and whether this call created it."""

    execution: Execution
    is_new: bool
    same_request: bool = True


@dataclass(frozen=True, slots=True)
class Driver:
    """What recovery knows of an execution beside its record: its suspension, and recovery attempts without progress."""

    execution: Execution
    task_token: str | None
    seen_signals: int
    suspended_until: datetime | None
    recovery_attempts: int


class ExecutionRepository:
    """Reads and writes the records of executions, and those of map batches, which have the same form."""

    def __init__(self, table: Table, payloads: PayloadStore, retention_days: int) -> None:
        self._table = table
        self._payloads = payloads
        self._retention = timedelta(days=retention_days)

    # -- starting ------------------------------------------------------------------------------------------

    def create(
        self,
        execution: Execution,
        idempotency_key: str | None,
        request_hash: str,
        also: Sequence[Put] = (),
        *,
        remember: int = limits.IDEMPOTENCY_SECONDS,
        other_keys: Sequence[str] = (),
    ) -> Started:
        """Store a new execution, or find the one that the same idempotency key or id created before.

        Concurrent calls with one key create one execution: record, keys and the other puts are one transaction. The
        keys are kept for `remember` seconds; any of `other_keys` counts like the first.
        """
        item = self.encoded(execution)
        item["trigger"], apart = set_apart(item["PK"], "trigger", item["trigger"])
        record = Put(item)
        if idempotency_key is None and not also and apart is None:
            try:
                self._table.put(record.item, if_absent=True)
            except ConditionFailed as failed:
                if failed.item is None:
                    raise
                return self._already_created(failed.item, execution)
            return Started(execution, is_new=True)
        expires_at = int(execution.created_at.timestamp()) + remember
        keys = [
            Put(
                {
                    "PK": f"IDEMPOTENCY#{execution.workspace_id}#{key}",
                    "SK": "START",
                    "execution_id": execution.id,
                    "request_hash": request_hash,
                    "expires_at": expires_at,
                },
                now=int(execution.created_at.timestamp()),
            )
            for key in ([] if idempotency_key is None else [idempotency_key, *other_keys])
        ]
        writes = [*keys, record, *also, *([Put(apart, if_absent=False)] if apart else [])]
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            if failed.item is None:
                raise
            if failed.item["SK"] != "START":
                return self._already_created(failed.item, execution)
            before = self.get(execution.workspace_id, failed.item["execution_id"])
            return Started(before, is_new=False, same_request=failed.item["request_hash"] == request_hash)
        return Started(execution, is_new=True)

    def _already_created(self, record: Item, execution: Execution) -> Started:
        is_own = record["secret"] == execution.secret  # this call's own write, repeated by the client
        return Started(self.decoded(*with_payloads(self._table, [record])), is_new=is_own)

    # -- reading -------------------------------------------------------------------------------------------

    def get(self, workspace_id: str, execution_id: str, *, payloads: bool = True) -> Execution:
        """Return the record; without `payloads` its trigger, result and error are not read.

        Raises:
            NotFound: the execution does not exist, or belongs to another workspace.
        """
        item = self._table.get(*record_key(execution_id))
        if item is None or item["workspace_id"] != workspace_id:
            raise NotFound("there is no such execution")
        return self.decoded(*self._opened([item], payloads=payloads), payloads=payloads)

    def find(self, execution_id: str, *, payloads: bool = False, at_most: int | None = None) -> Driver | None:
        """Return the record from any workspace, for internal use; None if there is none.

        Of its `payloads` those of more than `at_most` bytes are OMITTED.
        """
        item = self._table.get(*record_key(execution_id))
        if item is None:
            return None
        suspended_until = parse_time(item["suspended_until"]) if "suspended_until" in item else None
        seen, recovery_attempts = int(item.get("seen_signals", 0)), int(item.get("recovery_attempts", 0))
        execution = self.decoded(*self._opened([item], payloads=payloads), payloads=payloads, at_most=at_most)
        return Driver(execution, item.get("task_token"), seen, suspended_until, recovery_attempts)

    def partition(self, execution_id: str, *, after: str = "META") -> list[Item]:
        """Return an execution's items except its log: record, history, progress of its distributed loops."""
        return list(self._table.query(f"EXECUTION#{execution_id}", after=after))

    def whole(self, execution_id: str) -> tuple[Execution, list[Item]] | None:
        """Return the record with the progress of its distributed loops, and its partition's items; None if absent."""
        items = self.partition(execution_id)
        if not items or items[0]["SK"] != "META":
            return None
        progress = [item for item in items if item["SK"].startswith("PROGRESS#")]
        # A query may see the record before other items of the same transaction: those are then read by key.
        record = with_payloads(self._table, items[:1], items)[0]
        return self.decoded(record, progress=progress), [item for item in items if not is_apart(item)]

    def with_progress(self, workspace_id: str, execution_id: str, at_most: int) -> Execution:
        """Return the record with the progress of its distributed loops; larger values than the bound are OMITTED.

        Raises:
            NotFound: the execution does not exist, or belongs to another workspace.
        """
        pk = f"EXECUTION#{execution_id}"
        item = self._table.get(pk, "META")
        if item is None or item["workspace_id"] != workspace_id:
            raise NotFound("there is no such execution")
        progress = list(self._table.query(pk, after="PROGRESS#", before="PROGRESS$"))
        return self.decoded(*with_payloads(self._table, [item]), at_most=at_most, progress=progress)

    def page(self, workspace_id: str, wanted: Filter, cursor: str | None, limit: int) -> Page:
        """Return executions without input and result and with the summary of their error, newest first.

        A page may have fewer than `limit` though more follow, if few of many match.
        """
        found = ExecutionLists(self._table).page(workspace_id, wanted, cursor, limit)
        items = [
            replace(self.decoded(item, payloads=False), error=brief_in(item, self._payloads)) for item in found.items
        ]
        return Page(items, found.next_cursor)

    def bill_of_maps(self, execution_id: str) -> Bill:
        """Return the usage of the drivers of an execution's distributed maps."""
        items = self._table.query(f"EXECUTION#{execution_id}", after="PROGRESS#", before="PROGRESS$")
        return sum((bill_in(item) for item in items), Bill())

    def newest_of(self, workspace_id: str, workflow_id: str, most: int) -> Iterator[str]:
        """Return the ids of a workflow's newest executions."""
        keys = self._table.query(
            f"{workspace_id}#WORKFLOW#{workflow_id}",
            index="by-workflow",
            pk_name="workflow_key",
            sk_name="id",
            limit=most,
            descending=True,
        )
        return (key["id"] for key in keys)

    def attributes(self, execution_ids: Sequence[str]) -> dict[str, Item]:
        """Return the stored records of the existing ones of these executions, by id."""
        found = self._table.get_many([record_key(execution_id) for execution_id in execution_ids])
        return {pk.removeprefix("EXECUTION#"): item for (pk, _), item in found.items()}

    def with_payloads(self, records: Sequence[Item]) -> list[Item]:
        """Return stored records with their separate payloads, for `decoded`. Raises Unavailable."""
        return with_payloads(self._table, records)

    def _opened(self, records: Sequence[Item], *, payloads: bool) -> Sequence[Item]:
        return with_payloads(self._table, records) if payloads else records

    def status_of_late(self, execution_id: str) -> Status | None:
        """Return the current status, or a slightly older one: a cheap read for frequent callers."""
        key = record_key(execution_id)
        found = self._table.get_many([key], ("status",), consistent=False)
        return Status(found[key]["status"]) if key in found else None

    # -- driving and ending ------------------------------------------------------------------------------------

    def mark(
        self,
        execution_id: str,
        status: Status,
        started_at: datetime,
        next_check_at: datetime | None = None,
        bill: Bill | None = None,
        logged: Sequence[str] = (),
        *,
        driver_attempt: int = 1,
        stalled_invocations: int = 0,
    ) -> None:
        """Set an open status, usage, and the next check; a final status stays.

        What a driver newer than `driver_attempt` has written stays, too. An invocation without progress, the
        `stalled_invocations`th in a row, does not reset the count of recovery attempts. `logged` are drivers all of
        whose lines are in the log.
        """
        change = marked(
            execution_id,
            status,
            started_at,
            driver_attempt=driver_attempt,
            next_check_at=next_check_at,
            bill=bill,
            logged=logged,
            stalled_invocations=stalled_invocations,
        )
        with suppress(_Over):
            self._change_open(execution_id, change)

    def finish(
        self,
        execution_id: str,
        status: Status,
        at: datetime,
        *,
        started_at: datetime | None = None,
        result: Any = None,
        error: dict[str, Any] | None = None,
        next_check_at: datetime | None = None,
        bill: Bill | None = None,
    ) -> tuple[Status, bool]:
        """Set the final status, unless there is one; `next_check_at` schedules a check by recovery.

        Returns:
            The status afterwards, and whether this call wrote it.

        Raises:
            ExecutionLost: there is no record.
        """
        packed_error = self._payloads.pack(error, execution_id)
        held = {
            "started_at": format_time(started_at) if started_at else None,
            "result": self.put_apart(f"EXECUTION#{execution_id}", self._payloads.pack(result, execution_id)),
            "error": packed_error,
            **beside(error, packed_error),
            **(check(execution_id, next_check_at) if next_check_at else self.kept(execution_id, at)),
        }
        try:
            self._change_open(execution_id, finished(status, at, held, bill=bill, remove=("task_token",)))
        except _Over as over:
            # The client repeats a write whose response was lost, and then meets its own first write.
            is_own = over.status is status and over.completed_at == format_time(at)
            return over.status, is_own
        return status, True

    def put_apart(self, pk: str, result: Packed | None) -> Any:
        """Write a large result to an item beside the record; return what the record contains instead.

        It needs no transaction: until the record refers to it nobody sees it, and it is removed with the partition.
        """
        held, apart = set_apart(pk, "result", result)
        if apart is not None:
            self._table.put(apart)
        return held

    def kept(self, execution_id: str, ended_at: datetime) -> dict[str, str]:
        """Return the attributes of a record that needs no more checks, until its retention is over and it is purged.

        It stays in the index of due items, so the purge needs no other message, and none can be lost.
        """
        return check(execution_id, ended_at + self._retention, CheckKind.PURGE)

    def retire(self, execution: Execution) -> None:
        """Stop checking an execution: it has ended, and its finalization is done."""
        ended_at = execution.completed_at or execution.created_at
        with suppress(ConditionFailed):
            retired(self.kept(execution.id, ended_at)).make(self._table, execution.id)

    def finalization_failed(self, execution: Execution, now: datetime) -> int:
        """Count a failed finalization, and schedule the next; return how many failed so far.

        The waits grow. When the retention of the record is over, it is not tried again, and the execution is purged.
        """
        kept = self.kept(execution.id, execution.completed_at or execution.created_at)
        is_over = kept["next_check_at"] <= format_time(now)
        try:
            item = finalization_failed(kept if is_over else {}).make(self._table, execution.id)
        except ConditionFailed:
            return 0  # the record no longer exists
        tries = int(item["failed_finalizations"])
        if not is_over:
            pause = min(limits.CHECK_AGAIN * 2 ** min(tries - 1, 30), limits.CHECK_LONGEST)
            at = min(format_time(now + timedelta(seconds=pause)), kept["next_check_at"])
            with suppress(ConditionFailed):
                self._table.update(
                    *record_key(execution.id), {"next_check_at": at}, condition="attribute_exists(#next_check_at)"
                )
        return tries

    def _change_open(self, execution_id: str, change: Change) -> None:
        """Change an open record. Raises ExecutionLost if there is none, _Over if it is not open."""
        try:
            change.make(self._table, execution_id)
        except ConditionFailed as failed:
            if failed.item is None:
                raise ExecutionLost(f"there is no execution {execution_id}") from None
            raise _Over(Status(failed.item["status"]), failed.item.get("completed_at")) from None

    # -- codec ---------------------------------------------------------------------------------------------

    def encoded(self, execution: Execution) -> Item:
        """Return the record of a new execution as an item."""
        return encoded(execution, self._payloads)

    def decoded(
        self, item: Item, *, payloads: bool = True, at_most: int | None = None, progress: Sequence[Item] = ()
    ) -> Execution:
        """Return the execution in a stored record; `progress` are the items of its distributed loops."""
        return decoded(item, self._payloads if payloads else None, at_most=at_most, progress=progress)


class _Over(Exception):
    """The execution has a final status already."""

    def __init__(self, status: Status, completed_at: str | None) -> None:
        super().__init__(str(status))
        self.status = status
        self.completed_at = completed_at
