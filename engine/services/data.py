"""The files and data tables of a workspace, for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine import limits
from engine.clock import Clock
from engine.errors import InvalidInput, NodeError, NotFound, PreconditionFailed, RequestError, TooLarge
from engine.json_value import dumps
from engine.security.plain_names import MAX_NAME_BYTES
from engine.services.principal import Principal
from engine.services.table_csv import CsvRow, read, written
from engine.storage.data_tables import DataTables, Row, RowConflict
from engine.storage.files import FileInfo, WorkspaceFiles

LINK_SECONDS = 15 * 60
MAX_CSV_ROWS = 1_000
_MAX_CSV_BYTES = 4 * 1024 * 1024
_TOGETHER = 8
_FIRST_PRINTABLE = 32


@dataclass(frozen=True, slots=True)
class Link:
    """An address that is good for a while to whoever has it. What is sent there goes with these headers."""

    url: str
    expires_at: datetime
    headers: Mapping[str, str]
    info: FileInfo | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of a file; those with problems are left out."""

    created: int
    updated: int
    unchanged: int
    problems: list[tuple[CsvRow, str, str]]


class DataService:
    """Everything about files and data tables, for one caller at a time."""

    def __init__(self, files: Callable[[str], WorkspaceFiles], tables: DataTables, clock: Clock) -> None:
        self._files = files
        self._tables = tables
        self._clock = clock

    # -- files ---------------------------------------------------------------------------------------------

    def files(
        self, principal: Principal, prefix: str, limit: int, cursor: str | None, *, folders: bool
    ) -> tuple[Sequence[FileInfo], Sequence[str], str | None]:
        """Files by name, folders directly below `prefix` if they are asked for, and the cursor of the rest."""
        _check_text("prefix", prefix, MAX_NAME_BYTES)
        _check_text("cursor", cursor or "", MAX_NAME_BYTES + 8)
        return self._files(principal.workspace_id).page(prefix, limit, cursor, folders=folders)

    def upload(self, principal: Principal, name: str, size: int, content_type: str | None) -> Link:
        """Where to put a file of a size. Raises InvalidInput where it cannot have that name."""
        try:
            url, headers = self._files(principal.workspace_id).upload_url(name, size, content_type, LINK_SECONDS)
        except NodeError as error:
            raise InvalidInput.at("name", error.message) from None
        return Link(url, self._expiry(), headers)

    def download(self, principal: Principal, name: str) -> Link:
        """Where to get a file. Raises NotFound."""
        files = self._files(principal.workspace_id)
        try:
            return Link(files.url(name, LINK_SECONDS), self._expiry(), {}, files.info(name))
        except NodeError as error:
            raise _of_file(error) from None

    def delete_file(self, principal: Principal, name: str) -> None:
        """Forget a file, whether it is there or not. Raises InvalidInput where none can have that name."""
        try:
            self._files(principal.workspace_id).delete(name)
        except NodeError as error:
            raise _of_file(error) from None

    def _expiry(self) -> datetime:
        return self._clock.now() + timedelta(seconds=LINK_SECONDS)

    # -- tables --------------------------------------------------------------------------------------------

    def tables(self, principal: Principal) -> list[str]:
        """The names of the tables."""
        return self._tables.names(principal.workspace_id)

    def rows(
        self, principal: Principal, table: str, prefix: str, limit: int, cursor: str | None
    ) -> tuple[list[Row], str | None]:
        """Rows by key, and the cursor of the rest. Raises InvalidInput where that is none of this list."""
        _check_text("prefix", prefix, limits.MAX_ROW_KEY_BYTES)
        _check_text("cursor", cursor or "", limits.MAX_ROW_KEY_BYTES)
        try:
            return self._tables.query(principal.workspace_id, table, prefix, limit, cursor)
        except NodeError as error:
            raise InvalidInput.at("cursor", error.message) from None

    def put_row(
        self,
        principal: Principal,
        table: str,
        key: str,
        value: Any,
        *,
        version: int | None,
        is_new: bool,
        expires_seconds: int | None,
    ) -> Row:
        """Write a row: whatever is there; or if it has the version; or if there is none.

        Raises:
            PreconditionFailed: code `row_changed`; `details` has the row that is there.
            TooLarge: the value or the key is over the bound.
        """
        _check(key, value)
        try:
            return self._tables.put_seen(
                principal.workspace_id,
                table,
                key,
                value,
                version=version,
                is_new=is_new,
                expires_seconds=expires_seconds,
            )
        except RowConflict as conflict:
            raise _changed(conflict.row) from None

    def delete_row(self, principal: Principal, table: str, key: str, version: int | None) -> None:
        """Forget a row, if it has the version that is given. Raises PreconditionFailed, code `row_changed`."""
        _check_text("key", key, limits.MAX_ROW_KEY_BYTES)
        workspace = principal.workspace_id
        if not self._tables.delete(workspace, table, key, version) and version is not None:
            raise _changed(self._tables.get(workspace, table, key))

    def delete_table(self, principal: Principal, table: str) -> None:
        """Forget a table with all of its rows."""
        self._tables.delete_table(principal.workspace_id, table)

    def export(self, principal: Principal, table: str, prefix: str) -> str:
        """Rows as CSV. Raises TooLarge."""
        _check_text("prefix", prefix, limits.MAX_ROW_KEY_BYTES)
        rows: list[Row] = []
        size, cursor = 0, None
        while True:
            page, cursor = self._tables.query(principal.workspace_id, table, prefix, 500, cursor)
            rows += page
            size += sum(len(row.key) + len(dumps(row.value)) for row in page)
            if size > _MAX_CSV_BYTES:
                raise TooLarge(f"the rows have over {_MAX_CSV_BYTES} bytes; ask for those of a `prefix`")
            if cursor is None:
                return written(rows)

    def import_csv(self, principal: Principal, table: str, text: str, *, dry_run: bool) -> Imported:
        """Write the rows of a CSV file, each by itself; what has a problem is left out and told.

        Raises:
            InvalidInput: it is no such file.
        """
        workspace = principal.workspace_id
        rows = list(read(text, MAX_CSV_ROWS))
        there = self._tables.get_many(workspace, table, [row.key for row in rows])
        seen: set[str] = set()
        problems: list[tuple[CsvRow, str, str]] = []
        wanted: list[CsvRow] = []
        unchanged = 0
        for row in rows:
            problem = _problem(row, there.get(row.key), is_twice=row.key in seen)
            seen.add(row.key)
            if problem is not None:
                problems.append((row, problem["code"], problem["message"]))
            elif (known := there.get(row.key)) is not None and dumps(known.value) == dumps(row.value):
                unchanged += 1
            else:
                wanted.append(row)
        done = wanted
        if not dry_run:
            with ThreadPoolExecutor(_TOGETHER) as pool:
                refused = list(pool.map(lambda row: self._imported(workspace, table, row), wanted))
            problems += [one for one in refused if one is not None]
            done = [row for row, one in zip(wanted, refused, strict=True) if one is None]
        created = sum(row.key not in there for row in done)
        return Imported(created, len(done) - created, unchanged, sorted(problems, key=lambda one: one[0].line))

    def _imported(self, workspace: str, table: str, row: CsvRow) -> tuple[CsvRow, str, str] | None:
        try:
            self._tables.put_seen(workspace, table, row.key, row.value, version=row.version)
        except RowConflict:
            return row, "row_changed", "the row was changed meanwhile"
        return None


def _check_text(field: str, text: str, most: int) -> None:
    """Refuse what neither table nor bucket can look for. Raises InvalidInput."""
    if len(text.encode()) > most:
        raise InvalidInput.at(field, f"it has at most {most} bytes")
    if any(ord(character) < _FIRST_PRINTABLE for character in text):
        raise InvalidInput.at(field, "it has control characters")


def _check(key: str, value: Any) -> None:
    if len(key.encode()) > limits.MAX_ROW_KEY_BYTES:
        raise TooLarge(f"a `key` has at most {limits.MAX_ROW_KEY_BYTES} bytes")
    if len(dumps(value).encode()) > limits.MAX_ROW_BYTES:
        raise TooLarge(f"a `value` has at most {limits.MAX_ROW_BYTES} bytes")


def _problem(row: CsvRow, there: Row | None, *, is_twice: bool) -> dict[str, str] | None:
    if row.problem is not None:
        return {"code": "invalid", "message": row.problem}
    if is_twice:
        return {"code": "duplicate_key", "message": "another line has the same key"}
    try:
        _check(row.key, row.value)
    except TooLarge as error:
        return {"code": "too_large", "message": error.message}
    if row.version is not None and (there is None or there.version != row.version):
        now = f"it has version {there.version} now" if there else "it is gone"
        return {"code": "row_changed", "message": f"the row is not the one that was exported: {now}"}
    return None


def _changed(row: Row | None) -> PreconditionFailed:
    message = "the row has been changed since" if row else "there is no such row any more"
    return PreconditionFailed(message, code="row_changed", details={"row": row.as_dict() if row else None})


def _of_file(error: NodeError) -> RequestError:
    if error.code == "no_file":
        return NotFound(error.message, code="no_file")
    return InvalidInput.at("name", error.message)
