"""Purges expired executions: record, history, log, map batches, and payloads in S3.

The record is removed last and is in the index of due items until then. So a purge that dies half-way is repeated, none
is lost, and no unreachable data remains.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from engine.clock import format_time
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Status
from engine.storage.dynamodb.table import Table
from engine.storage.execution_record import CheckKind
from engine.storage.logs import log_partitions
from engine.storage.payloads import PayloadStore

_CURSOR = ("RETENTION#", "ORPHANS")


class PurgeRepository:
    """Removes expired executions and their data."""

    def __init__(self, table: Table, payloads: PayloadStore) -> None:
        self._table = table
        self._payloads = payloads

    def purge(self, execution_id: str, now: datetime) -> bool:
        """Remove an execution with all of its data, if it has ended and its retention is over; return whether it was.

        Raises:
            Unavailable: not everything could be removed yet; a repeated call continues with the rest.
        """
        pk = f"EXECUTION#{execution_id}"
        record = self._table.get(pk, "META", ("status", "check_shard", "next_check_at"))
        if record is None or not Status(record["status"]).is_final:
            return False
        if not record.get("check_shard", "").startswith(f"{CheckKind.PURGE}#") or record["next_check_at"] > format_time(
            now
        ):
            return False
        batches = list(self._map_batches(execution_id))
        for batch in batches:
            self._remove(f"EXECUTION#{batch}")
        for log in log_partitions(execution_id) if batches else ():
            self._remove(log)
        self._remove(pk, but="META")
        self._payloads.remove(execution_id)
        return self._table.delete_where(
            pk, "META", "begins_with(#check_shard, :purge) AND #next_check_at <= :now",
            {"purge": f"{CheckKind.PURGE}#", "now": format_time(now)},
        )  # fmt: skip

    def _map_batches(self, execution_id: str) -> Iterator[str]:
        """Return the names of all possible map batches of an execution, whether they began or not."""
        for item in self._table.query(f"EXECUTION#{execution_id}", after="PROGRESS#", before="PROGRESS$"):
            path = item["SK"].removeprefix("PROGRESS#")
            yield from (
                str(ExecutionRef.of_batch(execution_id, path, number)) for number in range(item.get("batches", 0))
            )

    def _remove(self, pk: str, but: str | None = None) -> None:
        keys = [(item["PK"], item["SK"]) for item in self._table.query(pk, attributes=("PK", "SK"))]
        self._table.delete_many([key for key in keys if key[1] != but])

    # -- payloads without a record -------------------------------------------------------------------------

    def last_owner(self) -> str:
        """Return the owner of payloads up to which the search for orphaned payloads has come."""
        item = self._table.get(*_CURSOR)
        return str(item["after"]) if item else ""

    def searched(self, owner: str) -> None:
        """Store how far the search has come; nothing at its end, so that it begins again."""
        self._table.update(*_CURSOR, {"after": owner}, condition="")

    def without_record(self, execution_ids: list[str]) -> list[str]:
        """Return those of these executions that have no record."""
        keys = {(f"EXECUTION#{one}", "META"): one for one in execution_ids}
        found = self._table.get_many(list(keys), ("status",))
        return [one for key, one in keys.items() if key not in found]
