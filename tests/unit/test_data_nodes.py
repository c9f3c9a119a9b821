"""The nodes that work on data and files: what they give, and that nothing that they are given hurts."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from engine import limits
from engine.errors import NodeError
from engine.security.plain_names import check_name
from engine.testing import MemoryFiles, run_node


def refused(node: str, config: dict[str, Any], **more: Any) -> NodeError:
    """The failure of a node that must fail."""
    run = run_node(node, config, **more)
    assert run.error is not None, run.result
    return run.error


def text(content: str) -> dict[str, Any]:
    return {"source": {"text": content}}


def raw(content: bytes) -> dict[str, Any]:
    return {"source": {"base64": base64.b64encode(content).decode()}}


# -- files ---------------------------------------------------------------------------------------------------


def test_files_are_written_read_listed_linked_and_deleted():
    files = MemoryFiles()
    wrote = run_node("file", {"operation": "write", "file": "a/ü.txt", "content": {"text": "héllo"}}, files=files)
    assert wrote.output == {"file": "a/ü.txt", "bytes": 6}
    run_node(
        "file", {"operation": "write", "file": "a/b.json", "json": {"x": "{{ trigger.body }}"}}, trigger=7, files=files
    )
    assert run_node("file", {"file": "a/ü.txt"}, files=files).output["text"] == "héllo"
    assert run_node("file", {"file": "a/b.json", "as": "json"}, files=files).output["json"] == {"x": 7}
    listed = run_node("file", {"operation": "list", "prefix": "a/", "limit": 1}, files=files).output
    assert ([one["file"] for one in listed["items"]], listed["next_cursor"]) == (["a/b.json"], "a/b.json")
    assert (
        "seconds=60"
        in run_node("file", {"operation": "url", "file": "a/ü.txt", "expires_seconds": 60}, files=files).output["url"]
    )
    assert run_node("file", {"operation": "delete", "file": "a/ü.txt"}, files=files).output["deleted"] is True
    assert refused("file", {"file": "a/ü.txt"}, files=files).code == "no_file"


def test_a_file_that_must_be_new_is_written_once_also_when_the_attempt_is_repeated():
    files = MemoryFiles()
    config = {"operation": "write", "file": "a", "content": {"text": "1"}, "if_exists": "fail"}
    assert run_node("file", config, files=files).output["bytes"] == 1
    assert run_node("file", config, files=files).output["bytes"] == 1  # the same node again, after a crash
    files.write("b", b"another's")
    assert refused("file", {**config, "file": "b"}, files=files).code == "file_exists"


@pytest.mark.parametrize(
    "name",
    [
        "../x", "a/../b", "..", ".", "a/./b", "/etc/passwd", "a//b", "a/", "", " ", "a/ b", "a\0b", "a\nb", "a\\..\\b",
        "\\\\x",
        "a/\uff0e\uff0e/b", "a\uff0fb", "a\u2215b", "\u2024\u2024/x", "a\u202egpj.exe", "a\u200bb", "a\ud800", "\ue000",
        "\u2026/x", "a" * 256, "a/" * 400 + "b", "x\u2028y", "a\u00a0b",
    ],
)  # fmt: skip
def test_path_traversal_and_lookalike_names_are_refused(name: str):
    for config in (
        {"file": "{{ trigger.body }}"},
        {"operation": "write", "file": "{{ trigger.body }}", "content": {"text": "x"}},
    ):
        error = refused("file", config, trigger=name, files={"x": "secret"})
        assert error.code in ("config", "internal_error" if "\ud800" in name else "config"), error
        assert error.message.startswith("config.file")


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_accepted_file_names_are_plain(name: str):
    try:
        kept = check_name(name)
    except ValueError:
        return
    assert check_name(kept) == kept
    assert not kept.startswith("/")
    assert not {"..", ".", ""} & set(kept.split("/"))
    assert all(character.isprintable() for character in kept)


def test_a_file_of_100_mb_is_refused_before_it_is_read():
    class Huge(bytes):
        def __len__(self) -> int:
            return 100_000_000

    files = MemoryFiles()
    files.content["huge"] = Huge()
    for node, config in (
        ("file", {"file": "huge"}),
        ("csv", {"source": {"file": "huge"}}),
        ("json", {"source": {"file": "huge"}}),
        ("xml", {"source": {"file": "huge"}}),
        ("spreadsheet", {"source": {"file": "huge"}}),
        ("zip", {"source": {"file": "huge"}}),
        ("hash", {"source": {"file": "huge"}}),
        ("html", {"source": {"file": "huge"}, "extract": {"a": {"selector": "a"}}}),
    ):
        assert refused(node, config, files=files).code == "file_too_large", node


# -- JSON, CSV, XML, HTML ------------------------------------------------------------------------------------


def test_json_is_parsed_written_and_checked():
    assert run_node("json", text('{"a": [1, 2]}')).output == {"a": [1, 2]}
    assert run_node("json", {**text('{"a":1}\n\n{"a":2}\n'), "lines": True}).output == [{"a": 1}, {"a": 2}]
    assert run_node("json", {"operation": "format", "value": {"ä": 1}}).output == {"text": '{"ä":1}'}
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    fits = run_node("json", {"operation": "validate", "value": {"a": 1}, "schema": schema})
    assert (fits.port, fits.output) == ("main", {"a": 1})
    wrong = run_node("json", {"operation": "validate", "value": {"a": "x"}, "schema": schema})
    assert (wrong.port, wrong.output["problems"][0]["path"]) == ("invalid", "a")


@pytest.mark.parametrize("content", ["{", "", "NaN", "[" * 100 + "]" * 100, "[" * 100_000, '{"a": Infinity}'])
def test_invalid_json_is_reported(content: str):
    assert refused("json", text(content)).code == "bad_content"


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "https://evil.example/schema"}, {"$ref": "file:///etc/passwd"}, {"type": "no such"}, {"$ref": "#/x"}],
)
def test_json_schema_may_not_refer_outside(schema: dict[str, Any]):
    assert refused("json", {"operation": "validate", "value": 1, "schema": schema}).code == "config"


def test_csv_is_read_and_written():
    read = run_node("csv", {**text('\ufeffid;name;name\n1;Ann;x\n2;"B;ob"\n'), "delimiter": ";"}).output
    assert read == {
        "rows": [{"id": "1", "name": "Ann", "name_2": "x"}, {"id": "2", "name": "B;ob", "name_2": ""}],
        "columns": ["id", "name", "name_2"],
    }
    assert run_node("csv", {**text("1,2\n3,4"), "header": False}).output["rows"] == [["1", "2"], ["3", "4"]]
    rows = [{"a": 1, "b": None}, {"a": True, "b": {"c": 1}}]
    assert run_node("csv", {"operation": "format", "rows": rows}).output["text"] == 'a,b\r\n1,\r\ntrue,"{""c"":1}"\r\n'
    files = MemoryFiles()
    kept = run_node("csv", {"operation": "format", "rows": rows, "save_as": "x.csv", "encoding": "utf-16"}, files=files)
    assert kept.output["file"] == "x.csv"
    back = run_node("csv", {"source": {"file": "x.csv"}, "encoding": "utf-16"}, files=files).output
    assert back["rows"][1]["b"] == '{"c":1}'


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-A1", "@SUM(A1)", "\r=1", '=cmd|"/C calc"!A0'])
def test_csv_writes_no_formulas_unless_told(cell: str):
    config = {"operation": "format", "rows": [[cell, -1]]}
    assert next(iter(_cells(run_node("csv", config).output["text"]))) == f"'{cell}"
    assert next(iter(_cells(run_node("csv", {**config, "formulas": "keep"}).output["text"]))) == cell
    assert "'-1" not in run_node("csv", {"operation": "format", "rows": [[-1]]}).output["text"]  # numbers are numbers


def _cells(content: str) -> list[str]:
    import csv

    return next(csv.reader(io.StringIO(content, newline="")))


def test_csv_reads_unusual_line_breaks_and_many_columns():
    for odd in ("\u2028", "\x0c", "\x85", "\x0b"):
        assert run_node("csv", text(f"id,note\n1,x{odd}y\n")).output["rows"] == [{"id": "1", "note": f"x{odd}y"}]
    assert run_node("csv", text('a\r\n"x\r\ny"\r\n')).output["rows"] == [{"a": "x\r\ny"}]
    assert refused("csv", {**raw(b"a,b"), "encoding": "utf-16"}).code == "bad_content"
    many = run_node("csv", text(",".join(["a"] * 2_000))).output["columns"]
    assert (many[1], many[-1]) == ("a_2", "a_2000")
    assert refused("csv", text(",".join(["a"] * 2_001))).code == "too_large"


def test_csv_bounds_are_enforced():
    assert refused("csv", {**text("a\n" + "1\n" * 11), "max_rows": 10}).code == "too_many_rows"
    assert refused("csv", text("a,b\n1,2,3\n")).code == "bad_content"
    assert refused("csv", text('a\n"' + "x" * 2_000_000)).code == "bad_content"
    assert refused("csv", raw(b"a\n\xff\xfe")).code == "bad_content"
    big = "a\n" + "x" * 1000 + "\n"
    assert refused("csv", text(big + ("x" * 1000 + "\n") * 11_000)).code == "output_too_large"
    two = {"operation": "format", "rows": [{"a": 1}, {"b": 1}]}
    assert refused("csv", {**two, "columns": ["a"]}).code == "config"


def test_xml_is_read_and_written():
    read = run_node("xml", {**text("<o id='1'><i>pen</i><i>ink</i><n>ü</n></o>"), "lists": ["n"]}).output
    assert read == {"o": {"@id": "1", "i": ["pen", "ink"], "n": ["ü"]}}
    written = run_node("xml", {"operation": "format", "value": {"o": {"@id": "1", "i": ["<&", "b"]}}}).output["text"]
    assert written.endswith('<o id="1"><i>&lt;&amp;</i><i>b</i></o>')


def test_xml_that_is_a_text_is_one_whatever_it_says():
    declared = "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>"
    assert run_node("xml", text(declared)).output == {"a": "é"}
    assert run_node("xml", raw(declared.encode("latin-1"))).output == {"a": "é"}
    assert refused("xml", raw(b"<?xml version='1.0' encoding='nonsense'?><a/>")).code == "bad_content"


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
) + "]><l>&j;</l>"  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        LAUGHS,
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        '<!DOCTYPE x SYSTEM "http://169.254.169.254/"><x/>',
        "<a>" * 5_000,
        "<a>" * 100 + "</a>" * 100,
        "<a",
        "",
        "no xml",
    ],
)
def test_xml_bomb_and_invalid_xml_are_refused(content: str):
    assert refused("xml", text(content)).code == "bad_content"


def test_html_is_searched():
    table = "<table><tr><td>a</td><td class=p>1</td></tr><tr><td>b</td><td class=p>2</td></tr></table>"
    page = f"<title>T</title>{table}<a href='/x'>go <b>on</b></a>"
    extract = {
        "title": {"selector": "title"},
        "link": {"selector": "a", "attribute": "href"},
        "text": {"selector": "a"},
        "none": {"selector": "h7"},
        "rows": {"selector": "tr", "all": True, "fields": {"n": {"selector": "td"}, "p": {"selector": ".p"}}},
    }
    assert run_node("html", {**text(page), "extract": extract}).output == {
        "title": "T",
        "link": "/x",
        "text": "go on",
        "none": None,
        "rows": [{"n": "a", "p": "1"}, {"n": "b", "p": "2"}],
    }
    assert refused("html", {**text(page), "extract": {"x": {"selector": "[[["}}}).code == "config"
    list_page = "<ul>" + "<li>x" * 5_000
    assert (
        len(run_node("html", {**text(list_page), "extract": {"x": {"selector": "li", "all": True}}}).output["x"])
        == 5_000
    )
    assert refused("html", {**text("<div>" * 200_000), "extract": {"x": {"selector": "p"}}}).code == "too_large"
    grows = "<div>" * 400 + "x" * 100_000
    everything = {"x": {"selector": "div", "all": True, "html": True}}
    assert refused("html", {**text(grows), "extract": everything}).code == "output_too_large"


# -- spreadsheets and archives -------------------------------------------------------------------------------


def test_a_workbook_is_written_and_read_again():
    files = MemoryFiles()
    rows = [
        {"id": 1, "name": "=cmd()", "at": "2026-05-01", "tags": ["a"]},
        {"id": 2.5, "name": "ü", "at": None, "tags": []},
    ]
    config = {
        "operation": "write",
        "sheets": [{"name": "Orders", "rows": rows}, {"name": "Raw", "rows": [[1, True]]}],
        "save_as": "x.xlsx",
    }
    assert run_node("spreadsheet", config, files=files).output["bytes"] > 1_000
    sheet = load_workbook(io.BytesIO(files.content["x.xlsx"]))["Orders"]
    assert (sheet["B2"].value, sheet["B2"].data_type) == ("=cmd()", "s")
    read = run_node("spreadsheet", {"source": {"file": "x.xlsx"}}, files=files).output
    assert (read["sheets"], read["sheet"]) == (["Orders", "Raw"], "Orders")
    assert read["rows"][0] == {"id": 1, "name": "=cmd()", "at": "2026-05-01", "tags": '["a"]'}
    raw_sheet = run_node("spreadsheet", {"source": {"file": "x.xlsx"}, "sheet": "Raw", "header": False}, files=files)
    assert raw_sheet.output["rows"] == [[1, True]]
    assert refused("spreadsheet", {"source": {"file": "x.xlsx"}, "sheet": "No"}, files=files).code == "no_sheet"


def test_a_workbook_whose_cells_are_far_apart_takes_no_memory():
    write_buffer = Workbook()
    write_buffer.active["A1"] = "a"  # type: ignore[index]
    write_buffer.active["XFD1048576"] = 1  # type: ignore[index]
    content = io.BytesIO()
    write_buffer.save(content)
    run = run_node("spreadsheet", raw(content.getvalue()))
    assert run.error is not None or run.output["rows"] == []


def workbook(**parts: bytes) -> bytes:
    """A workbook with some of its parts replaced."""
    write_buffer = Workbook()
    write_buffer.active["A1"] = "x"  # type: ignore[index]
    content = io.BytesIO()
    write_buffer.save(content)
    out = io.BytesIO()
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, parts.get(entry.rpartition("/")[2].partition(".")[0], old.read(entry)))
    return out.getvalue()


LATE = f"<!--{'x' * 5_000}-->{LAUGHS}".encode()
FAR_ROW = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="999999999"><c r="A999999999"><v>1</v></c></row></sheetData></worksheet>'
)
WORKBOOKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "no archive": (lambda: b"no zip", "bad_content"),
    "empty": (lambda: b"", "bad_content"),
    "no XML": (lambda: workbook(sheet1=b"<nonsense"), "bad_content"),
    "entities": (lambda: workbook(sheet1=LAUGHS.encode()), "bad_content"),
    "late entities": (lambda: workbook(sheet1=LATE), "bad_content"),
    "entities in UTF-16": (lambda: workbook(sheet1=LAUGHS.encode("utf-16")), "bad_content"),
    "styles without end": (lambda: workbook(styles=b"<styleSheet>" + b"<si/>" * 3_000_000), "too_large"),
    "200 MB of nothing": (lambda: workbook(workbook=b"\0" * 200_000_000), "too_large"),
}


def test_distant_first_row_costs_no_time():
    assert run_node("spreadsheet", raw(workbook(sheet1=FAR_ROW))).output["rows"] == []


@pytest.mark.parametrize("kind", WORKBOOKS)
def test_workbook_bomb_and_invalid_workbook_are_refused(kind: str):
    content, code = WORKBOOKS[kind]
    assert refused("spreadsheet", {"source": {"file": "x"}}, files={"x": content()}).code == code


def zipped(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_an_archive_is_packed_listed_and_unpacked():
    files = MemoryFiles({"reports/a.csv": "1,2", "b.txt": "ü"})
    entries = [{"source": {"file": "reports/a.csv"}}, {"name": "in/b.txt", "source": {"file": "b.txt"}}]
    run_node("zip", {"operation": "pack", "entries": entries, "save_as": "x.zip"}, files=files)
    first = files.content["x.zip"]
    run_node("zip", {"operation": "pack", "entries": entries, "save_as": "x.zip"}, files=files)
    assert files.content["x.zip"] == first
    listed = run_node("zip", {"operation": "list", "source": {"file": "x.zip"}}, files=files).output["entries"]
    assert [(one["name"], one["bytes"]) for one in listed] == [("a.csv", 3), ("in/b.txt", 2)]
    run_node("zip", {"source": {"file": "x.zip"}, "into": "out/"}, files=files)
    assert files.content["out/in/b.txt"] == "ü".encode()
    one = run_node("zip", {"source": {"file": "x.zip"}, "only": ["a.csv"]}, files=files).output["entries"]
    assert base64.b64decode(one[0]["base64"]) == b"1,2"
    assert refused("zip", {"source": {"file": "x.zip"}, "only": ["no"]}, files=files).code == "no_entry"


def _lying(content: bytes) -> bytes:
    """An archive whose directory says that its entry is small."""
    archive = bytearray(zipped({"a": content}))
    size = len(content).to_bytes(4, "little")
    while (at := archive.find(size)) >= 0:
        archive[at : at + 4] = (10).to_bytes(4, "little")
    return bytes(archive)


def _moved(archive: bytes) -> bytes:
    """An archive whose directory says that its entry begins elsewhere."""
    at = archive.rfind(b"PK\x05\x06") + 16
    return archive[:at] + (int.from_bytes(archive[at : at + 4], "little") + 5).to_bytes(4, "little") + archive[at + 4 :]


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "200 MB of nothing": (lambda: zipped({"bomb": b"\0" * 200_000_000}), "too_large"),
    "much in many": (lambda: zipped({f"{i}": b"\0" * 20_000_000 for i in range(8)}), "too_large"),
    "a directory that lies": (lambda: _lying(b"\0" * 30_000_000), "bad_content"),
    "many entries": (lambda: zipped({f"{i}": b"" for i in range(1_001)}), "too_large"),
    "upwards": (lambda: zipped({"../../etc/passwd": b"x"}), "bad_content"),
    "absolute": (lambda: zipped({"/abs": b"x"}), "bad_content"),
    "cut off": (lambda: zipped({"ok": b"x"})[:-30], "bad_content"),
    "nonsense": (lambda: b"PK\x03\x04 nonsense", "bad_content"),
    "a damaged place": (lambda: _moved(zipped({"a": b"x" * 100})), "bad_content"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archive_bomb_and_path_traversal_write_nothing(kind: str):
    content, code = ARCHIVES[kind]
    files = MemoryFiles({"x.zip": content()})
    assert refused("zip", {"source": {"file": "x.zip"}, "into": "out/"}, files=files).code == code
    assert set(files.content) == {"x.zip"}


def test_bounds_of_nodes_are_consistent():
    assert limits.MAX_FILE_BYTES < limits.MAX_UNPACKED_BYTES < 512 * 1024 * 1024
