"""`csv`: reads rows of a CSV file, and writes one."""

from __future__ import annotations

import csv
import io
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.columns import unique_names
from engine.context import NodeContext
from engine.errors import NodeError
from engine.jsonvalue import dumps
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.sources import Source, given, in_thread
from engine.security.filenames import FileName

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MAX_FIELD = 1024 * 1024
MAX_COLUMNS = 2_000
Delimiter = Literal[",", ";", "\t", "|"]
Encoding = Literal["utf-8", "utf-16", "latin-1", "windows-1252"]


class CsvConfig(NodeConfig):
    """What to read, or to write."""

    operation: Literal["parse", "format"] = "parse"
    source: Source | None = Field(default=None, description="What to parse.")
    rows: list[JsonValue] | None = Field(default=None, description="What to write: objects, or lists of cells.")
    columns: list[str] | None = Field(
        default=None, max_length=MAX_COLUMNS, description="Default: those of the first row."
    )
    header: bool = Field(default=True, description="Whether the first line names the columns.")
    delimiter: Delimiter = ","
    encoding: Encoding = "utf-8"
    max_rows: int = Field(default=limits.MAX_TABLE_ROWS, ge=1, le=limits.MAX_TABLE_ROWS)
    formulas: Literal["neutralise", "keep"] = Field(
        default="neutralise",
        description="Cells that a spreadsheet program would run as a formula get a `'` in front when they are written.",
    )
    save_as: FileName | None = Field(default=None, description="Keep what is written as this file of the workspace.")

    @model_validator(mode="after")
    def _fitting(self) -> CsvConfig:
        if self.operation == "parse" and self.source is None:
            raise ValueError("`parse` takes a `source`")
        if self.operation == "format" and self.rows is None:
            raise ValueError("`format` takes `rows`")
        return self


class CsvNode(BaseNode):
    """Reads or writes CSV.

    `parse` gives `{rows, columns}`; rows are objects by column, or lists where there is no header. `format` gives
    `{text, bytes}`, or the file's name and size with `save_as`. A row with too many cells is an error, one with too
    few has empty ones.
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
        work = _parse if config.operation == "parse" else _format
        return Completed(await in_thread(lambda: work(config, context)))


def _parse(config: CsvConfig, context: NodeContext) -> dict[str, Any]:
    source = config.source or Source(text="")
    rows: list[Any] = []
    size = 0
    csv.field_size_limit(_MAX_FIELD)
    with source.opened(context) as content:
        lines = _text(content, config.encoding)
        reader = csv.reader(lines, delimiter=config.delimiter, strict=True)
        try:
            columns = list(config.columns or (unique_columns(next(reader, [])) if config.header else []))
            if config.columns and config.header:
                next(reader, None)
            for cells in reader:
                if not cells:
                    continue
                if len(rows) == config.max_rows:
                    raise NodeError(f"there are more than {config.max_rows} rows", code="too_many_rows")
                size += sum(map(len, cells)) + 4 * len(cells)
                if size > limits.MAX_OUTPUT_BYTES:
                    message = f"the rows have more than {limits.MAX_OUTPUT_BYTES} bytes"
                    raise NodeError(message, code="output_too_large")
                rows.append(_row(cells, columns, reader.line_num) if columns else cells)
        except (csv.Error, UnicodeError) as error:
            raise NodeError(f"line {reader.line_num}: {error}", code="bad_content") from None
        finally:
            lines.detach()  # whoever opened the content closes it
    return {"rows": rows, "columns": columns}


def _text(content: Any, encoding: str) -> io.TextIOWrapper:
    """Lines end where CSV has it, and not at whatever else Unicode calls a line."""
    reading = "utf-8-sig" if encoding == "utf-8" else encoding
    return io.TextIOWrapper(content, encoding=reading, newline="")


def unique_columns(names: list[str]) -> list[str]:
    """Each column's name, made unique: `name`, `name_2` and so on.

    Raises:
        NodeError: code `too_large`: there are too many.
    """
    if len(names) > MAX_COLUMNS:
        raise NodeError(f"there are more than {MAX_COLUMNS} columns", code="too_large")
    return unique_names(raw.strip() or f"column_{number}" for number, raw in enumerate(names, 1))


def _row(cells: list[str], columns: list[str], line: int) -> dict[str, str]:
    if len(cells) > len(columns):
        raise NodeError(f"line {line} has {len(cells)} cells for {len(columns)} columns", code="bad_content")
    return dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=True))


def table_of(rows: list[Any], columns: list[str] | None) -> tuple[list[str], list[list[Any]]]:
    """Columns and cells of rows that are objects or lists.

    Raises:
        NodeError: code `config`: a row is neither, or has a key that is no column.
    """
    names = list(columns or (rows[0] if rows and isinstance(rows[0], dict) else []))
    cells = []
    for number, row in enumerate(rows):
        if isinstance(row, list):
            cells.append(row)
        elif isinstance(row, dict):
            unknown = row.keys() - set(names)
            if unknown:
                raise NodeError(
                    f"config.rows[{number}] has {min(unknown)!r}, which is no column; name all in `columns`",
                    code="config",
                )
            cells.append([row.get(name) for name in names])
        else:
            raise NodeError(f"config.rows[{number}] is neither an object nor a list", code="config")
    return names, cells


def _format(config: CsvConfig, context: NodeContext) -> dict[str, Any]:
    columns, table = table_of(config.rows or [], config.columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=config.delimiter)
    harmless = config.formulas == "neutralise"
    if config.header and columns:
        writer.writerow(_cell(name, harmless=harmless) for name in columns)
    writer.writerows([_cell(value, harmless=harmless) for value in row] for row in table)
    try:
        content = text.getvalue().encode(config.encoding)
    except UnicodeEncodeError as error:
        message = f"{error.object[error.start]!r} cannot be written as {config.encoding}"
        raise NodeError(message, code="bad_content") from None
    if config.save_as is None and config.encoding == "utf-8":
        return {"text": text.getvalue(), "bytes": len(content)}
    return given(content, context, config.save_as, "text/csv")


def _cell(value: Any, *, harmless: bool) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else dumps(value)
    return f"'{text}" if harmless and text.startswith(_FORMULA) else text
