"""Files and data tables: `/api/files`, `/api/data-tables`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponseHeader

from engine import limits
from engine.clock import format_time
from engine.errors import InvalidInput, NotFound
from engine.ids import DATA_TABLE_PATTERN
from engine.schemas.data import (
    CsvAnswer,
    CsvBody,
    CsvProblem,
    DownloadAnswer,
    DownloadBody,
    FileAnswer,
    FileList,
    RowAnswer,
    RowBody,
    RowList,
    TableAnswer,
    TableList,
    UploadAnswer,
    UploadBody,
)
from engine.security.permissions import Permission
from engine.storage.data_tables import Row
from functions import api_services
from functions.http_api import Limit, allows, caller, errors, make_app, make_handler, raw_answer

app = make_app()
_TABLE = re.compile(DATA_TABLE_PATTERN)
_ETAG = re.compile(r'(?:W/)?"?(\d{1,15})"?', re.ASCII)
_VERSION: dict[str, OpenAPIResponseHeader] = {
    "ETag": {"description": "The row's version, for `If-Match`.", "schema": {"type": "string"}}
}
TableName = Annotated[str, Path(min_length=1, max_length=300, description="The table's name, URL-encoded.")]
Prefix = Annotated[str, Query(max_length=700, description="Only what begins so.")]
ListCursor = Annotated[str | None, Query(max_length=1_000, description="`next_cursor` of the page before.")]
Key = Annotated[str, Query(min_length=1, max_length=900, description="The row's key.")]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=40, description='Only if the row has this version, as `"3"`.')
]


@app.get(
    "/api/files",
    tags=["files"],
    summary="List files",
    responses={200: {"description": "A page of files"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def list_files(
    prefix: Prefix = "",
    folders: Annotated[bool, Query(description="Only what lies directly below `prefix`.")] = False,  # noqa: FBT002
    limit: Limit = limits.PAGE_SIZE,
    cursor: ListCursor = None,
) -> FileList:
    """By name."""
    found, below, following = api_services.data_service().files(caller(app), prefix, limit, cursor, folders=folders)
    items = [FileAnswer(name=one.name, bytes=one.bytes, modified_at=one.modified_at) for one in found]
    return FileList(items=items, folders=list(below), next_cursor=following)


@app.post(
    "/api/files/upload",
    tags=["files"],
    summary="Upload a file",
    responses={200: {"description": "Where to put it"}, **errors(400, 401, 403, 413, 415)},
    openapi_extensions=allows(Permission.EDIT),
)
def upload(body: UploadBody) -> UploadAnswer:
    """The bytes go to the address that this gives; a file of that name is replaced."""
    link = api_services.data_service().upload(caller(app), body.name, body.bytes, body.content_type)
    return UploadAnswer(url=link.url, method="PUT", headers=dict(link.headers), expires_at=format_time(link.expires_at))


@app.post(
    "/api/files/download",
    tags=["files"],
    summary="Download a file",
    responses={200: {"description": "Where to get it"}, **errors(400, 401, 403, 404, 413, 415)},
    openapi_extensions=allows(Permission.READ),
)
def download(body: DownloadBody) -> DownloadAnswer:
    """Who has the address can read the file, for 15 minutes."""
    link = api_services.data_service().download(caller(app), body.name)
    if link.info is None:
        raise NotFound("there is no such file", code="no_file")
    return DownloadAnswer(
        url=link.url,
        expires_at=format_time(link.expires_at),
        bytes=link.info.bytes,
        modified_at=link.info.modified_at,
    )


@app.delete(
    "/api/files",
    status_code=204,
    tags=["files"],
    summary="Delete a file",
    responses={204: {"description": "Deleted", "content": {}}, **errors(401, 403)},
    openapi_extensions=allows(Permission.EDIT),
)
def delete_file(name: Annotated[str, Query(min_length=1, max_length=700, description="The file.")]) -> Response[None]:
    """One that is not there is as good as deleted."""
    api_services.data_service().delete_file(caller(app), name)
    return Response(204)


@app.get(
    "/api/data-tables",
    tags=["data tables"],
    summary="List data tables",
    responses={200: {"description": "All of the workspace"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def list_tables() -> TableList:
    """Tables to which something was written."""
    names = api_services.data_service().tables(caller(app))
    return TableList(items=[TableAnswer(name=name) for name in names], next_cursor=None)


@app.delete(
    "/api/data-tables/<table>",
    status_code=204,
    tags=["data tables"],
    summary="Delete a data table",
    responses={204: {"description": "Deleted", "content": {}}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.EDIT),
)
def delete_table(table: TableName) -> Response[None]:
    """With all of its rows."""
    api_services.data_service().delete_table(caller(app), _named(table))
    return Response(204)


@app.get(
    "/api/data-tables/<table>/rows",
    tags=["data tables"],
    summary="List rows",
    responses={200: {"description": "A page of rows"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def list_rows(
    table: TableName, prefix: Prefix = "", limit: Limit = limits.PAGE_SIZE, cursor: ListCursor = None
) -> RowList:
    """By key."""
    rows, following = api_services.data_service().rows(caller(app), _named(table), prefix, limit, cursor)
    return RowList(items=[_row(one) for one in rows], next_cursor=following)


@app.put(
    "/api/data-tables/<table>/rows",
    tags=["data tables"],
    summary="Write a row",
    responses={200: {"description": "The row", "headers": _VERSION}, **errors(400, 401, 403, 404, 412, 413, 415)},
    openapi_extensions=allows(Permission.EDIT),
)
def put_row(
    table: TableName,
    body: RowBody,
    key: Key,
    if_match: IfMatch = None,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", max_length=40, description="`*`: only if there is none.")
    ] = None,
) -> Response[RowAnswer]:
    """Whatever is there, unless a header says otherwise."""
    if if_none_match not in (None, "*"):
        raise InvalidInput.at("If-None-Match", "only `*` is understood")
    row = api_services.data_service().put_row(
        caller(app),
        _named(table),
        key,
        body.value,
        version=_version(if_match),
        is_new=if_none_match == "*",
        expires_seconds=body.expires_seconds,
    )
    return Response(200, "application/json", _row(row), headers={"ETag": f'"{row.version}"'})


@app.delete(
    "/api/data-tables/<table>/rows",
    status_code=204,
    tags=["data tables"],
    summary="Delete a row",
    responses={204: {"description": "Deleted", "content": {}}, **errors(401, 403, 404, 412)},
    openapi_extensions=allows(Permission.EDIT),
)
def delete_row(table: TableName, key: Key, if_match: IfMatch = None) -> Response[None]:
    """One that is not there is as good as deleted."""
    api_services.data_service().delete_row(caller(app), _named(table), key, _version(if_match))
    return Response(204)


@app.get(
    "/api/data-tables/<table>/csv",
    tags=["data tables"],
    summary="Export rows",
    responses={
        200: {"description": "CSV", "content": {"text/csv": {"schema": {"type": "string"}}}},
        **errors(401, 403, 404, 413),
    },
    openapi_extensions=allows(Permission.READ),
)
def export(table: TableName, prefix: Prefix = "") -> Response[Any]:
    """What it gives can be imported again."""
    name = _named(table)
    text = api_services.data_service().export(caller(app), name, prefix)
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return raw_answer(200, "text/csv; charset=utf-8", text.encode(), headers)


@app.post(
    "/api/data-tables/<table>/csv",
    tags=["data tables"],
    summary="Import rows",
    responses={200: {"description": "What became of them"}, **errors(400, 401, 403, 404, 413, 415)},
    openapi_extensions=allows(Permission.EDIT),
)
def import_csv(table: TableName, body: CsvBody) -> CsvAnswer:
    """A row with a `version` is written only if the table's row has that one. Rows with problems are left out."""
    done = api_services.data_service().import_csv(caller(app), _named(table), body.csv, dry_run=body.dry_run)
    problems = [
        CsvProblem(line=row.line, key=row.key, code=code, message=message) for row, code, message in done.problems
    ]
    return CsvAnswer(created=done.created, updated=done.updated, unchanged=done.unchanged, problems=problems)


def _named(table: str) -> str:
    name = unquote(table)
    if not _TABLE.fullmatch(name):
        raise NotFound("there is no such table: names have letters, digits, `_`, `-`, `.` and blanks")
    return name


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if not found:
        raise InvalidInput.at("If-Match", 'a version such as "3"')
    return int(found[1])


def _row(row: Row) -> RowAnswer:
    ends = datetime.fromtimestamp(row.expires_at, UTC) if row.expires_at else None
    return RowAnswer(
        key=row.key,
        value=row.value,
        version=row.version,
        updated_at=row.updated_at,
        expires_at=format_time(ends) if ends else None,
    )


handler = make_handler(app)
