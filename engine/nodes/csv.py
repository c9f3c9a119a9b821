"""`csv`: reads rows of a CSV file, and writes one."""

from __future__ import annotations

import csv
import io
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.errors import NodeError
from engine.json_value import dumps
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.nodes.sources import Source, given, go_on, in_thread, read_by
from engine.parsing.formulas import harmless
from engine.parsing.tables import MAX_COLUMNS
from engine.parsing.text import READING, Encoding
from engine.security.filenames import FileName

_INLINE_BYTES = 256 * 1024
"""CSV up to this size is read in a thread: that takes some milliseconds at most."""
Delimiter = Literal[",", ";", "\t", "|"]


class CsvConfig(NodeConfig):
    """What to read or to write."""

    operation: Literal["parse", "format"] = Field(default="parse", description="Read CSV, or write it.")
    source: Source | None = Field(default=None, description="What to parse.")
    rows: list[JsonValue] | None = Field(default=None, description="The rows to write: objects, or lists of cells.")
    columns: list[str] | None = Field(
        default=None,
        max_length=MAX_COLUMNS,
        description="Names of the columns. Default: the header's; when writing, the keys of all rows.",
    )
    header: bool = Field(default=True, description="Whether a row holds the column names.")
    header_row: int | None = Field(
        default=None,
        ge=1,
        description="Number of the row with the column names, from 1; earlier rows are skipped. Default: 1.",
    )
    delimiter: Delimiter = Field(default=",", description="Between two cells.")
    encoding: Encoding = Field(
        default="utf-8", description=f"{READING} `utf-8-sig` writes the mark by which Excel recognizes UTF-8."
    )
    max_rows: int = Field(
        default=limits.MAX_TABLE_ROWS,
        ge=1,
        le=limits.MAX_TABLE_ROWS,
        description="Maximum number of rows; more are an error.",
    )
    formulas: Literal["neutralise", "keep"] = Field(
        default="neutralise",
        description="When writing, put a `'` before cells that a spreadsheet program would run as a formula.",
    )
    save_as: FileName | None = Field(default=None, description="Save the result as this file of the workspace.")

    @model_validator(mode="after")
    def _fitting(self) -> CsvConfig:
        if self.operation == "parse" and self.source is None:
            raise ValueError("`parse` takes a `source`")
        if self.operation == "format" and self.rows is None:
            raise ValueError("`format` takes `rows`")
        if self.header_row is not None and not self.header:
            raise ValueError("`header_row` says where the header is, and `header` that there is none")
        return self


class CsvNode(BaseNode):
    """Reads or writes CSV.

    `parse` gives `{rows, columns}`; rows are objects by column, or lists where there is no header. `format` gives
    `{text, bytes}`, or the file's name and size with `save_as`. A row with too few cells has empty ones, one with too
    many is an error, unless those are empty. Empty lines are left out, and white space around the columns' names.
    """

    Config = CsvConfig
    title: ClassVar[str] = "CSV"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "sheet"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"operation": "parse", "source": {"file": "imports/orders.csv"}, "delimiter": ";"},
        {"operation": "format", "rows": "{{ nodes.orders.rows }}", "save_as": "reports/orders.csv"},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Do it.

        Raises:
            NodeError: `bad_content`, `too_many_rows`, `output_too_large`, and those of sources.
        """
        config = context.config(CsvConfig, self.raw_config)
        if config.operation == "parse":
            fields = {"delimiter", "encoding", "header", "header_row", "columns", "max_rows"}
            arguments = config.model_dump(include=fields)
            return Completed(await read_by("read_csv", arguments, config.source, context, inline=_INLINE_BYTES))
        return Completed(await in_thread(lambda: _format(config, context)))


def table_of(rows: list[Any], columns: list[str] | None) -> tuple[list[str], list[list[Any]]]:
    """Columns and cells of rows that are objects or lists. Columns are those of all rows where they are not given.

    Raises:
        NodeError: code `config`: a row is neither, or has a key that is no column.
    """
    names = columns or list(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))
    known = set(names)
    cells = []
    for number, row in enumerate(rows):
        go_on()
        if isinstance(row, list):
            cells.append(row)
        elif isinstance(row, dict):
            unknown = row.keys() - known
            if unknown:
                message = f"config.rows[{number}] has {min(unknown)!r}, which is none of `columns`; name it there"
                raise NodeError(message, code="config")
            cells.append([row.get(name) for name in names])
        else:
            raise NodeError(f"config.rows[{number}] is neither an object nor a list", code="config")
    return names, cells


def _format(config: CsvConfig, context: NodeContext) -> dict[str, Any]:
    columns, table = table_of(config.rows or [], config.columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=config.delimiter)
    others = "".join({",", ";", "\t", "|"} - {config.delimiter}) if config.formulas == "neutralise" else None
    if config.header and columns:
        writer.writerow([_cell(name, others) for name in columns])
    for row in table:
        go_on()
        writer.writerow([_cell(value, others) for value in row])
    try:
        content = text.getvalue().encode("cp932" if config.encoding == "shift_jis" else config.encoding)
    except UnicodeEncodeError as error:
        message = f"{error.object[error.start]!r} cannot be written as {config.encoding}"
        raise NodeError(message, code="bad_content") from None
    if config.save_as is None and config.encoding == "utf-8":
        return {"text": text.getvalue(), "bytes": len(content)}
    return given(content, context, config.save_as, "text/csv")


def _cell(value: Any, other_delimiters: str | None) -> Any:
    """A cell as it is written; with what makes formulas harmless where there are other delimiters to look at."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else dumps(value)
    return text if other_delimiters is None else harmless(text, other_delimiters)
