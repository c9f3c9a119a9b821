"""Reads the rows of one sheet of a workbook. Cells are counted as they are read, including empty ones."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any

from engine import limits
from engine.errors import NodeError
from engine.json_value import dumps
from engine.parsing.cells import Shown, number, unescaped
from engine.parsing.tables import MAX_COLUMNS, Table
from engine.parsing.workbook import Sheet, Workbook, opened_workbook, pick
from engine.parsing.xml_events import walk

RANGE = r"\$?[A-Za-z]{0,3}\$?[0-9]{0,7}(:\$?[A-Za-z]{0,3}\$?[0-9]{0,7})?"
_CORNER = re.compile(r"\$?([A-Za-z]{0,3})\$?([0-9]{0,7})")
_FAR = 10**9
_NUMBER = Shown()
Row = tuple[int, dict[int, Any]]


@dataclass(frozen=True, slots=True)
class Area:
    """Columns and rows, counted from 1."""

    left: int = 1
    top: int = 1
    right: int = _FAR
    bottom: int = _FAR


def read(arguments: dict[str, Any], content: IO[bytes] | None, _output: IO[bytes] | None) -> dict[str, Any]:
    """Read a workbook's sheet as `{sheet, sheets, columns, rows}`.

    Raises:
        NodeError: `bad_content`, `no_sheet`, `too_large`, `too_many_rows` or `output_too_large`.
    """
    if content is None:
        raise TypeError("a workbook is read from content")
    table = Table(arguments["max_rows"], None)
    with opened_workbook(content) as workbook:
        sheet = pick(workbook, arguments["sheet"])
        names = [one.name for one in workbook.sheets]
        area = area_of(arguments["range"])
        _fill(table, _rows(workbook, sheet, area, keep_null=arguments["uncomputed"] == "null"), area, arguments)
    return {"sheet": sheet.name, "sheets": names, **table.done()}


def area_of(text: str | None) -> Area:
    """Parse a range such as `B3:F200`, `B:F`, `3:200`, or `B3`, which means everything from there on.

    Raises:
        NodeError: code `config`.
    """
    if text is None:
        return Area()
    first, _, last = text.partition(":")
    begin, end = _CORNER.fullmatch(first), _CORNER.fullmatch(last)
    if begin is None or end is None or first == "":
        raise NodeError(f"config.range: {text!r} is no range, such as B3:F200, B:F or B3", code="config")
    left, top = column(begin[1]) or 1, int(begin[2] or 1)
    right, bottom = column(end[1]) or _FAR, int(end[2] or _FAR)
    if right < left or bottom < top or not top:
        raise NodeError(f"config.range: {text!r} ends before it begins", code="config")
    return Area(left, top, right, bottom)


@lru_cache(maxsize=20_000)
def column(letters: str) -> int:
    """Return the number of a column: 1 for A, 27 for AA, 0 for an invalid one."""
    if not letters.isascii() or not letters.isalpha() or len(letters) > 3:  # noqa: PLR2004 - XFD is the last
        return 0
    found = 0
    for letter in letters.upper():
        found = found * 26 + ord(letter) - 64
    return found


def _fill(table: Table, rows: Iterator[Row], area: Area, arguments: dict[str, Any]) -> None:
    header_row, wants_names = arguments["header_row"], arguments["header"]
    last = 0
    for line, cells in rows:
        last = line
        if not cells:
            continue
        width = max(cells) - area.left + 1
        if width > MAX_COLUMNS:
            raise NodeError(f"row {line} has more than {MAX_COLUMNS} columns", code="too_large")
        if wants_names and (header_row is not None and line < header_row):
            continue
        if wants_names and header_row is not None and line > header_row:
            raise NodeError(f"row {header_row}, which is said to be the header, is empty", code="bad_content")
        values = [cells.get(place) for place in range(area.left, area.left + width)]
        if wants_names:
            table.name([_name(value) for value in values])
            wants_names = False
        else:
            table.add(values)
    if wants_names and header_row is not None:
        message = f"the header is said to be in row {header_row}, and the last row with anything is {last}"
        raise NodeError(message, code="bad_content")


def _name(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)


def _rows(workbook: Workbook, sheet: Sheet, area: Area, *, keep_null: bool) -> Iterator[Row]:
    with workbook.part(sheet.part, limits.MAX_UNPACKED_BYTES) as stream:
        yield from walk(stream, _Cells(workbook, area, keep_null=keep_null), f"the sheet {sheet.name!r}")


class _Cells:
    """Collects rows: their number, and the cells that are not empty, by column."""

    def __init__(self, workbook: Workbook, area: Area, *, keep_null: bool) -> None:
        self.done: deque[Row] = deque()
        self._workbook = workbook
        self._styles = {str(number): shown for number, shown in enumerate(workbook.styles)}
        self._area = area
        self._keep_null = keep_null
        self._count = self._row = self._column = 0
        self._cells: dict[int, Any] = {}
        self._type = "n"
        self._style = _NUMBER
        self._text: str | None = None
        self._has_formula = self._in_cell = self._aloud = False

    def begin(self, name: str, attributes: dict[str, str]) -> bool:
        """Handle the beginning of an element; return whether its text is needed."""
        if name == "c":
            self._begin_cell(attributes)
        elif name in {"v", "t"}:
            return self._in_cell and not self._aloud
        elif name == "row":
            given = attributes.get("r")
            self._row = _whole(given) if given else self._row + 1
            self._cells, self._column = {}, 0
        elif name == "f":
            self._has_formula = self._in_cell
        elif name == "rPh":
            self._aloud = True
        return False

    def end(self, name: str, text: str | None) -> None:
        """Handle the end of an element."""
        if text is not None:
            self._text = text if name == "v" else (self._text or "") + text
        elif name == "c":
            self._end_cell()
        elif name == "row":
            if self._area.top <= self._row <= self._area.bottom:
                self.done.append((self._row, self._cells))
            self._cells = {}
        elif name == "rPh":
            self._aloud = False

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > limits.MAX_CELLS:
            message = f"the sheet has more than {limits.MAX_CELLS} cells, counting those that are empty"
            raise NodeError(message, code="too_large")
        self._column = column(attributes.get("r", "").rstrip("0123456789")) or self._column + 1
        self._type = attributes.get("t", "n")
        style = attributes.get("s", "")
        self._style = self._styles.get(style, _NUMBER)
        self._text, self._has_formula, self._in_cell = None, False, True

    def _end_cell(self) -> None:
        self._in_cell = False
        area = self._area
        if not (area.left <= self._column <= area.right and area.top <= self._row <= area.bottom):
            return
        if self._text is None or (self._type == "n" and not self._text.strip()):
            if self._has_formula and not self._keep_null:
                message = (
                    f"the cell {self._address()} has a formula, and the file has not what it gives; open and save it "
                    "in a spreadsheet program, or have such cells be null with `uncomputed`"
                )
                raise NodeError(message, code="bad_content")
            return
        try:
            self._cells[self._column] = self._value(self._text)
        except (ValueError, IndexError) as error:
            message = f"the cell {self._address()} cannot be read: {str(error)[:200]}"
            raise NodeError(message, code="bad_content") from None

    def _value(self, text: str) -> Any:
        if self._type == "s":
            return self._workbook.shared[_whole(text.strip())]
        if self._type in {"str", "inlineStr"}:
            return unescaped(text)
        if self._type == "b":
            return text.strip() in {"1", "true"}
        if self._type in {"e", "d"}:
            return text.strip()
        return number(text, self._style, is_1904=self._workbook.is_1904)

    def _address(self) -> str:
        letters, left = "", self._column
        while left:
            left, digit = divmod(left - 1, 26)
            letters = chr(65 + digit) + letters
        return f"{letters}{self._row}"


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 10:  # noqa: PLR2004 - digits of the largest that there can be
        raise ValueError(f"{text[:50]!r} is no number of a row or a text")
    return int(text)
