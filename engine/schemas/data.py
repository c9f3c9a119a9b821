"""Bodies of files and data tables."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from engine import limits
from engine.schemas.common import Answer, Body

FileName = Annotated[str, Field(min_length=1, max_length=700, description="With `/` between folders.")]


class FileAnswer(Answer):
    """A file."""

    name: str
    bytes: int
    modified_at: str


class FileList(Answer):
    """A page of files, by name; and the folders among them, where these were asked for."""

    items: list[FileAnswer]
    folders: list[str]
    next_cursor: str | None


class UploadBody(Body):
    """A file that is to be uploaded."""

    name: FileName
    bytes: int = Field(ge=0, le=limits.MAX_FILE_BYTES, description="Its size, exactly.")
    content_type: Annotated[str, Field(max_length=200, pattern=r"^[\x20-\x7e]+$")] | None = Field(
        default=None, description="Default: what the name says."
    )


class UploadAnswer(Answer):
    """Where the bytes go."""

    url: str
    method: Literal["PUT"]
    headers: dict[str, str] = Field(description="Send exactly these.")
    expires_at: str


class DownloadBody(Body):
    """A file that is to be downloaded."""

    name: FileName


class DownloadAnswer(Answer):
    """Where the bytes are."""

    url: str
    expires_at: str
    bytes: int
    modified_at: str


class TableAnswer(Answer):
    """A data table."""

    name: str


class TableList(Answer):
    """The data tables of a workspace."""

    items: list[TableAnswer]
    next_cursor: str | None


class RowBody(Body):
    """A row to write."""

    value: JsonValue = Field(description="Any JSON up to 64 KB.")
    expires_seconds: Annotated[int, Field(ge=1, le=limits.MAX_DELAY)] | None = Field(
        default=None, description="Then it is gone. Default: never."
    )


class RowAnswer(Answer):
    """A row."""

    key: str
    value: Any
    version: int = Field(description="Counts its changes.")
    updated_at: str
    expires_at: str | None


class RowList(Answer):
    """A page of rows, by key."""

    items: list[RowAnswer]
    next_cursor: str | None


class CsvBody(Body):
    """Rows to write."""

    csv: str = Field(description="The first line names the columns: `key`, perhaps `version`, and fields or `value`.")
    dry_run: bool = Field(default=False, description="Only say what would happen.")


class CsvProblem(Answer):
    """A row that was left out."""

    line: int
    key: str
    code: str
    message: str


class CsvAnswer(Answer):
    """What became of the rows."""

    created: int
    updated: int
    unchanged: int
    problems: list[CsvProblem]
