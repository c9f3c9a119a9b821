"""Data tables: small keyed tables of a workspace, for counters, lookups and deduplication."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any, Literal

from engine.clock import format_time
from engine.errors import NodeError, Unavailable
from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import ConditionFailed, Put, Table, is_live

_TRIES = 40
_random = Random()  # noqa: S311 - spreads those who try again
_REMEMBERED_SECONDS = 8 * 24 * 3600
_LISTED_SECONDS = 600
Condition = Literal["always", "absent", "present"]


@dataclass(frozen=True, slots=True)
class Row:
    """The current state of a row. `version` counts its changes."""

    key: str
    value: Any
    version: int
    updated_at: str
    expires_at: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the row as it appears in outputs."""
        return {"key": self.key, "value": self.value, "version": self.version, "updated_at": self.updated_at}


class RowConflict(Exception):
    """A condition does not hold; `row` is the stored row."""

    def __init__(self, row: Row | None) -> None:
        super().__init__("the row is not as the condition says")
        self.row = row


class DataTables:
    """Reads and writes rows of all workspaces. An expired row counts as absent."""

    def __init__(self, table: Table, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now
        self._listed: dict[tuple[str, str], float] = {}

    def get(self, workspace_id: str, name: str, key: str) -> Row | None:
        """Return a row, or None."""
        return self._row(self._table.get(*_key(workspace_id, name, key)))

    def get_many(self, workspace_id: str, name: str, keys: Sequence[str]) -> dict[str, Row]:
        """Return the existing ones of these rows, by key."""
        wanted = dict.fromkeys(_key(workspace_id, name, key) for key in keys)
        rows = map(self._row, self._table.get_many(list(wanted)).values())
        return {row.key: row for row in rows if row is not None}

    def names(self, workspace_id: str) -> list[str]:
        """List the tables of a workspace."""
        return [item["SK"] for item in self._table.query(f"TABLES#{workspace_id}", attributes=("SK",))]

    def _list(self, workspace_id: str, name: str) -> None:
        """Ensure that a table is in the list of its workspace before a row is written.

        A process checks only now and then. If a table is deleted in between, a new one of that name is in no list for
        that long.
        """
        place = f"TABLES#{workspace_id}", name
        now = self._now().timestamp()
        if self._listed.get(place, 0.0) > now:
            return
        if self._table.get(*place, ("SK",)) is None:
            self._table.put({"PK": place[0], "SK": place[1]})
        self._listed[place] = now + _LISTED_SECONDS

    def delete_table(self, workspace_id: str, name: str) -> None:
        """Delete a table with all of its rows. Writes during the deletion may recreate it."""
        for item in self._table.query(f"TABLE#{workspace_id}#{name}", attributes=("PK", "SK")):
            self._table.delete(item["PK"], item["SK"])
        self._table.delete(f"TABLES#{workspace_id}", name)
        self._listed.pop((f"TABLES#{workspace_id}", name), None)

    def put_seen(
        self,
        workspace_id: str,
        name: str,
        key: str,
        value: Any,
        *,
        version: int | None = None,
        is_new: bool = False,
        expires_seconds: int | None = None,
    ) -> Row:
        """Write a row that a person edits: if it has that version, or if it is absent; with neither, always.

        Raises:
            RowConflict: the stored row differs.
        """
        self._list(workspace_id, name)
        now = self._now()
        condition, values = "", {}
        if version is not None:
            condition = "#version = :version AND (attribute_not_exists(#expires_at) OR #expires_at > :now)"
            values = {"version": version, "now": int(now.timestamp())}
        elif is_new:
            condition, values = "attribute_not_exists(#PK) OR #expires_at <= :now", {"now": int(now.timestamp())}
        try:
            item = self._table.update(
                *_key(workspace_id, name, key),
                self._changes(value, key, now, expires_seconds),
                remove=[] if expires_seconds is not None else ["expires_at"],
                add={"version": 1},
                condition=condition,
                values=values,
            )
        except ConditionFailed as failed:
            raise RowConflict(self._row(failed.item)) from None
        return _of(item)

    def put(self, workspace_id: str, name: str, key: str, value: Any, *, expires_seconds: int | None = None) -> Row:
        """Write a row unconditionally and return it. The last write wins."""
        self._list(workspace_id, name)
        now = self._now()
        changes = self._changes(value, key, now, expires_seconds)
        item = self._table.update(
            *_key(workspace_id, name, key),
            changes,
            remove=[] if expires_seconds is not None else ["expires_at"],
            add={"version": 1},
            condition="",
        )
        return _of(item)

    def put_if(
        self,
        workspace_id: str,
        name: str,
        key: str,
        value: Any,
        *,
        writer: str,
        condition: Condition = "always",
        version: int | None = None,
        expires_seconds: int | None = None,
    ) -> Row:
        """Write a row if it is absent, or present, or has a version; return it.

        `writer` identifies the writer: for eight days the same writer gets the same result again, whatever happened to
        the row since, so a repeated attempt does not conflict with its own write.

        Raises:
            RowConflict: the condition does not hold.
            NodeError: code `busy`: too many concurrent writers.
        """

        def changed(row: Row | None) -> Any:
            does_not_fit = version is not None and (row is None or row.version != version)
            if does_not_fit or (condition == "absent" and row is not None) or (condition == "present" and row is None):
                raise RowConflict(row)
            return value

        return self._change(workspace_id, name, key, changed, writer, expires_seconds, keeps_time=False)

    def delete(self, workspace_id: str, name: str, key: str, version: int | None = None) -> bool:
        """Delete a row; return whether it existed, with that version."""
        condition = "attribute_exists(#PK) AND (attribute_not_exists(#expires_at) OR #expires_at > :now)"
        values: dict[str, Any] = {"now": int(self._now().timestamp())}
        if version is not None:
            condition += " AND #version = :version"
            values["version"] = version
        return self._table.delete_where(*_key(workspace_id, name, key), condition, values)

    def increment(
        self, workspace_id: str, name: str, key: str, by: float, *, writer: str, expires_seconds: int | None = None
    ) -> Row:
        """Add to a row's number, once for each `writer` however often it repeats within eight days; return the row.

        Raises:
            NodeError: `not_a_number`: the row contains another value; `busy`: too many concurrent writers.
        """

        def changed(row: Row | None) -> Any:
            before = row.value if row else 0
            if isinstance(before, bool) or not isinstance(before, int | float):
                raise NodeError(f"the row {key!r} holds no number", code="not_a_number")
            return before + by

        return self._change(workspace_id, name, key, changed, writer, expires_seconds, keeps_time=True)

    def query(
        self, workspace_id: str, name: str, prefix: str, limit: int, cursor: str | None
    ) -> tuple[list[Row], str | None]:
        """Return rows whose keys begin with `prefix`, by key; and the cursor of the rest.

        Raises:
            NodeError: code `config`: the cursor does not belong to this list.
        """
        if cursor is not None and not cursor.startswith(prefix):
            raise NodeError("config.cursor: it is none of this list", code="config")
        begin = _key(workspace_id, name, cursor or prefix)
        _, last = _key(workspace_id, name, prefix + "\U0010ffff")
        rows: list[Row] = []
        for item in self._table.query(begin[0], after=begin[1], before=last):
            row = self._row(item)
            if row is None or row.key == cursor:
                continue
            if len(rows) == limit:
                return rows, rows[-1].key
            rows.append(row)
        return rows, None

    def _change(
        self,
        workspace_id: str,
        name: str,
        key: str,
        changed: Callable[[Row | None], Any],
        writer: str,
        expires_seconds: int | None,
        *,
        keeps_time: bool,
    ) -> Row:
        """Change a row depending on its state, once for each writer: the change and its mark are one transaction."""
        self._list(workspace_id, name)
        place = _key(workspace_id, name, key)
        mark = f"APPLIED#{sha256(dumps([writer, name, key]).encode()).hexdigest()}", "META"
        for attempt in range(1, _TRIES + 1):
            now = self._now()
            found = self._table.get(*place)
            row = self._row(found)
            try:
                value = changed(row)
            except RowConflict:
                told = self._table.get(*mark)
                if told is None:
                    raise
                return _told(told, key)
            changes = self._changes(value, key, now, expires_seconds)
            changes["version"] = (found["version"] if found else 0) + 1
            is_kept = keeps_time and row is not None and expires_seconds is None
            remove = [] if is_kept or expires_seconds is not None else ["expires_at"]
            seen, values = "attribute_not_exists(#PK)", {}
            if found is not None:
                seen, values = "#version = :seen", {"seen": found["version"]}
            result = Row(key, value, changes["version"], changes["updated_at"])
            write = self._table.update_entry(*place, update_arguments(changes, remove, seen, values))
            try:
                self._table.transact([write, _mark(mark, result, now)])
            except ConditionFailed as failed:
                if failed.index == 1 and failed.item is not None:
                    return _told(failed.item, key)
            except Unavailable:
                pass  # other writers kept changing the row
            else:
                return result
            time.sleep(_random.uniform(0.005, 0.05) * min(attempt, 10))  # else all writers would retry at once
        raise NodeError(f"the row {key!r} is changed by too many others", code="busy", retryable=True)

    def _changes(self, value: Any, key: str, now: datetime, expires_seconds: int | None) -> dict[str, Any]:
        changes: dict[str, Any] = {
            "value": dumps(value), "updated_at": format_time(now), "row_key": key,
        }  # fmt: skip
        if expires_seconds is not None:
            changes["expires_at"] = int(now.timestamp()) + expires_seconds
        return changes

    def _row(self, item: Item | None) -> Row | None:
        if item is None or not is_live(item, self._now()):
            return None
        return _of(item)


def _mark(key: tuple[str, str], row: Row, now: datetime) -> Put:
    expires_at = int(now.timestamp()) + _REMEMBERED_SECONDS
    told: Mapping[str, Any] = {"value": dumps(row.value), "version": row.version, "updated_at": row.updated_at}
    return Put({"PK": key[0], "SK": key[1], **told, "expires_at": expires_at})


def _told(mark: Item, key: str) -> Row:
    """Return the result that the same writer got before."""
    return Row(key, json.loads(mark["value"]), mark["version"], mark["updated_at"])


def _of(item: Item) -> Row:
    return Row(item["row_key"], json.loads(item["value"]), item["version"], item["updated_at"], item.get("expires_at"))


def _key(workspace_id: str, name: str, key: str) -> tuple[str, str]:
    return f"TABLE#{workspace_id}#{name}", f"ROW#{key}"
