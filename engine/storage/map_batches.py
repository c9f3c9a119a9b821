"""Distributed loops: the records of their map batches, and their progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from zlib import crc32

from engine.clock import format_time
from engine.history.execution_ref import ExecutionRef
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

    def __init__(self, batch: ExecutionRef) -> None:
        super().__init__(f"the map batch {batch} has not succeeded")
        self.batch = batch


class MapBatchRepository:
    """Reads and writes map batches, whose records have the form of executions but are in no list."""

    def __init__(self, table: Table, payloads: PayloadStore, executions: ExecutionRepository) -> None:
        self._table = table
        self._payloads = payloads
        self._executions = executions

    def create_batch(self, whole: Execution, ref: ExecutionRef) -> Execution:
        """Return the record of a map batch, created if missing."""
        record = replace(
            whole,
            id=str(ref),
            status=Status.PENDING,
            trigger={},
            caller=None,
            queue_position=None,
            result=None,
            error=None,
            started_at=None,
            completed_at=None,
            bill=Bill(),
            driver_attempt=1,
            signals=0,
            stalled_invocations=0,
            progress={},
        )
        item = self._executions.encoded(record)
        for name in ("workspace_key", "workflow_key", "trigger", *CHECK):
            del item[name]
        try:
            self._table.put(item, if_absent=True)
        except ConditionFailed as failed:
            if failed.item is None:
                raise
            return self._executions.decoded(*self._executions.with_payloads([failed.item]))
        return record

    def give_up(self, ref: ExecutionRef) -> None:
        """End a map batch that is no longer needed, because its loop or its execution has ended."""
        with suppress(ConditionFailed):
            given_up().make(self._table, str(ref))

    def finish_batch(self, ref: ExecutionRef, end: Mapping[str, Any], items: tuple[int, int]) -> Status:
        """End a map batch and add to its loop's progress, atomically; return the status afterwards.

        Args:
            ref: the map batch.
            end: status, at, started_at, result, error, bill.
            items: how many items it had, and how many of these failed.
        """
        held = {
            "started_at": format_time(end["started_at"]),
            "result": self._executions.put_apart(
                f"EXECUTION#{ref}", self._payloads.pack(end["result"], ref.execution_id)
            ),
            "error": self._payloads.pack(end["error"], ref.execution_id),
        }
        ended = finished(end["status"], end["at"], held, remove=CHECK, is_listed=False)
        counts = {"done": items[0], "failed": items[1], **bill_counts(end["bill"])}
        counted = update_arguments({}, (), "", {}, counts)
        try:
            self._table.transact(
                [
                    ended.entry(self._table, str(ref)),
                    self._table.update_entry(f"EXECUTION#{ref.execution_id}", _counter_of(ref), counted),
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

    def results(self, batches: Sequence[ExecutionRef]) -> Iterator[Packed]:
        """Yield the result of each map batch, in order, packed.

        Raises:
            MapBatchFailed: a batch did not succeed.
        """
        for start in range(0, len(batches), _CHUNK):
            records = []
            for batch, item in self._records(batches[start : start + _CHUNK]):
                if item is None or item["status"] != Status.SUCCEEDED:
                    raise MapBatchFailed(batch)
                records.append(item)
            yield from (item["result"] for item in self._executions.with_payloads(records))

    def open_batches(self, batches: Sequence[ExecutionRef]) -> list[ExecutionRef]:
        """Return those map batches that have begun and not ended."""
        return [
            batch for batch, item in self._records(batches) if item is not None and not Status(item["status"]).is_final
        ]

    def _records(self, batches: Sequence[ExecutionRef]) -> Iterator[tuple[ExecutionRef, Item | None]]:
        for start in range(0, len(batches), _CHUNK):
            chunk = batches[start : start + _CHUNK]
            found = self._executions.attributes([str(one) for one in chunk])
            yield from ((one, found.get(str(one))) for one in chunk)


def _counter_of(ref: ExecutionRef) -> str:
    """Return the item that counts the progress of a map batch."""
    if ref.batch is None:
        raise ValueError("a whole execution is no map batch")
    return f"PROGRESS#{ref.batch.path}#{crc32(str(ref).encode()) % _COUNTERS}"
