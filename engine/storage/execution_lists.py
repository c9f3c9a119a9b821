"""Lists of executions, found by indexes, so that only the records of shown executions are read.

The immutable attributes of an execution are in the indexes beside the ids, which costs no extra write. Executions that
ended unsuccessfully have an index of their own, and so do open ones: there are few of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from engine import limits
from engine.history.model import OPEN_STATUSES, Status
from engine.ids import first_id_at
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import Page, Table, id_cursor
from engine.storage.execution_record import RARE_STATUSES, CheckKind

_ENTRIES = 20_000
"""Index entries that one call reads at most."""
_RECORDS = 1_000
"""Records that one call reads at most."""
_STRIDE = 1_000
_BARE = "is_bare"
"""Marks an entry that contains nothing but the id."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The executions that a list shows; times are those of creation.

    `text` is a part of the workflow's name, or the beginning of an execution's id.
    """

    workflow_id: str | None = None
    statuses: frozenset[Status] = frozenset(Status)
    trigger_type: str | None = None
    is_test: bool | None = None
    text: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    def fits(self, entry: Item) -> bool:
        """Return whether an index entry may match, by the attributes that it has."""
        return (
            self.workflow_id in (None, entry.get("workflow_id", self.workflow_id))
            and self.trigger_type in (None, entry.get("trigger_type", self.trigger_type))
            and self.is_test in (None, entry.get("test", False))
            and Status(entry.get("status", next(iter(self.statuses)))) in self.statuses
            and (self.text is None or self._has_text(entry, self.text.casefold()))
        )

    @staticmethod
    def _has_text(entry: Item, text: str) -> bool:
        return text in str(entry.get("workflow_name", "")).casefold() or str(entry["id"]).startswith(text)

    @property
    def says_nothing_of_entries(self) -> bool:
        """Return whether every entry may match."""
        return self.trigger_type is None and self.is_test is None and self.text is None


class ExecutionLists:
    """Finds executions of a workspace, newest first."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def page(self, workspace_id: str, wanted: Filter, cursor: str | None, limit: int) -> Page:
        """Return a page of records. It may have fewer than `limit` though more follow, if few of many match."""
        before = id_cursor(cursor) or (first_id_at(wanted.created_before) if wanted.created_before else None)
        after = first_id_at(wanted.created_after) if wanted.created_after else None
        if after is not None and before is not None and after > before:
            return Page([], None)
        found: list[Item] = []
        read = 0
        pending: list[str] = []
        last = None
        for number, entry in enumerate(self._entries(workspace_id, wanted, after, before)):
            if number == _ENTRIES or read >= _RECORDS:
                return Page([*found, *self._read(workspace_id, wanted, pending)][:limit], last)
            last = entry["id"]
            if last == cursor or not (_BARE in entry or wanted.fits(entry)):
                continue
            pending.append(last)
            if len(found) + len(pending) > limit:
                read += len(pending)
                found += self._read(workspace_id, wanted, pending)
                pending = []
                if len(found) > limit:
                    return Page(found[:limit], found[limit - 1]["id"])
        found += self._read(workspace_id, wanted, pending)
        return Page(found[:limit], found[limit - 1]["id"] if len(found) > limit else None)

    def _read(self, workspace_id: str, wanted: Filter, ids: list[str]) -> list[Item]:
        if not ids:
            return []
        keys = [(f"EXECUTION#{execution_id}", "META") for execution_id in ids]
        items = self._table.get_many(keys)
        records = [items[key] for key in keys if key in items]
        return [record for record in records if record["workspace_id"] == workspace_id and wanted.fits(record)]

    def _entries(self, workspace_id: str, wanted: Filter, after: str | None, before: str | None) -> Iterator[Item]:
        """Yield the entries of the most selective index, newest first."""
        everything = f"{workspace_id}#EXECUTIONS"
        if wanted.statuses <= OPEN_STATUSES:
            return self._open(everything, after, before)
        stride = limits.MAX_PAGE_SIZE if wanted.says_nothing_of_entries else _STRIDE
        if wanted.statuses <= RARE_STATUSES:
            return self._in_strides("by-outcome", "outcome_key", everything, after, before, _STRIDE)
        if wanted.workflow_id is not None:
            of_workflow = f"{workspace_id}#WORKFLOW#{wanted.workflow_id}"
            return self._in_strides("by-workflow", "workflow_key", of_workflow, after, before, stride)
        return self._in_strides("by-workspace", "workspace_key", everything, after, before, stride)

    def _in_strides(
        self, index: str, pk_name: str, pk: str, after: str | None, before: str | None, stride: int
    ) -> Iterator[Item]:
        resumed: str | None = None
        while True:
            entries = self._table.query(
                pk,
                index=index,
                pk_name=pk_name,
                sk_name="id",
                after=after,
                before=resumed or before,
                limit=stride,
                descending=True,
            )
            seen, last = 0, resumed
            for entry in entries:
                seen += 1
                if entry["id"] != resumed:
                    yield entry
                last = entry["id"]
            if seen < stride:
                return
            resumed = last

    def _open(self, everything: str, after: str | None, before: str | None) -> Iterator[Item]:
        """Yield the open executions: they are in recovery's index, with those of all workspaces."""
        found = [
            entry["PK"].removeprefix("EXECUTION#")
            for shard in range(limits.CHECK_SHARDS)
            for entry in self._table.query(
                f"{CheckKind.RECOVERY}#{shard}", index="by-check", pk_name="check_shard", sk_name="next_check_at"
            )
            if entry.get("workspace_key") == everything and entry["PK"].startswith("EXECUTION#")
        ]
        in_time = (one for one in found if one >= (after or "") and (before is None or one <= before))
        return ({"id": one, _BARE: True} for one in sorted(in_time, reverse=True))
