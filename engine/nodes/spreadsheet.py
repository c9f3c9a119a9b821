"""`spreadsheet`: reads the rows of an Excel workbook, and writes one."""

from __future__ import annotations

import tempfile
from collections import Counter
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.errors import NodeError
from engine.isolation.pool import isolated
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.nodes.csv import table_of
from engine.nodes.sources import Source, given, in_thread, read_by
from engine.parsing.sheet import RANGE, Area, area_of
from engine.parsing.tables import MAX_COLUMNS
from engine.security.filenames import FileName

MAX_SHEETS = 100
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Sheet(NodeConfig):
    """One sheet to write."""

    name: str = Field(
        default="Sheet1", min_length=1, max_length=31, pattern=r"^[^\[\]:*?/\\\x00-\x1f]+$", description="Of the sheet."
    )
    rows: list[JsonValue] = Field(description="Rows: objects, or lists of cells.")
    columns: list[str] | None = Field(
        default=None, max_length=MAX_COLUMNS, description="Columns in this order. Default: all, in order of appearance."
    )


class SpreadsheetConfig(NodeConfig):
    """What to read or to write."""

    operation: Literal["read", "write"] = Field(default="read", description="Read a workbook, or write one.")
    source: Source | None = Field(default=None, description="The workbook to read (.xlsx).")
    sheet: str | None = Field(
        default=None, max_length=100, description="Name of the sheet to read. Default: the first."
    )
    range: str | None = Field(
        default=None,
        pattern=f"^{RANGE}$",
        description="The cells to read, such as B3:F200, B:F, or B3 for all from there on. Default: all.",
        examples=["B3:F200"],
    )
    header: bool = Field(default=True, description="Whether a row holds the column names.")
    header_row: int | None = Field(
        default=None,
        ge=1,
        description="Number of the row with the column names; earlier rows are skipped. Default: the first with data.",
    )
    uncomputed: Literal["fail", "null"] = Field(
        default="fail",
        description="What to return for formulas whose result is not in the file.",
    )
    max_rows: int = Field(
        default=limits.MAX_TABLE_ROWS,
        ge=1,
        le=limits.MAX_TABLE_ROWS,
        description="Maximum number of rows; more are an error.",
    )
    sheets: list[Sheet] | None = Field(default=None, min_length=1, max_length=MAX_SHEETS, description="To write.")
    save_as: FileName | None = Field(default=None, description="Save the workbook as this file of the workspace.")

    @model_validator(mode="after")
    def _fitting(self) -> SpreadsheetConfig:
        if self.operation == "read" and self.source is None:
            raise ValueError("`read` takes a `source`")
        if self.operation == "write" and self.sheets is None:
            raise ValueError("`write` takes `sheets`")
        if self.header_row is not None and not self.header:
            raise ValueError("`header_row` says where the header is, and `header` that there is none")
        if self.range is not None:
            area = _area(self.range)
            if self.header_row is not None and not area.top <= self.header_row <= area.bottom:
                raise ValueError("`header_row` is outside of `range`")
        names = Counter(one.name.lower() for one in self.sheets or [])
        if names and max(names.values()) > 1:
            raise ValueError(f"two sheets are named {max(names, key=lambda name: names[name])!r}")
        return self


def _area(text: str) -> Area:
    try:
        return area_of(text)
    except NodeError as error:
        raise ValueError(error.message.removeprefix("config.range: ")) from None


class SpreadsheetNode(BaseNode):
    """Reads or writes an Excel workbook (.xlsx).

    `read` gives `{sheet, sheets, columns, rows}`: the results of formulas, numbers with all their digits, times as
    RFC 3339 without a zone, durations in seconds, errors such as `#N/A` as texts; a number that is shown with zeros
    before it is a text. `write` gives the file's name and size, or `{base64, bytes}`. Texts are written as texts, also
    those that begin with `=`; so are numbers of more than 15 digits, which no spreadsheet program keeps.
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
        if config.operation == "read":
            fields = {"sheet", "header", "header_row", "range", "uncomputed", "max_rows"}
            arguments = config.model_dump(include=fields)
            return Completed(await read_by("read_workbook", arguments, config.source, context))
        return Completed(await _written(config, context))


async def _written(config: SpreadsheetConfig, context: NodeContext) -> dict[str, Any]:
    sheets = []
    for wanted in config.sheets or []:
        columns, rows = table_of(wanted.rows, wanted.columns)
        sheets.append(
            {"name": wanted.name, "columns": context.redactor.scrub(columns), "rows": context.redactor.scrub(rows)}
        )
    with tempfile.TemporaryFile() as output:
        await isolated("write_workbook", {"sheets": sheets}, output=output)
        output.seek(0)
        return await in_thread(lambda: given(output.read(), context, config.save_as, _TYPE))
