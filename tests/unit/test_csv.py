"""CSV as programs and people write it, and as a spreadsheet program is to read it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.testing import MemoryFiles, run_node
from tests.unit.test_data_nodes import raw, refused, text


def rows(content: str | bytes, **config: Any) -> Any:
    source = text(content) if isinstance(content, str) else raw(content)
    return run_node("csv", {**source, **config}).output["rows"]


def written(given_rows: Any, **config: Any) -> str:
    return run_node("csv", {"operation": "format", "rows": given_rows, **config}).output["text"]


def test_a_delimiter_at_the_end_of_each_line_does_no_harm():
    assert rows("a;b;c\n1;2;3;\n", delimiter=";") == [{"a": "1", "b": "2", "c": "3"}]
    assert rows("a;b;\n1;2;\n", delimiter=";") == [{"a": "1", "b": "2"}]
    assert rows("a;b;\n1;2;x\n", delimiter=";") == [{"a": "1", "b": "2", "column_3": "x"}]
    assert "line 3 has 3 cells for 2 columns" in refused("csv", text("a,b\n1,2\n1,2,3\n")).message


@pytest.mark.parametrize("number", ["-12.50", "+49", "-1", "-1,234.56", "-1.234,56", "-5 %", "-1e5", "+49 30 123456"])
def test_numbers_are_not_escaped_as_formulas(number: str):
    assert rows(written([{"amount": number}])) == [{"amount": number}]


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\n=1+1", "'\n=1+1"),
        ("\t=1", "\t'=1"),
        ("x;=1+1", "x;'=1+1"),
        ("x\t@SUM(A1)", "x\t'@SUM(A1)"),
        ("x\n=1+1", "x\n'=1+1"),
        ("x;-cmd|' /C calc'!A0", "x;'-cmd|' /C calc'!A0"),
        ("-1+1", "'-1+1"),
        (" =1", "' =1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("12,- EUR; x", "12,- EUR; x"),
        ("- one\n- two", "'- one\n- two"),
        ("a=b", "a=b"),
        ("x;-5", "x;-5"),
        ("ann@example.com", "ann@example.com"),
    ],
)
def test_cells_that_would_run_as_formulas_are_escaped(cell: str, safe: str):
    assert next(csv.reader(io.StringIO(written([[cell]]), newline=""))) == [safe]


def test_a_mark_of_the_encoding_can_be_asked_for():
    files = MemoryFiles()
    config = {"operation": "format", "rows": [{"a": "ü"}], "encoding": "utf-8-sig", "save_as": "x.csv"}
    run_node("csv", config, files=files)
    assert files.content["x.csv"] == "\ufeffa\r\nü\r\n".encode()
    assert run_node("csv", {"source": {"file": "x.csv"}}, files=files).output["rows"] == [{"a": "ü"}]


def test_columns_are_those_of_all_rows():
    assert written([{"a": 1}, {"b": 2, "a": 3}]) == "a,b\r\n1,\r\n3,2\r\n"
    assert (
        "which is none of `columns`"
        in refused("csv", {"operation": "format", "rows": [{"a": 1, "b": 1}], "columns": ["a"]}).message
    )


@pytest.mark.parametrize(
    ("content", "encoding", "told"),
    [
        ("name\nAnn\nJörg\n".encode("latin-1"), "utf-8", "line 3: the byte 0xf6 is not of utf-8; set `encoding`"),
        ("a,b\r\n1,2\r\n".encode("utf-16-le"), "utf-8", "looks like utf-16-le"),
        ("a,b\r\n1,2\r\n".encode("utf-16-be"), "utf-8", "looks like utf-16-be"),
        (b"a\n\x81\n", "windows-1252", "line 2: the byte 0x81"),
        (("x\n" * 90_000 + "ö").encode("latin-1"), "utf-8", "line 90001: "),
    ],
)
def test_a_wrong_encoding_is_told_with_its_line_and_what_helps(content: bytes, encoding: str, told: str):
    error = refused("csv", {**raw(content), "encoding": encoding})
    assert error.code == "bad_content"
    assert told in error.message
    assert "`encoding`" in error.message


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_mark_at_the_beginning_says_what_the_encoding_is(codec: str):
    content = "\ufeffn\nä\n".encode(codec.removesuffix("-sig")) if codec != "utf-16" else "n\nä\n".encode(codec)
    for said in ("utf-8", "windows-1252", "utf-16"):
        assert rows(content, encoding=said) == [{"n": "ä"}]
    assert rows("n\nä\n".encode("utf-16-le"), encoding="utf-16") == [{"n": "ä"}]
    assert rows("n\nä,b\n".encode("utf-16-be"), encoding="utf-16", delimiter=";") == [{"n": "ä,b"}]


def test_a_header_that_is_not_the_first_row():
    report = "Report May\n\nid,name\n1,Ann\n"
    assert rows(report, header_row=3) == [{"id": "1", "name": "Ann"}]
    assert rows("\n\nid\n1\n") == [{"id": "1"}]
    assert "the last row is 4" in refused("csv", {**text(report), "header_row": 9}).message
    assert "is empty" in refused("csv", {**text(report), "header_row": 2}).message
    assert refused("csv", {**text(report), "header_row": 2, "header": False}).code == "config"


def test_what_excel_says_of_the_delimiter_is_no_row():
    assert rows("sep=;\na;b\n1;2\n", delimiter=";") == [{"a": "1", "b": "2"}]
    assert "set `delimiter`" in refused("csv", text("sep=;\na;b\n")).message


def test_odd_csv_cells_are_read_unchanged():
    odd = ["00123", "7615917337495251231", "1,5", "\u00e9", "e\u0301", "a\r\nb", 'q"q', "\t", " x ", "a\0b", "", "NULL"]
    assert rows(written([{"a": one, "b": "."} for one in odd], formulas="keep")) == [
        {"a": one, "b": "."} for one in odd
    ]
    assert refused("csv", text('a\n1\n"open\n\n')).message.startswith("line 3: ")
    assert rows("a,a,a_2\n1,2,3\n") == [{"a": "1", "a_2": "2", "a_2_2": "3"}]


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_written_content_is_read_back_unchanged(table: list[list[str]], delimiter: str):
    config = {"delimiter": delimiter, "header": False}
    # A mark of the encoding at the very beginning is no part of the text.
    expected = [[cell.removeprefix("\ufeff") if at == (0, 0) else cell for at, cell in row] for row in _placed(table)]
    assert rows(written(table, formulas="keep", **config), **config) == expected


def _placed(table: list[list[str]]) -> list[list[tuple[tuple[int, int], str]]]:
    return [[((y, x), cell) for x, cell in enumerate(row)] for y, row in enumerate(table)]
