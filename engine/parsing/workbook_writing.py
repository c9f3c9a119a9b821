"""Writes workbooks (.xlsx) whose values are all read back unchanged."""

from __future__ import annotations

from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from engine.errors import NodeError
from engine.json_value import dumps
from engine.parsing.cells import escaped
from engine.parsing.tables import check_columns

MAX_SHEET_ROWS = 1_048_576
"""The limits of Excel."""
MAX_TEXT = 32_767
_EXACT = 10**15
"""Excel calculates with 15 digits, and replaces all others by zeros."""


def write(arguments: dict[str, Any], _content: IO[bytes] | None, output: IO[bytes] | None) -> None:
    """Write `sheets`: `[{name, columns, rows}]`, whose rows are lists.

    Raises:
        NodeError: `bad_content` or `too_large`: a workbook cannot hold a value or a sheet.
    """
    if output is None:
        raise TypeError("a workbook is written to a file")
    workbook = Workbook(write_only=True)
    for number, wanted in enumerate(arguments["sheets"]):
        sheet = workbook.create_sheet(wanted["name"])
        rows = [wanted["columns"], *wanted["rows"]] if wanted["columns"] else wanted["rows"]
        if len(rows) > MAX_SHEET_ROWS:
            message = f"config.sheets[{number}]: a sheet has at most {MAX_SHEET_ROWS} rows"
            raise NodeError(message, code="too_large")
        first = 0 if wanted["columns"] else 1
        for line, row in enumerate(rows, first):
            check_columns(len(row))
            where = f"config.sheets[{number}].rows[{line - 1}]" if line else f"config.sheets[{number}].columns"
            sheet.append([_cell(sheet, value, where) for value in row])
    workbook.save(output)


def _cell(sheet: Any, value: Any, where: str) -> Any:
    if value is None:
        return None
    if isinstance(value, bool):
        return WriteOnlyCell(sheet, value)
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _EXACT):
        cell: Any = WriteOnlyCell(sheet, 0)
        cell._value = repr(value)  # noqa: SLF001 - openpyxl would round it to 16 digits
        return cell
    text = value if isinstance(value, str) else dumps(value)
    if len(text.encode("utf-16-le", errors="surrogatepass")) // 2 > MAX_TEXT:
        message = f"{where} has a text of {len(text)} characters; a cell holds {MAX_TEXT}"
        raise NodeError(message, code="bad_content")
    try:
        text.encode()
    except UnicodeEncodeError:
        message = f"{where} has a half of a surrogate pair, which cannot be written"
        raise NodeError(message, code="bad_content") from None
    text_cell: Any = WriteOnlyCell(sheet, "")
    text_cell._value = escaped(text)  # noqa: SLF001 - openpyxl would cut it
    text_cell.data_type = "s"  # never a formula
    return text_cell
