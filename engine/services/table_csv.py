"""Rows of a data table as CSV, and back: what was written is read alike.

The columns are `key`, `version`, and the fields of the values; values that are no objects are in a column `value`.
A text that could be read as something else is in quotes, as JSON has it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine import limits
from engine.errors import InvalidInput
from engine.json_value import depth_of, dumps
from engine.storage.data_tables import Row

KEY, VERSION, VALUE = "key", "version", "value"
_OWN = frozenset({KEY, VERSION, VALUE, ""})


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row of a file: `line` is where it ends; `version` is the one that it is to replace, if it says so."""

    line: int
    key: str
    value: Any
    version: int | None
    problem: str | None = None


def written(rows: Sequence[Row]) -> str:
    """Rows as CSV."""
    names: dict[str, None] = {}
    for row in rows:
        names |= dict.fromkeys(row.value if _has_fields(row.value) else [VALUE])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([KEY, VERSION, *names])
    for row in rows:
        cells = row.value if _has_fields(row.value) else {VALUE: row.value}
        writer.writerow([row.key, row.version, *(_cell(cells[name]) if name in cells else "" for name in names)])
    return text.getvalue()


def read(text: str, most: int) -> Iterator[CsvRow]:
    """The rows of a file, at most so many.

    Raises:
        InvalidInput: it has no header with `key`, is no CSV, or has more rows.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = next(reader, [])
        if KEY not in header:
            raise InvalidInput.at("csv", "the first line names the columns; one of them is `key`")
        if len(set(header)) < len(header):
            raise InvalidInput.at("csv", "two columns have one name")
        for number, cells in enumerate(reader, 1):
            if number > most:
                raise InvalidInput.at("csv", f"a file has at most {most} rows; import the others by another call")
            if cells:
                yield _row(reader.line_num, dict(zip(header, cells, strict=False)), len(cells) > len(header))
    except csv.Error as error:
        raise InvalidInput.at("csv", f"line {reader.line_num}: {error}") from None


def _row(line: int, cells: dict[str, str], has_more: bool) -> CsvRow:  # noqa: FBT001 - private
    key, version = cells.get(KEY, ""), cells.get(VERSION, "")
    if has_more:
        return CsvRow(line, key, None, None, "it has more cells than there are columns")
    if not key:
        return CsvRow(line, key, None, None, "it has no key")
    if version and not (version.isascii() and version.isdecimal()):
        return CsvRow(line, key, None, None, f"`{version[:20]}` is no version")
    fields = {name: _value(cell) for name, cell in cells.items() if name not in _OWN and cell != ""}
    value = _value(cells[VALUE]) if cells.get(VALUE) else fields
    return CsvRow(line, key, value, int(version) if version else None)


def _has_fields(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and not _OWN & set(value)


def _cell(value: Any) -> str:
    if isinstance(value, str) and value and _value(value) == value and not value.startswith('"'):
        return value
    return dumps(value)


def _value(cell: str) -> Any:
    """What a cell holds: JSON that can be kept, else the text."""
    try:
        value = json.loads(cell, parse_constant=_refuse)
        dumps(value).encode()
    except (ValueError, RecursionError):
        return cell
    return value if depth_of(value, limits.MAX_JSON_DEPTH) <= limits.MAX_JSON_DEPTH else cell


def _refuse(name: str) -> None:
    raise ValueError(name)
