"""Rows with column names, as they are built from CSV and from sheets, within the bounds of an output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import limits
from engine.errors import NodeError
from engine.parsing.column_names import unique_names

MAX_COLUMNS = 2_000
_ROW_BYTES, _CELL_BYTES = 190, 90
"""The most memory that Python needs for a row that is an object, and for a short text in it."""


class Table:
    """Rows that are added one by one: objects by column, or lists where there are no column names.

    A column without a name is named by its position, `column_3`; it is omitted if it is empty in all rows.
    """

    def __init__(self, max_rows: int, empty: Any) -> None:
        self.columns: list[str] = []
        self.rows: list[Any] = []
        self._max_rows = max_rows
        self._empty = empty
        self._unnamed: set[int] = set()
        """Columns, by their place, that have no name and nothing in them so far."""
        self._size = self._memory = self._names_size = 0

    def name(self, names: Sequence[str]) -> None:
        """Set the column names; rows are objects from now on.

        Raises:
            NodeError: code `too_large`: the table has too many columns.
        """
        stripped = [name.strip() for name in names]
        self._unnamed = {place for place, name in enumerate(stripped) if not name}
        check_columns(len(names))
        self.columns = unique_names(name or f"column_{place}" for place, name in enumerate(stripped, 1))
        self._names_size = sum(len(name) + 4 for name in self.columns)

    def add(self, cells: list[Any]) -> None:
        """Add a row; a cell beyond the last column adds a column.

        Raises:
            NodeError: `too_many_rows`, `too_large` or `output_too_large`.
        """
        if len(self.rows) == self._max_rows:
            raise NodeError(f"there are more than {self._max_rows} rows", code="too_many_rows")
        named = bool(self.columns)
        if named:
            if len(cells) > len(self.columns):
                self._widen(len(cells))
            cells += [self._empty] * (len(self.columns) - len(cells))
            if self._unnamed:
                self._unnamed -= {place for place in self._unnamed if cells[place] != self._empty}
        self._count(cells)
        self.rows.append(dict(zip(self.columns, cells, strict=True)) if named else cells)

    def _widen(self, width: int) -> None:
        check_columns(width)
        added = range(len(self.columns), width)
        self._unnamed |= set(added)
        self.columns = unique_names([*self.columns, *(f"column_{place + 1}" for place in added)])
        self._names_size = sum(len(name) + 4 for name in self.columns)
        self._size += 16 * len(self.rows) * len(added)  # earlier rows get it, too
        self._memory += _CELL_BYTES * len(self.rows) * len(added)

    def _count(self, cells: list[Any]) -> None:
        texts = sum(len(cell) for cell in cells if isinstance(cell, str))
        self._size += self._names_size + texts + 8 * len(cells)
        self._memory += _ROW_BYTES + texts + _CELL_BYTES * len(cells)
        if self._size > limits.MAX_OUTPUT_BYTES:
            message = f"the rows have more than {limits.MAX_OUTPUT_BYTES} bytes"
            raise NodeError(message, code="output_too_large")
        if self._memory > limits.MAX_VALUE_BYTES:
            most = limits.MAX_VALUE_BYTES // 1024**2
            raise NodeError(f"the rows have so many cells that they would take more than {most} MB", code="too_large")

    def done(self) -> dict[str, Any]:
        """Return `{columns, rows}`: every row with every column."""
        left_out = {self.columns[place] for place in self._unnamed}
        columns = [name for name in self.columns if name not in left_out]
        if columns:
            for number, row in enumerate(self.rows):
                if left_out or len(row) < len(columns):
                    self.rows[number] = {name: row.get(name, self._empty) for name in columns}
        return {"columns": columns, "rows": self.rows}


def check_columns(count: int) -> None:
    """Check the number of columns; raises NodeError with code `too_large`."""
    if count > MAX_COLUMNS:
        raise NodeError(f"there are more than {MAX_COLUMNS} columns", code="too_large")
