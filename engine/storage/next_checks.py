"""The index of due checks by recovery, in shards; and the driver attempts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from engine.clock import format_time
from engine.history.model import Execution
from engine.storage import approvals, mails
from engine.storage.dynamodb.table import ConditionFailed, Table
from engine.storage.execution_record import CHECK, CheckKind, record_key, superseded

_OF_WORKSPACE = (mails.PARTITION, approvals.PARTITION)
"""Partitions that are named after the workspace."""


class Due(NamedTuple):
    """The key of an item that is due for a check, and since when."""

    pk: str
    sk: str
    next_check_at: str


class NextCheckRepository:
    """Reads the index of due checks, and schedules the next ones."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def due(self, shard: int, until: datetime, limit: int, kind: CheckKind = CheckKind.RECOVERY) -> list[Due]:
        """Return what is due by then, the longest overdue first.

        Of a backlog longer than `limit`, both ends are read, half and half: what became due since the last check is at
        its end, whoever caused the backlog.
        """
        oldest = self._ends(shard, until, limit, kind, descending=False)
        if len(oldest) < limit:
            return oldest
        newest = self._ends(shard, until, limit, kind, descending=True)
        return sorted({*oldest[: limit // 2], *newest[: limit - limit // 2]}, key=lambda one: one.next_check_at)

    def _ends(self, shard: int, until: datetime, limit: int, kind: CheckKind, *, descending: bool) -> list[Due]:
        found = self._table.query(
            f"{kind}#{shard}",
            index="by-check",
            pk_name="check_shard",
            sk_name="next_check_at",
            before=format_time(until),
            limit=limit,
            descending=descending,
        )
        return [Due(item["PK"], item["SK"], item["next_check_at"]) for item in found]

    def workspaces(self, due: Sequence[Due]) -> dict[str, str]:
        """Return the workspace of each of these by the key of its partition; deleted ones have none."""
        records = {one.pk: _record_of(one.pk) for one in due if not one.pk.startswith(_OF_WORKSPACE)}
        keys = list(dict.fromkeys((pk, "META") for pk in records.values()))
        found = self._table.get_many(keys, ["workspace_id"], consistent=False)
        named = {one.pk: one.pk.partition("#")[2] for one in due if one.pk not in records}
        return named | {pk: found.get((record, "META"), {}).get("workspace_id", "") for pk, record in records.items()}

    def check_again(self, key: tuple[str, str], seen: str | None, at: datetime) -> bool:
        """Set the next check; return False if another process changed it since `seen`, so that only one checks.

        A write whose response was lost is repeated by the client and returns False, too: processes that check at the
        same moment write the same time, so they cannot be told apart. That only delays the check: it is due again at
        `at`.
        """
        condition = "#next_check_at = :seen" if seen else "attribute_exists(#next_check_at)"
        try:
            self._table.update(
                *key, {"next_check_at": format_time(at)}, condition=condition, values={"seen": seen} if seen else {}
            )
        except ConditionFailed:
            return False
        return True

    def check_no_more(self, execution_id: str) -> None:
        """Remove a finished map batch from the index."""
        with suppress(ConditionFailed):
            self._table.update(*record_key(execution_id), {}, remove=CHECK)

    def next_driver_attempt(
        self, execution: Execution, next_check_at: datetime, *, recovery_attempt: bool
    ) -> int | None:
        """Reserve the next driver attempt; return None if there is a newer one already or the execution has ended."""
        change = superseded(execution, next_check_at, is_recovery=recovery_attempt)
        following = execution.driver_attempt + 1
        try:
            change.make(self._table, execution.id)
        except ConditionFailed as failed:
            made = failed.item or {}
            is_own = (made.get("driver_attempt"), made.get("next_check_at")) == (
                following,
                change.changes["next_check_at"],
            )
            return following if is_own else None
        return following


def _record_of(pk: str) -> str:
    """Return the partition with the record of the owner: a concurrency key belongs to its workflow."""
    kind, _, name = pk.partition("#")
    return f"WORKFLOW#{name.partition('#')[0]}" if kind == "CONCURRENCY" else pk
