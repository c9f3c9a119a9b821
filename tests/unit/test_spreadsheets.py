"""Workbooks as programs and people write them: nothing in them is lost or changed silently."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from engine.errors import NodeError
from engine.testing import MemoryFiles, run_node
from tests.unit.test_data_nodes import raw, refused
from tests.unit.test_isolation import peak

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def saved(write_buffer: Workbook) -> bytes:
    content = io.BytesIO()
    write_buffer.save(content)
    return content.getvalue()


def book_of(*rows: Any, formats: dict[str, str] | None = None) -> bytes:
    write_buffer = Workbook()
    for row in rows:
        write_buffer.active.append(row)  # type: ignore[union-attr]
    for cell, code in (formats or {}).items():
        write_buffer.active[cell].number_format = code  # type: ignore[index]
    return saved(write_buffer)


def sheet_of(cells: str, *, shared: str = "", date1904: bool = False) -> bytes:
    """A workbook whose one sheet has these rows, as XML."""
    parts = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="urn:r"><workbookPr date1904="{int(date1904)}"/>'
        '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="/xl/s.xml"/>'
        '<Relationship Id="r2" Type="x/sharedStrings" Target="t.xml"/></Relationships>',
        "xl/t.xml": f'<sst xmlns="{MAIN}">{shared}</sst>',
        "xl/s.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def read(content: bytes, **config: Any) -> dict[str, Any]:
    output: dict[str, Any] = run_node("spreadsheet", {**raw(content), **config}).output
    return output


def lists(content: bytes, **config: Any) -> list[Any]:
    rows: list[Any] = read(content, header=False, **config)["rows"]
    return rows


def written(rows: Any, **sheet: Any) -> bytes:
    files = MemoryFiles()
    config = {"operation": "write", "sheets": [{"rows": rows, **sheet}], "save_as": "x.xlsx"}
    assert run_node("spreadsheet", config, files=files).output["file"] == "x.xlsx"
    return files.content["x.xlsx"]


def unwritable(rows: Any) -> NodeError:
    return refused("spreadsheet", {"operation": "write", "sheets": [{"rows": rows}]})


VALUES: list[Any] = [
    7615917337495251231, -(10**30), 10**15 - 1, 0.1 + 0.2, 1.7976931348623157e308, 5e-324, -0.5, True, False,
    "=1+1", "00123", "a\r\nb", "a\nb", "\ttab", " spaces ", "_x000D_", "_x", "\x01", "é", "e\u0301", "\U0001f600",
    "#N/A",    "x" * 32_767, "<&>\"'", "]]>",
]  # fmt: skip


def test_what_is_written_is_read_again_with_all_digits_and_characters():
    expected = [str(one) if isinstance(one, int) and abs(one) >= 10**15 else one for one in VALUES]
    content = written([[one] for one in VALUES])
    assert lists(content) == [[one] for one in expected]
    others = load_workbook(io.BytesIO(content)).active
    assert [others.cell(row, 1).value for row in (1, 4, 8)] == [str(VALUES[0]), VALUES[3], True]  # type: ignore[union-attr]
    assert others["A10"].data_type == "s"  # type: ignore[index]


SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.integers(-(10**14), 10**14),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(SCALARS, min_size=1, max_size=4), min_size=1, max_size=5))
def test_any_values_are_read_as_they_were_written(rows: list[list[Any]]):
    assert lists(written(rows)) == rows


def test_values_that_a_workbook_cannot_hold_are_refused():
    assert "config.sheets[0].rows[1] has a text of 40000" in unwritable([{"a": 1}, {"a": "x" * 40_000}]).message
    assert "surrogate" in unwritable([["\ud800"]]).message
    assert unwritable([[1] * 2_001]).code == "too_large"
    sheets = [{"name": name, "rows": [[1]]} for name in ("Orders", "orders")]
    assert "two sheets are named 'orders'" in refused("spreadsheet", {"operation": "write", "sheets": sheets}).message


def test_a_cell_without_a_column_gets_one_and_a_column_without_cells_goes():
    assert read(book_of(["a"], [1, 2], [3])) == {
        "sheet": "Sheet", "sheets": ["Sheet"], "columns": ["a", "column_2"],
        "rows": [{"a": 1, "column_2": 2}, {"a": 3, "column_2": None}],
    }  # fmt: skip
    assert read(book_of([None, "b"], [None, 2]))["rows"] == [{"b": 2}]
    assert read(book_of(["a", "a"], [1, 2]))["rows"] == [{"a": 1, "a_2": 2}]


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (1234, "00000", "01234"),
        (123456, "00000", "123456"),
        (12345678, "000-00-0000", "012-34-5678"),
        (7, "00", "07"),
        (1234, r"000\-000", "001-234"),
        (1234, "0", 1234),
        (12.5, "00.00", 12.5),
        (0.25, "0%", 0.25),
        (5, '0 "days"', 5),
        (5, "[Red]0", 5),
        (-5, "00", -5),
        (1.5, "0.00E+00", 1.5),
        (5, '#,##0.00 "Md";[Red]-#,##0.00', 5),
        (5, "_-* #,##0.00\\ [$€-407]_-", 5),
        (2, "[h]:mm", 172_800),
        (46205, "yyyy-mm-dd", "2026-07-02T00:00:00"),
        (46205.5, "dd/mm/yyyy hh:mm AM/PM", "2026-07-02T12:00:00"),
        (1, "d.m.yyyy", "1900-01-01T00:00:00"),
        (59, "d.m.yyyy", "1900-02-28T00:00:00"),
        (61, "d.m.yyyy", "1900-03-01T00:00:00"),
        (0.5, "hh:mm", "12:00:00"),
        (-1, "d.m.yyyy", -1),
        (10**9, "d.m.yyyy", 10**9),
        (2958465, "d.m.yyyy", "9999-12-31T00:00:00"),
    ],
)
def test_number_formats_with_leading_zeros_are_applied(value: float, code: str, shown: Any):
    assert lists(book_of([value], formats={"A1": code})) == [[shown]]


def test_dates_of_both_workbook_calendars_are_read():
    moments = [dt.datetime(2026, 7, 2, 10, 30), dt.date(1999, 12, 31), dt.time(8, 30), dt.timedelta(hours=30)]  # noqa: DTZ001
    assert lists(book_of(moments)) == [["2026-07-02T10:30:00", "1999-12-31T00:00:00", "08:30:00", 108_000]]
    write_buffer = Workbook()
    write_buffer.epoch = dt.datetime(1904, 1, 1)  # noqa: DTZ001
    write_buffer.active["A1"] = dt.datetime(2026, 7, 2)  # type: ignore[index]  # noqa: DTZ001
    assert lists(saved(write_buffer)) == [["2026-07-02T00:00:00"]]


def test_names_of_columns_are_as_their_cells_are_given():
    content = book_of([dt.datetime(2026, 7, 2), True, 1.5, "n"], [1, 2, 3, 4])  # noqa: DTZ001
    assert read(content)["columns"] == ["2026-07-02T00:00:00", "true", "1.5", "n"]


def test_a_header_that_is_not_the_first_row_and_a_range():
    report = book_of(
        ["Report May"], [], [None, "id", "name", "note"], [None, 1, "Ann", "x"], [None, 2, "Bob"], ["total", 2]
    )
    assert read(report, header_row=3, range="B3:C5")["rows"] == [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}]
    assert read(report, header_row=3)["rows"][-1] == {"column_1": "total", "id": 2, "name": None, "note": None}
    assert lists(report, range="$c$4:c4") == [["Ann"]]
    assert lists(report, range="B5") == [[2, "Bob"], [2]]
    assert read(report, range="C3")["rows"] == [{"name": "Ann", "note": "x"}, {"name": "Bob", "note": None}]
    assert "is empty" in refused("spreadsheet", {**raw(report), "header_row": 2}).message
    assert "last row with anything is 6" in refused("spreadsheet", {**raw(report), "header_row": 9}).message
    for wrong in (
        {"range": "5:3"},
        {"range": "1A"},
        {"range": "A1:B2", "header_row": 3},
        {"range": ""},
        {"range": "A0"},
    ):
        assert refused("spreadsheet", {**raw(report), **wrong}).code == "config"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an old workbook (.xls), or one with a password"),
        (b"a;b\n1;2\n", "CSV; the node `csv`"),
        (b"\xef\xbb\xbf<html><table></table>", "HTML"),
        (b"<?xml version='1.0'?><Workbook/>", "XML"),
        (b"%PDF-1.7", "a PDF"),
        (b"", "empty"),
    ],
)
def test_file_that_is_no_workbook_is_reported_with_its_type(content: bytes, said: str):
    error = refused("spreadsheet", {"source": {"file": "x"}}, files={"x": content})
    assert error.code == "bad_content"
    assert said in error.message
    assert ".xlsx" in error.message


def archive_of(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/"), text)
    return out.getvalue()


def test_other_archives_are_told_by_their_kind():
    ods = archive_of(mimetype="application/vnd.oasis.opendocument.spreadsheet")
    assert "OpenDocument" in refused("spreadsheet", raw(ods)).message
    assert "another ZIP archive" in refused("spreadsheet", raw(archive_of(a="x"))).message


def test_cells_of_all_kinds():
    cells = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><r><t>a</t></r><r><t> b</t></r></is></c>'
        '<c r="C1" t="e"><v>#N/A</v></c><c r="D1" t="b"><v>1</v></c><c r="E1" t="str"><f>X</f><v></v></c>'
        '<c r="F1"><f>1+1</f><v>2</v></c><c r="G1" t="d"><v>2026-07-02</v></c><c r="H1"><v>12345678901234567</v></c>'
        "</row>"
        "<row><c><v>1</v></c><c/><c><v>3</v></c></row>"
    )
    shared = "<si><r><t>kan</t></r><r><t>ji</t></r><rPh><t>aloud</t></rPh></si>"
    assert lists(sheet_of(cells, shared=shared)) == [
        ["kanji", "a b", "#N/A", True, "", 2, "2026-07-02", 12345678901234567],
        [1, None, 3],
    ]
    escaped = '<row r="1"><c t="inlineStr"><is><t>a_x000D_\nb_x005F_x000D_</t></is></c></row>'
    assert lists(sheet_of(escaped)) == [["a\r\nb_x000D_"]]


def test_a_formula_without_a_result_is_no_empty_cell():
    content = book_of(["a", "b"], [1, "=A2+1"])
    assert "cell B2 has a formula" in refused("spreadsheet", raw(content)).message
    assert read(content, uncomputed="null")["rows"] == [{"a": 1, "b": None}]


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1"><c r="A1" t="s"><v>9</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>x</v></c></row>',
        '<row r="1"><c r="A1"><v>1e400</v></c></row>',
        '<row r="1"><c r="A1"><v>nonsense</v></c></row>',
        '<row r="x"><c/></row>',
        '<row r="1"><c r="A1"><v>1</v>',
        f'<row r="1"><c r="A1"><v>{"9" * 5_000}</v></c></row>',
    ],
)
def test_a_damaged_cell_is_told_by_its_address(cells: str):
    error = refused("spreadsheet", raw(sheet_of(cells)))
    assert error.code == "bad_content"
    assert "A1" in error.message or "row" in cells


def test_the_first_sheet_is_the_first_that_people_see():
    write_buffer = Workbook()
    write_buffer.active.sheet_state = "hidden"  # type: ignore[union-attr]
    write_buffer.active.append(["secret"])  # type: ignore[union-attr]
    write_buffer.create_chartsheet("Chart")
    write_buffer.create_sheet("Shown").append(["x"])
    content = saved(write_buffer)
    assert (read(content)["sheet"], read(content)["sheets"]) == ("Shown", ["Sheet", "Chart", "Shown"])
    assert lists(content, sheet="Sheet") == [["secret"]]
    assert refused("spreadsheet", {**raw(content), "sheet": "Chart"}).code == "no_sheet"


def test_merged_cells_have_their_value_in_the_first():
    write_buffer = Workbook()
    write_buffer.active.append(["a", "b"])  # type: ignore[union-attr]
    write_buffer.active.append([1, None])  # type: ignore[union-attr]
    write_buffer.active.merge_cells("A2:B2")  # type: ignore[union-attr]
    assert read(saved(write_buffer))["rows"] == [{"a": 1, "b": None}]


def test_a_workbook_of_the_strict_dialect_and_with_odd_names_of_parts():
    content = sheet_of('<row r="1"><c r="A1"><v>1</v></c></row>')
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            strict = old.read(name).replace(MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main")
            new.writestr(name.replace("/", "\\").upper(), strict)
    assert lists(out.getvalue()) == [[1]]


HOSTILE = {
    # Neither its rows nor its last one have too many cells: it is all together that are too many.
    "empty cells": "sheet_of(('<row>' + '<c/>' * 50 + '</row>') * 20_000 + '<row>' + '<c/>' * 1_100_000 + '</row>')",
    "shared texts": "sheet_of('', shared='<si/>' * 8_000_000)",
    "one long text": "sheet_of('<row><c t=\"inlineStr\"><is><t>' + 'x' * 100_000_000 + '</t></is></c></row>')",
    "rows of one far cell": "sheet_of('<row><c r=\"BXX1\"><v>1</v></c></row>' * 100_000)",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_workbook_that_is_much_larger_than_it_looks_is_refused_in_bounded_memory(kind: str):
    make = (
        "from tests.unit.test_spreadsheets import sheet_of\n"
        f"content = {HOSTILE[kind]}\n"
        "config['source'] = {'base64': base64.b64encode(content).decode()}"
    )
    error, _, child = peak("spreadsheet", {}, make)
    assert error["code"] in {"too_large", "output_too_large"}, error
    assert child < 400
