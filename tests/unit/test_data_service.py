"""Files and data tables for people: rows that nobody overwrites unseen, CSV that is read as it was written."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from engine import limits
from engine.errors import InvalidInput, NotFound, PreconditionFailed, TooLarge
from engine.services.data import DataService
from engine.services.principal import Principal
from engine.services.table_csv import read, written
from engine.storage.data_tables import DataTables, Row
from engine.storage.files import WorkspaceFiles
from tests.unit.conftest import Aws

USER = Principal("u", "s", "ws-1", "owner", is_admin=False)
OTHER = Principal("v", "s", "ws-2", "owner", is_admin=False)


def service(aws: Aws) -> DataService:
    tables = DataTables(aws.automation, aws.clock.now)
    return DataService(lambda workspace: WorkspaceFiles(lambda: aws.s3, "payloads", workspace), tables, aws.clock)


def put(data: DataService, key: str, value: Any, **how: Any) -> Row:
    seen = {"version": None, "is_new": False, "expires_seconds": None, **how}
    return data.put_row(USER, "t", key, value, **seen)


def test_row_change_requires_the_version_that_was_seen(aws: Aws):
    data = service(aws)
    first = put(data, "a", 1, is_new=True)
    with pytest.raises(PreconditionFailed) as refused:
        put(data, "a", 2, is_new=True)
    assert refused.value.details["row"]["value"] == 1
    second = put(data, "a", 2, version=first.version)
    with pytest.raises(PreconditionFailed):
        put(data, "a", 3, version=first.version)
    with pytest.raises(PreconditionFailed):
        data.delete_row(USER, "t", "a", first.version)
    assert [row.value for row in data.rows(USER, "t", "", 10, None)[0]] == [2]
    data.delete_row(USER, "t", "a", second.version)
    data.delete_row(USER, "t", "a", None)
    assert data.rows(USER, "t", "", 10, None) == ([], None)


def test_expired_row_counts_as_absent(aws: Aws):
    data = service(aws)
    put(data, "a", 1, expires_seconds=60)
    aws.clock.pass_time(seconds=61)
    assert put(data, "a", 2, is_new=True).value == 2


def test_first_write_lists_a_table(aws: Aws):
    data = service(aws)
    put(data, "a", 1)
    DataTables(aws.automation, aws.clock.now).increment("ws-1", "counters", "c", 1, writer="w")
    assert data.tables(USER) == ["counters", "t"]
    assert data.tables(OTHER) == []
    data.delete_table(USER, "t")
    assert data.tables(USER) == ["counters"]
    assert data.rows(USER, "t", "", 10, None) == ([], None)
    put(data, "a", 1)
    assert data.tables(USER) == ["counters", "t"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
texts = st.sampled_from(["", "17", "true", '"x"', "null", "a,b", "line\nbreak", "=1+1", " key "])


@given(st.dictionaries(st.text(min_size=1, max_size=8), json_values | texts, max_size=6))
def test_exported_table_is_imported_unchanged(values: dict[str, Any]):
    rows = [Row(key, value, number + 1, "") for number, (key, value) in enumerate(values.items())]
    text = written(rows)
    found = [(row.key, row.value, row.version, row.problem) for row in read(text, 100)]
    assert found == [(row.key, row.value, row.version, None) for row in rows]


def test_import_changes_valid_rows_and_reports_the_others(aws: Aws):
    data = service(aws)
    same, changed = put(data, "same", {"n": 1}), put(data, "changed", {"n": 1})
    put(data, "changed", {"n": 2})
    text = (
        f"key,version,n\r\nsame,{same.version},1\r\nchanged,{changed.version},5\r\nnew,,7\r\ngone,3,1\r\nnew,,8\r\n,,1\r\n"
        f"{'k' * (limits.MAX_ROW_KEY_BYTES + 1)},,1\r\n"
    )
    dry = data.import_csv(USER, "t", text, dry_run=True)
    assert data.rows(USER, "t", "new", 10, None)[0] == []
    done = data.import_csv(USER, "t", text, dry_run=False)

    assert dry == done
    assert (done.created, done.updated, done.unchanged) == (1, 0, 1)
    problems = [(row.line, code) for row, code, _ in done.problems]
    assert problems == [(3, "row_changed"), (5, "row_changed"), (6, "duplicate_key"), (7, "invalid"), (8, "too_large")]
    assert data.rows(USER, "t", "new", 10, None)[0][0].value == {"n": 7}
    assert data.export(USER, "t", "new").splitlines() == ["key,version,n", "new,1,7"]


@pytest.mark.parametrize("cell", ["1e999", "NaN", '"\\ud800"', "[" * 5_000, "[" * 100 + "]" * 100])
def test_a_cell_that_is_no_json_that_can_be_kept_is_a_text(aws: Aws, cell: str):
    data = service(aws)
    quoted = cell.replace('"', '""')
    assert data.import_csv(USER, "t", f'key,n\na,"{quoted}"', dry_run=False).created == 1
    value = data.rows(USER, "t", "", 10, None)[0][0].value["n"]
    assert value in (cell, "\ud800")


def test_invalid_keys_and_prefixes_are_refused(aws: Aws):
    data = service(aws)
    for text in ("x" * 2_000, "ü" * 600, "a\x00b"):
        with pytest.raises(InvalidInput):
            data.rows(USER, "t", text, 10, None)
        with pytest.raises(InvalidInput):
            data.files(USER, text, 10, None, folders=True)
        with pytest.raises(InvalidInput):
            data.delete_row(USER, "t", text, None)


@pytest.mark.parametrize("text", ["", "a,b\n1,2", "key,key\n1,2", "key\n" + "x\n" * 1_001, 'key\n"open'])
def test_missing_or_invalid_file_is_refused(aws: Aws, text: str):
    with pytest.raises(InvalidInput):
        service(aws).import_csv(USER, "t", text, dry_run=False)


def test_files_by_folder_and_their_links(aws: Aws):
    aws.s3 = boto3.client("s3", config=Config(signature_version="s3v4"))  # as the functions sign
    data = service(aws)
    files = WorkspaceFiles(lambda: aws.s3, "payloads", "ws-1")
    for name in ("a.txt", "reports/1.csv", "reports/2.csv", "z.txt"):
        files.write(name, b"hello")
    found, folders, cursor = data.files(USER, "", 50, None, folders=True)
    assert ([one.name for one in found], folders, cursor) == (["a.txt", "z.txt"], ["reports/"], None)
    assert len(data.files(USER, "", 50, None, folders=False)[0]) == 4
    seen, cursor = [], None
    for _ in range(5):
        found, folders, cursor = data.files(USER, "", 1, cursor, folders=True)
        seen += [one.name for one in found] + folders
        if cursor is None:
            break
    assert sorted(seen) == ["a.txt", "reports/", "z.txt"]
    link = data.download(USER, "a.txt")
    assert link.info is not None
    assert (link.info.bytes, "X-Amz-Signature" in link.url) == (5, True)
    with pytest.raises(NotFound):
        data.download(OTHER, "a.txt")
    put_at = data.upload(USER, "new.png", 3, None)
    assert put_at.headers == {"content-type": "image/png"}
    assert "content-length" in put_at.url.lower()
    for name in ("../x", "/x"):
        with pytest.raises(InvalidInput):
            data.upload(USER, name, 3, None)
    data.delete_file(USER, "a.txt")
    assert len(data.files(USER, "", 50, None, folders=False)[0]) == 3


def test_too_large_uploads_and_imports_are_refused(aws: Aws):
    data = service(aws)
    with pytest.raises(TooLarge):
        put(data, "a", "x" * limits.MAX_ROW_BYTES)
    with pytest.raises(TooLarge):
        put(data, "k" * (limits.MAX_ROW_KEY_BYTES + 1), 1)
