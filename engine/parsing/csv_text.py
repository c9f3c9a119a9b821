"""Reads CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import count
from typing import IO, Any

from engine.errors import NodeError
from engine.parsing.tables import Table
from engine.parsing.text import opened_text, undecodable

_MAX_FIELD = 1024 * 1024
_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
"""A first line that tells Excel the delimiter."""


def read(arguments: dict[str, Any], content: IO[bytes] | None, _output: IO[bytes] | None) -> dict[str, Any]:
    """Read CSV as `{rows, columns}`.

    Raises:
        NodeError: `bad_content`, `too_many_rows`, `too_large` or `output_too_large`.
    """
    if content is None:
        raise TypeError("CSV is read from content")
    csv.field_size_limit(_MAX_FIELD)
    lines = opened_text(content, arguments["encoding"])
    reader = csv.reader(lines, delimiter=arguments["delimiter"], strict=True)
    table = Table(arguments["max_rows"], "")
    try:
        records = _records(reader, arguments["delimiter"])
        _name(table, records, arguments)
        for _, line, cells in records:
            _check_width(table, cells, line)
            table.add(cells)
    except UnicodeError:
        raise undecodable(content, lines.encoding) from None
    finally:
        lines.detach()  # the caller that opened the content closes it
    return table.done()


def _records(reader: Any, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield each record that is not empty, with its number and the line where it begins."""
    for number in count(1):
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise NodeError(f"line {line}: {error}", code="bad_content") from None
        if cells is None:
            return
        separator = _SEPARATOR.fullmatch(delimiter.join(cells)) if number == 1 else None
        if separator is not None:
            _check_separator(separator[1], delimiter)
        elif cells:
            yield number, line, cells


def _check_separator(said: str, delimiter: str) -> None:
    if said != delimiter:
        raise NodeError(f"line 1 says that cells are divided by {said!r}; set `delimiter` to that", code="bad_content")


def _name(table: Table, records: Iterator[tuple[int, int, list[str]]], arguments: dict[str, Any]) -> None:
    """Find the row with the column names; rows before it are skipped."""
    row, names = arguments["header_row"], arguments["columns"]
    if arguments["header"]:
        number = 0
        for number, _, cells in records:
            if row is None or number == row:
                names = names or cells
                break
            if number > row:
                raise NodeError(f"row {row}, which is said to be the header, is empty", code="bad_content")
        else:
            if row is not None:
                message = f"the header is said to be in row {row}, and the last row is {number}"
                raise NodeError(message, code="bad_content")
    if names:
        table.name(names)


def _check_width(table: Table, cells: list[str], line: int) -> None:
    """Remove empty cells beyond the last column: many programs end each line with a delimiter.

    Raises:
        NodeError: code `bad_content`: such a cell is not empty.
    """
    width = len(table.columns)
    if not width or len(cells) <= width:
        return
    if any(cells[width:]):
        message = f"line {line} has {len(cells)} cells for {width} columns; cells that hold the delimiter are quoted"
        raise NodeError(message, code="bad_content")
    del cells[width:]
