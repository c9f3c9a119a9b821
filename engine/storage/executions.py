"""Executions: their records, journals and logs, and the idempotency of starting them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engine import limits
from engine.errors import ExecutionLost, NotFound
from engine.execution import OPEN_STATUSES, Execution, LogLine, Status, format_time, parse_time
from engine.ids import first_id_at, new_id
from engine.journal import Entry, Outcome, Timer
from engine.jsonvalue import dumps
from engine.storage.payloads import OMITTED, Packed, PayloadStore
from engine.storage.table import ConditionFailed, Item, Page, Put, Table, id_cursor

_OPEN = sorted(OPEN_STATUSES)
_IDEMPOTENCY_SECONDS = 24 * 3600
_MOST_PAGES = 10


@dataclass(frozen=True, slots=True)
class Started:
    """What starting gave: the execution, and whether this call made it."""

    execution: Execution
    is_new: bool
    same_request: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """Which executions a list shows; times are those of creation."""

    workflow_id: str | None = None
    status: Status | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class ExecutionRepository:
    """Reads and writes executions. Journal and log items live as long as an execution can, and then the retention."""

    def __init__(self, table: Table, payloads: PayloadStore, retention_days: int) -> None:
        self._table = table
        self._payloads = payloads
        self._retention = timedelta(days=retention_days)

    # -- records -------------------------------------------------------------------------------------------

    def create(self, execution: Execution, idempotency_key: str | None, request_hash: str) -> Started:
        """Store a new execution, or find the one that the same idempotency key made before.

        Any number of calls with one key at once make one execution: record and key are one transaction.
        """
        record = Put(self._record(execution))
        if idempotency_key is None:
            # The id is new, so what may stand there is our own, written by a try whose answer was lost.
            with suppress(ConditionFailed):
                self._table.put(record.item, if_absent=True)
            return Started(execution, is_new=True)
        expires_at = int(execution.created_at.timestamp()) + _IDEMPOTENCY_SECONDS
        key = {
            "PK": f"IDEMPOTENCY#{execution.workspace_id}#{idempotency_key}",
            "SK": "START",
            "execution_id": execution.id,
            "request_hash": request_hash,
            "expires_at": expires_at,
        }
        try:
            self._table.transact([Put(key), record])
        except ConditionFailed as failed:
            if failed.item is None or "execution_id" not in failed.item:
                raise
            before = self.get(execution.workspace_id, failed.item["execution_id"])
            return Started(before, is_new=False, same_request=failed.item["request_hash"] == request_hash)
        return Started(execution, is_new=True)

    def get(self, workspace_id: str, execution_id: str, *, payloads: bool = True) -> Execution:
        """The record; without `payloads` its trigger, result and error are not read.

        Raises:
            NotFound: it is not there, or belongs to another workspace.
        """
        item = self._table.get(f"EXECUTION#{execution_id}", "META")
        if item is None or item["workspace_id"] != workspace_id:
            raise NotFound("there is no such execution")
        return self._execution(item, payloads=payloads)

    def page(self, workspace_id: str, wanted: Filter, cursor: str | None, limit: int) -> Page:
        """Executions without input, result and error details, the newest first.

        A page may hold fewer than `limit` though there is more, when few of many have the wanted status.
        """
        index, pk_name, pk = "by-workspace", "workspace_key", f"{workspace_id}#EXECUTIONS"
        if wanted.workflow_id:
            index, pk_name, pk = "by-workflow", "workflow_key", f"{workspace_id}#WORKFLOW#{wanted.workflow_id}"
        after = first_id_at(wanted.created_after) if wanted.created_after else None
        before = id_cursor(cursor) or (first_id_at(wanted.created_before) if wanted.created_before else None)
        found: list[Execution] = []
        for _ in range(_MOST_PAGES):
            if after is not None and before is not None and after > before:
                return Page(found, None)
            keys = self._table.query(
                pk,
                index=index,
                pk_name=pk_name,
                sk_name="id",
                after=after,
                before=before,
                limit=limits.MAX_PAGE_SIZE,
                descending=True,
            )
            read = [key["id"] for key in keys]
            ids = [execution_id for execution_id in read if execution_id != before]
            items = self._table.get_many([(f"EXECUTION#{execution_id}", "META") for execution_id in ids])
            for execution_id in ids:
                item = items.get((f"EXECUTION#{execution_id}", "META"))
                if item is None or item["workspace_id"] != workspace_id:
                    continue
                if wanted.status is None or item["status"] == wanted.status:
                    found.append(self._execution(item, payloads=False))
                if len(found) == limit:
                    more = execution_id != ids[-1] or len(read) == limits.MAX_PAGE_SIZE
                    return Page(found, execution_id if more else None)
            if len(read) < limits.MAX_PAGE_SIZE:
                return Page(found, None)
            before = read[-1]
        return Page(found, before)

    def status(self, execution_id: str) -> Status:
        """The status as it is now.

        Raises:
            ExecutionLost: there is no record.
        """
        item = self._table.get(f"EXECUTION#{execution_id}", "META", ["status"])
        if item is None:
            raise ExecutionLost(f"there is no execution {execution_id}")
        return Status(item["status"])

    def mark(self, execution_id: str, status: Status, started_at: datetime) -> None:
        """Note an open status; a final one that is there stays."""
        try:
            self._table.update(
                f"EXECUTION#{execution_id}",
                "META",
                {"status": str(status), "started_at": format_time(started_at)},
                condition=_status_is_open(),
                values=_open_values(),
            )
        except ConditionFailed as failed:
            if failed.item is None:
                raise ExecutionLost(f"there is no execution {execution_id}") from None

    def finish(
        self,
        execution_id: str,
        status: Status,
        at: datetime,
        *,
        started_at: datetime | None = None,
        result: Any = None,
        error: dict[str, Any] | None = None,
    ) -> tuple[Status, bool]:
        """Note the final status, unless there is one.

        Returns:
            The status that stands then, and whether this call wrote it.

        Raises:
            ExecutionLost: there is no record.
        """
        changes = {
            "status": str(status),
            "started_at": format_time(started_at) if started_at else None,
            "completed_at": format_time(at),
            "result": self._payloads.pack(result, execution_id),
            "error": self._payloads.pack(error, execution_id),
            "expires_at": int((at + self._retention).timestamp()),
        }
        try:
            self._table.update(
                f"EXECUTION#{execution_id}",
                "META",
                {name: value for name, value in changes.items() if value is not None},
                condition=_status_is_open(),
                values=_open_values(),
            )
        except ConditionFailed as failed:
            if failed.item is None:
                raise ExecutionLost(f"there is no execution {execution_id}") from None
            return Status(failed.item["status"]), False
        return status, True

    # -- journal -------------------------------------------------------------------------------------------

    def load(self, execution_id: str, at_most: int | None = None) -> tuple[Execution, list[Entry]]:
        """The record and the journal, in one query; values over `at_most` bytes are OMITTED.

        Raises:
            ExecutionLost: there is no record.
        """
        execution: Execution | None = None
        entries: dict[str, Entry] = {}
        for item in self._table.query(f"EXECUTION#{execution_id}", after="META"):
            if item["SK"] == "META":
                execution = self._execution(item, at_most=at_most)
                continue
            if "entry" in item:
                entry = _entry(json.loads(item["entry"]), self._payloads.unpack(item.get("output"), at_most))
                entries[entry.key] = entry
            for packed in self._payloads.unpack(item.get("outcomes")) or ():
                outcome = _entry(packed, packed["output"])
                entries.setdefault(outcome.key, outcome)
        if execution is None:
            raise ExecutionLost(f"there is no execution {execution_id}")
        return execution, list(entries.values())

    def load_own(self, workspace_id: str, execution_id: str, at_most: int) -> tuple[Execution, list[Entry]]:
        """As `load`, for a caller of a workspace.

        Raises:
            NotFound: it is not there, or belongs to another workspace.
        """
        try:
            execution, entries = self.load(execution_id, at_most)
        except ExecutionLost:
            raise NotFound("there is no such execution") from None
        if execution.workspace_id != workspace_id:
            raise NotFound("there is no such execution")
        return execution, entries

    def record(self, execution_id: str, entry: Entry, along: Sequence[Outcome], at: datetime) -> Entry:
        """Write a journal entry unless its key is taken; gives the one that stands there then.

        The same item keeps the outcomes `along`, which any driver would compute alike.
        """
        item = {
            "PK": f"EXECUTION#{execution_id}",
            "SK": f"NODE#{entry.key}",
            "entry": dumps(_entry_facts(entry)),
            "output": self._payloads.pack(entry.output, execution_id),
            "outcomes": self._pack_outcomes(along, execution_id),
            "expires_at": self._journal_expiry(at),
        }
        try:
            self._table.put(item, if_absent=True)
        except ConditionFailed as failed:
            if failed.item is None:
                raise
            return _entry(json.loads(failed.item["entry"]), self._payloads.unpack(failed.item.get("output")))
        return entry

    def record_recomputable(self, execution_id: str, outcomes: Sequence[Outcome], at: datetime) -> None:
        """Write outcomes that any driver would compute alike, as one item."""
        item = {
            "PK": f"EXECUTION#{execution_id}",
            "SK": f"NODES#{new_id()}",
            "outcomes": self._pack_outcomes(outcomes, execution_id),
            "expires_at": self._journal_expiry(at),
        }
        self._table.put(item)

    # -- log -----------------------------------------------------------------------------------------------

    def log(self, execution_id: str, lines: Sequence[LogLine], at: datetime) -> None:
        """Append lines, as one item whose key is the time of writing."""
        packed = [
            [format_time(line.timestamp), line.level, line.node_id, line.message, line.metadata] for line in lines
        ]
        item = {
            "PK": f"EXECUTION#{execution_id}",
            "SK": f"LOG#{new_id()}",
            "lines": self._payloads.pack(packed, execution_id),
            "expires_at": self._journal_expiry(at),
        }
        self._table.put(item)

    def logs(self, execution_id: str, batch: str | None, line: int, limit: int) -> list[tuple[str, LogLine]]:
        """At most `limit` log lines after line number `line` of `batch`, oldest first, each with its cursor."""
        result: list[tuple[str, LogLine]] = []
        after = f"LOG#{batch or ''}"
        for item in self._table.query(f"EXECUTION#{execution_id}", after=after, before="LOG$"):
            name = item["SK"].removeprefix("LOG#")
            for number, packed in enumerate(self._payloads.unpack(item["lines"])):
                if name == batch and number <= line:
                    continue
                timestamp, level, node_id, message, metadata = packed
                result.append((f"{name}.{number}", LogLine(parse_time(timestamp), level, message, node_id, metadata)))
                if len(result) == limit:
                    return result
        return result

    def _pack_outcomes(self, outcomes: Sequence[Outcome], execution_id: str) -> Packed | None:
        facts = [{**_entry_facts(outcome), "output": outcome.output} for outcome in outcomes]
        return self._payloads.pack(facts, execution_id) if facts else None

    # -- codec ---------------------------------------------------------------------------------------------

    def _journal_expiry(self, at: datetime) -> int:
        return int((at + self._retention).timestamp()) + limits.MAX_DELAY

    def _record(self, execution: Execution) -> Item:
        return {
            "PK": f"EXECUTION#{execution.id}",
            "SK": "META",
            "id": execution.id,
            "workspace_key": f"{execution.workspace_id}#EXECUTIONS",
            "workflow_key": f"{execution.workspace_id}#WORKFLOW#{execution.workflow_id}",
            "workspace_id": execution.workspace_id,
            "workflow_id": execution.workflow_id,
            "workflow_version": execution.workflow_version,
            "status": str(execution.status),
            "trigger_type": execution.trigger_type,
            "triggered_by": execution.triggered_by,
            "trigger": self._payloads.pack(execution.trigger, execution.id),
            "created_at": format_time(execution.created_at),
        }

    def _execution(self, item: Item, *, payloads: bool = True, at_most: int | None = None) -> Execution:
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
            started_at=parse_time(item["started_at"]) if "started_at" in item else None,
            completed_at=parse_time(item["completed_at"]) if "completed_at" in item else None,
        )
        if not payloads:
            return execution
        trigger = self._payloads.unpack(item["trigger"], at_most)
        return replace(
            execution,
            trigger={"body": OMITTED} if trigger is OMITTED else trigger,
            result=self._payloads.unpack(item.get("result"), at_most),
            error=self._payloads.unpack(item.get("error")),
        )


def _status_is_open() -> str:
    return f"#status IN ({', '.join(f':open_{status}' for status in _OPEN)})"


def _open_values() -> dict[str, str]:
    return {f"open_{status}": str(status) for status in _OPEN}


def _entry_facts(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Timer):
        facts = {"due_at": format_time(entry.due_at), "next_attempt": entry.next_attempt}
    else:
        facts = {"status": entry.status, "attempts": entry.attempts, "completed_at": format_time(entry.completed_at)}
    common = {"path": entry.path, "port": entry.port, "error": entry.error, "started_at": format_time(entry.started_at)}
    return {**common, **facts}


def _entry(facts: dict[str, Any], output: Any) -> Entry:
    started_at = parse_time(facts["started_at"])
    if "due_at" in facts:
        due_at = parse_time(facts["due_at"])
        return Timer(facts["path"], due_at, started_at, facts["next_attempt"], facts["error"], output, facts["port"])
    return Outcome(
        facts["path"],
        facts["status"],
        started_at,
        parse_time(facts["completed_at"]),
        facts["port"],
        output,
        facts["error"],
        facts["attempts"],
    )
