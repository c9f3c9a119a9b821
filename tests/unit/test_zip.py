"""Archives as other programs and people make them."""

from __future__ import annotations

import base64
import io
import struct
import warnings
import zipfile
import zlib
from typing import Any

import pytest

from engine.security.plain_names import plain_name
from engine.testing import MemoryFiles, run_node
from tests.unit.test_data_nodes import raw, refused, zipped
from tests.unit.test_isolation import peak


def unpacked(content: bytes, **config: Any) -> dict[str, str]:
    entries = run_node("zip", {**raw(content), **config}).output["entries"]
    return {one["name"]: base64.b64decode(one["base64"]).decode() for one in entries}


def listed(content: bytes, **config: Any) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = run_node("zip", {"operation": "list", **raw(content), **config}).output["entries"]
    return entries


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Screenshot 10.00\u202fAM.png", "Screenshot 10.00 AM.png"),
        ("Report\u2026.txt", "Report....txt"),
        ("./a.txt", "a.txt"),
        ("Neu /b.txt", "Neu/b.txt"),
        ("dir\\file.txt", "dir/file.txt"),
        ("a//b.txt", "a/b.txt"),
        ("x\u202egpj.exe", "xgpj.exe"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("a\u2215b", "a_b"),
        ("a\tb", "a_b"),
        ("\u00a0x", "x"),
        ("日本.txt", "日本.txt"),
    ],
)
def test_odd_names_are_made_plain(name: str, plain: str):
    content = zipped({"a.md": b"1", name: b"2"})
    assert unpacked(content) == {"a.md": "1", plain: "2"}
    found = listed(content)[1]
    assert (found["name"], found.get("entry", plain)) == (plain, name if name != plain else plain)
    assert unpacked(content, only=[name]) == unpacked(content, only=[plain]) == {plain: "2"}


@pytest.mark.parametrize(
    "name", ["../x", "a/../x", "/x", "\\x", "..\\x", "C:\\x", "\uff0e\uff0e/x", "\u2025/x", "x" * 300]
)
def test_names_that_lead_elsewhere_stay_refused(name: str):
    with pytest.raises(ValueError, match=r"elsewhere|no part|at most|\.\."):
        plain_name(name)
    content = zipped({"a.txt": b"1", name: b"2"})
    assert refused("zip", raw(content)).code == "bad_content"
    assert unpacked(content, only=["a.txt"]) == {"a.txt": "1"}


def test_two_entries_of_one_name_are_two_files():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings(action="ignore"):
        for name, text in (
            ("a.txt", "1"),
            ("a.txt", "2"),
            ("b", "3"),
            ("b", "4"),
            ("./a.txt", "5"),
            (".env", "6"),
            (".env", "7"),
        ):
            archive.writestr(name, text)
    expected = {"a.txt": "1", "a_2.txt": "2", "b": "3", "b_2": "4", "a_3.txt": "5", ".env": "6", ".env_2": "7"}
    assert unpacked(out.getvalue()) == expected
    files = MemoryFiles({"x.zip": out.getvalue()})
    run_node("zip", {"source": {"file": "x.zip"}, "into": "in/"}, files=files)
    assert {name: content.decode() for name, content in files.content.items() if name != "x.zip"} == {
        f"in/{name}": text for name, text in expected.items()
    }


def named(raw_name: bytes, *, utf_8: bool = False, extra: bytes = b"") -> bytes:
    """An archive with one entry whose name is these bytes."""
    content = zipped({"N" * len(raw_name): b"x"})
    if extra:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            info = zipfile.ZipInfo("N" * len(raw_name))
            info.extra = extra
            archive.writestr(info, b"x")
        content = out.getvalue()
    changed = bytearray(content.replace(b"N" * len(raw_name), raw_name))
    if utf_8:
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            changed[changed.find(mark) + at + 1] |= 0x08
    return bytes(changed)


def test_archive_names_are_decoded_as_written():
    assert list(unpacked(named("ü.txt".encode(), utf_8=True))) == ["ü.txt"]
    assert list(unpacked(named("ü.txt".encode()))) == ["ü.txt"]  # as macOS writes it
    assert list(unpacked(named("ü.txt".encode("cp437")))) == ["ü.txt"]
    assert list(unpacked(named("日.txt".encode("shift_jis")), name_encoding="shift_jis")) == ["日.txt"]
    old = b"_.txt"
    said = struct.pack("<BL", 1, zlib.crc32(old)) + "ж.txt".encode()
    assert list(unpacked(named(old, extra=struct.pack("<HH", 0x7075, len(said)) + said))) == ["ж.txt"]


def test_links_and_encrypted_entries_are_told_and_can_be_left_out():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "1")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert "is a link" in refused("zip", raw(out.getvalue())).message
    assert unpacked(out.getvalue(), only=["a.txt"]) == {"a.txt": "1"}
    locked = bytearray(zipped({"a": b"1", "b": b"2"}))
    locked[locked.rfind(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused("zip", raw(bytes(locked))).message
    assert listed(bytes(locked)) == [{"name": "a", "bytes": 1}, {"name": "b", "bytes": 1, "encrypted": True}]
    assert unpacked(bytes(locked), only=["a"]) == {"a": "1"}


def test_a_damaged_entry_writes_nothing():
    content = zipped({"a.txt": b"hello" * 100, "b.txt": b"world" * 100})
    at = content.find(b"b.txt") + 7
    broken = content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]
    files = MemoryFiles({"x.zip": broken})
    assert refused("zip", {"source": {"file": "x.zip"}, "into": "in/"}, files=files).code == "bad_content"
    assert set(files.content) == {"x.zip"}
    assert refused("zip", raw(content[:-200])).code == "bad_content"


def many(count: int) -> bytes:
    """A ZIP64 archive of so many entries, whose last record says that there is one."""
    entry = b"PK\x01\x02" + b"\0" * 24 + struct.pack("<H", 1) + b"\0" * 16 + b"a"
    directory = entry * count
    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 1, 1, len(directory), 0)
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, len(directory), 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return directory + record + locator + end


@pytest.mark.parametrize("node", ["zip", "spreadsheet"])
def test_huge_archive_directory_is_refused(node: str):
    make = (
        "from tests.unit.test_zip import many\nfrom engine.testing import MemoryFiles\n"
        "kept = MemoryFiles({'x': many(1_300_000)})\nplain, config = run_node, {'source': {'file': 'x'}}\n"
        "run_node = lambda node, config: plain(node, config, files=kept)"
    )
    error, _, child = peak(node, {}, make)
    assert error["code"] == "too_large", error
    assert "directory" in error["message"]
    assert child < 200
