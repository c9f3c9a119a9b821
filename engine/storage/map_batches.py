"""Distributed loops: the records of their map batches, and their progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from zlib import crc32

from engine.clock import format_time
from engine.history.model import Execution, Status
from engine.history.usage import Bill
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import ConditionFailed, Table
from engine.storage.execution_record import CHECK, bill_counts, finished, given_up
from engine.storage.executions import ExecutionRepository
from engine.storage.payloads import Packed, PayloadStore

_CHUNK = 100


_COUNTERS = 8
"""Number of items that count the progress of a loop, since its batches end at about the same time."""


class MapBatchFailed(Exception):
    """A map batch did not succeed, so there is nothing to join."""

    def __init__(self, part: str) -> None:
        super().__init__(f"the part {part} has not succeeded")
        self.part = part


class MapBatchRepository:
    """Reads and writes map batches, whose records have the form of executions but are in no list."""

    def __init__(self, table: Table, payloads: PayloadStore, executions: ExecutionRepository) -> None:
        self._table = table
        self._payloads = payloads
        self._executions = executions

    def create_batch(self, whole: Execution, batch_id: str) -> Execution:
        """Return the record of a map batch, created if missing."""
        part = replace(
            whole,
            id=batch_id,
            status=Status.PENDING,
            trigger={},
            caller=None,
            place=None,
            result=None,
            error=None,
            started_at=None,
            completed_at=None,
            bill=Bill(),
            driver_attempt=1,
            signals=0,
            stalled_attempts=0,
            progress={},
        )
        item = self._executions.encoded(part)
        for name in ("workspace_key", "workflow_key", "trigger", *CHECK):
            del item[name]
        try:
            self._table.put(item, if_absent=True)
        except ConditionFailed as failed:
            if failed.item is None:
                raise
            return self._executions.decoded(*self._executions.with_payloads([failed.item]))
        return part

    def give_up(self, batch_id: str) -> None:
        """End a map batch that is no longer needed, because its loop or its execution has ended."""
        with suppress(ConditionFailed):
            given_up().make(self._table, batch_id)

    def finish_batch(
        self, batch_id: str, whole_id: str, path: str, end: Mapping[str, Any], items: tuple[int, int]
    ) -> Status:
        """End a map batch and add to its loop's progress, atomically; return the status afterwards.

        Args:
            batch_id: the map batch.
            whole_id: the execution.
            path: the loop.
            end: status, at, started_at, result, error, bill.
            items: how many items it had, and how many of these failed.
        """
        held = {
            "started_at": format_time(end["started_at"]),
            "result": self._executions.put_apart(f"EXECUTION#{batch_id}", self._payloads.pack(end["result"], whole_id)),
            "error": self._payloads.pack(end["error"], whole_id),
        }
        ended = finished(end["status"], end["at"], held, remove=CHECK, is_listed=False)
        counts = {"done": items[0], "failed": items[1], **bill_counts(end["bill"])}
        counted = update_arguments({}, (), "", {}, counts)
        try:
            self._table.transact(
                [
                    ended.entry(self._table, batch_id),
                    self._table.update_entry(f"EXECUTION#{whole_id}", _counter_of(batch_id, path), counted),
                ]
            )
        except ConditionFailed as failed:
            if failed.item is None:
                raise
            return Status(failed.item["status"])
        return Status(end["status"])

    def progress(self, execution_id: str, path: str) -> Item:
        """Return the progress of a distributed loop.

        `done` items, how many of these `failed`, the number of the `map_attempt`, how many were `done_before` it, and
        how many attempts before it were `stalled_attempts`.
        """
        found = {"done": 0, "failed": 0, "map_attempt": 0, "done_before": -1, "stalled_attempts": 0}
        begin = f"PROGRESS#{path}"
        for item in self._table.query(f"EXECUTION#{execution_id}", after=begin, before=f"{begin}#~"):
            counts = {name: found[name] + item.get(name, 0) for name in ("done", "failed")}
            found |= {**item, **counts}
        return found

    def begin_join(self, execution_id: str, path: str) -> int:
        """Count an attempt to join the results of a loop's batches; return how many there were."""
        item = self._table.update(f"EXECUTION#{execution_id}", f"PROGRESS#{path}", {}, add={"joins": 1}, condition="")
        return int(item["joins"])

    def next_map_attempt(self, execution_id: str, path: str, before: Item, batches: int) -> bool:
        """Reserve the next map attempt after the progress `before`; return False if another process has.

        The number of `batches` of the loop is stored, so that the purge of the execution finds them.
        """
        current = before["map_attempt"]
        condition = "#map_attempt = :map_attempt" if current else "attribute_not_exists(#map_attempt)"
        changes = {
            "map_attempt": current + 1,
            "done_before": before["done"],
            "stalled_attempts": before["stalled_attempts"] + 1 if before["done"] == before["done_before"] else 0,
            "batches": batches,
        }
        try:
            self._table.update(
                f"EXECUTION#{execution_id}",
                f"PROGRESS#{path}",
                changes,
                condition=condition,
                values={"map_attempt": current} if current else {},
            )
        except ConditionFailed:
            return False
        return True

    def results(self, batch_ids: Sequence[str]) -> Iterator[Packed]:
        """Yield the result of each map batch, in order, packed.

        Raises:
            MapBatchFailed: a batch did not succeed.
        """
        for start in range(0, len(batch_ids), _CHUNK):
            records = []
            for batch_id, item in self._records(batch_ids[start : start + _CHUNK]):
                if item is None or item["status"] != Status.SUCCEEDED:
                    raise MapBatchFailed(batch_id)
                records.append(item)
            yield from (item["result"] for item in self._executions.with_payloads(records))

    def open_batches(self, batch_ids: Sequence[str]) -> list[str]:
        """Return those map batches that have begun and not ended."""
        return [
            batch_id
            for batch_id, item in self._records(batch_ids)
            if item is not None and not Status(item["status"]).is_final
        ]

    def _records(self, batch_ids: Sequence[str]) -> Iterator[tuple[str, Item | None]]:
        for start in range(0, len(batch_ids), _CHUNK):
            chunk = batch_ids[start : start + _CHUNK]
            found = self._executions.attributes(chunk)
            yield from ((batch_id, found.get(batch_id)) for batch_id in chunk)


def _counter_of(batch_id: str, path: str) -> str:
    """Return the item that counts the progress of a map batch."""
    return f"PROGRESS#{path}#{crc32(batch_id.encode()) % _COUNTERS}"
