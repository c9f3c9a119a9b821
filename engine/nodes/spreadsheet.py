"""`spreadsheet`: reads the rows of an Excel workbook, and writes one."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.columns import unique_names
from engine.context import NodeContext
from engine.errors import NodeError
from engine.jsonvalue import dumps
from engine.nodes.archives import check_unpacked, opened_archive
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.csv import table_of
from engine.nodes.sources import Source, given, in_thread
from engine.parsing.tables import MAX_COLUMNS
from engine.security.filenames import FileName

MAX_SHEETS = 100
MAX_PART_BYTES = 8 * 1024 * 1024
"""Of a part of a workbook that is read whole, such as its shared texts."""
MAX_SHEET_ROWS = 1_048_576
"""What Excel has."""
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Sheet(NodeConfig):
    """One sheet to write."""

    name: str = Field(default="Sheet1", min_length=1, max_length=31, pattern=r"^[^\[\]:*?/\\]+$")
    rows: list[JsonValue] = Field(description="Objects, or lists of cells.")
    columns: list[str] | None = Field(default=None, max_length=MAX_COLUMNS)


class SpreadsheetConfig(NodeConfig):
    """What to read, or to write."""

    operation: Literal["read", "write"] = "read"
    source: Source | None = Field(default=None, description="The workbook to read (.xlsx).")
    sheet: str | None = Field(default=None, max_length=100, description="Which to read; default: the first.")
    header: bool = Field(default=True, description="Whether the first row names the columns.")
    max_rows: int = Field(default=limits.MAX_TABLE_ROWS, ge=1, le=limits.MAX_TABLE_ROWS)
    sheets: list[Sheet] | None = Field(default=None, min_length=1, max_length=MAX_SHEETS, description="To write.")
    save_as: FileName | None = Field(default=None, description="Keep what is written as this file of the workspace.")

    @model_validator(mode="after")
    def _fitting(self) -> SpreadsheetConfig:
        if self.operation == "read" and self.source is None:
            raise ValueError("`read` takes a `source`")
        if self.operation == "write" and self.sheets is None:
            raise ValueError("`write` takes `sheets`")
        return self


class SpreadsheetNode(BaseNode):
    """Reads or writes an Excel workbook (.xlsx).

    `read` gives `{sheet, sheets, columns, rows}`: the values that are shown, times as RFC 3339. `write` gives the
    file's name and size, or `{base64, bytes}`. Texts are written as texts, also those that begin with `=`.
    """

    Config = SpreadsheetConfig
    title: ClassVar[str] = "Spreadsheet"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "file-spreadsheet"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"operation": "read", "source": {"file": "imports/prices.xlsx"}},
        {
            "operation": "write",
            "sheets": [{"name": "Orders", "rows": "{{ nodes.orders.rows }}"}],
            "save_as": "reports/orders.xlsx",
        },
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Do it.

        Raises:
            NodeError: `bad_content`, `no_sheet`, `too_large`, `too_many_rows`, `output_too_large`, those of sources.
        """
        config = context.config(SpreadsheetConfig, self.raw_config)
        work = _read if config.operation == "read" else _write
        return Completed(await in_thread(lambda: work(config, context)))


def _read(config: SpreadsheetConfig, context: NodeContext) -> dict[str, Any]:
    from openpyxl import load_workbook

    with (config.source or Source(text="")).opened(context) as content:
        with opened_archive(content) as archive:
            if not {"xl/workbook.xml", "[Content_Types].xml"} <= set(archive.namelist()):
                raise NodeError("the content is no .xlsx workbook; save it as one", code="bad_content")
            check_unpacked(archive, _check_part)
        content.seek(0)
        try:
            # Read row by row: what is not asked for is not built, however far away its cells say that they are.
            workbook = load_workbook(content, read_only=True, data_only=True, keep_links=False)
            names = list(workbook.sheetnames)
            if config.sheet is not None and config.sheet not in names:
                raise NodeError(f"there is no sheet {config.sheet!r}, but {names[:20]}", code="no_sheet")
            sheet = workbook[config.sheet or names[0]]
            sheet.reset_dimensions()  # what the sheet says of its size may be anything
            columns, rows = _rows(config, sheet.iter_rows(values_only=True))
        except NodeError:
            raise
        except Exception as error:  # noqa: BLE001 - openpyxl raises whatever its content led it into
            message = f"the workbook cannot be read: {type(error).__name__}: {str(error)[:200]}"
            raise NodeError(message, code="bad_content") from None
    return {"sheet": config.sheet or names[0], "sheets": names, "columns": columns, "rows": rows}


def _check_part(name: str) -> Callable[[bytes], None]:
    """What looks at a part of a workbook while it is unpacked.

    Raises:
        NodeError: it declares a document type, whose entities could grow without bounds; or it is a part that is read
            whole, and is too large for that.
    """
    from xml.parsers import expat

    def refuse(*_: Any) -> None:
        raise NodeError("the workbook declares a document type, which is not allowed", code="bad_content")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    is_xml, size = True, 0
    is_read_by_rows = name.startswith("xl/worksheets/")

    def look(chunk: bytes) -> None:
        nonlocal is_xml, size
        size += len(chunk)
        if size > MAX_PART_BYTES and not is_read_by_rows and not name.startswith("xl/media/"):
            message = f"the part {name!r} of the workbook has more than {MAX_PART_BYTES} bytes"
            raise NodeError(message, code="too_large")
        if is_xml:
            try:
                parser.Parse(chunk, False)
            except (expat.ExpatError, ValueError, LookupError):
                is_xml = False  # then nobody else can read it as XML either

    return look


def _rows(config: SpreadsheetConfig, given_rows: Iterable[tuple[Any, ...]]) -> tuple[list[str], list[Any]]:
    columns: list[str] = []
    rows: list[Any] = []
    size = passed = 0
    for number, cells in enumerate(given_rows):
        if number >= MAX_SHEET_ROWS:
            break
        last = max((i for i, cell in enumerate(cells, 1) if cell is not None), default=0)
        if last > MAX_COLUMNS:
            raise NodeError(f"row {number + 1} has more than {MAX_COLUMNS} columns", code="too_large")
        if not last:
            passed += 1  # a row of nothing, of which there may be a million before the next of something
            if passed > limits.MAX_TABLE_ROWS:
                break
            continue
        if config.header and not columns:
            columns = unique_names(["" if cell is None else str(cell) for cell in cells[:last]])
            continue
        if len(rows) == config.max_rows:
            raise NodeError(f"there are more than {config.max_rows} rows", code="too_many_rows")
        values = [_value(cell) for cell in cells[: last if not columns else len(columns)]]
        values += [None] * (len(columns) - len(values))
        size += sum(len(value) + 3 if isinstance(value, str) else 8 for value in values)
        if size > limits.MAX_OUTPUT_BYTES:
            raise NodeError(f"the rows have more than {limits.MAX_OUTPUT_BYTES} bytes", code="output_too_large")
        rows.append(dict(zip(columns, values, strict=True)) if columns else values)
    return columns, rows


def _value(cell: Any) -> Any:
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):
        return cell.total_seconds()
    return cell if isinstance(cell, str | int | float | bool) or cell is None else str(cell)


def _write(config: SpreadsheetConfig, context: NodeContext) -> dict[str, Any]:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils.exceptions import IllegalCharacterError

    workbook = Workbook(write_only=True)
    for wanted in config.sheets or []:
        sheet = workbook.create_sheet(wanted.name)
        columns, table = table_of(wanted.rows, wanted.columns)
        for row in [columns, *table] if columns else table:
            cells = []
            for value in row:
                plain = value if isinstance(value, str | int | float | bool) or value is None else dumps(value)
                try:
                    cell = WriteOnlyCell(sheet, plain)
                except IllegalCharacterError:
                    raise NodeError(f"{plain!r:.100} holds characters that no cell may", code="bad_content") from None
                if isinstance(plain, str):
                    cell.data_type = "s"  # never a formula
                cells.append(cell)
            sheet.append(cells)
    with tempfile.TemporaryFile() as target:
        workbook.save(target)
        target.seek(0)
        return given(target.read(), context, config.save_as, _TYPE)
