"""Reads workbooks (.xlsx): the parts that rows of a sheet need. Cells are read in `sheet.py`."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any
from zipfile import ZipFile

from engine import limits
from engine.errors import NodeError
from engine.parsing.archive import entry_stream, opened_archive
from engine.parsing.cells import BUILT_IN, Shown, shown_by, unescaped
from engine.parsing.xml_events import attribute, walk

MAX_PART_BYTES = 8 * 1024 * 1024
"""Bound of a part that is read whole: the styles and the list of sheets. Shared texts may be larger."""
MAX_STYLES = 65_000
_TEXT_BYTES = 90


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet, and where its rows are stored."""

    name: str
    part: str
    is_hidden: bool
    has_rows: bool


@dataclass(slots=True)
class Workbook:
    """An opened workbook, before its rows are read."""

    archive: ZipFile
    parts: dict[str, str]
    """Names in the archive by the names that the workbook uses."""
    sheets: list[Sheet] = field(default_factory=list)
    is_1904: bool = False
    shared: list[str] = field(default_factory=list)
    styles: list[Shown] = field(default_factory=list)

    @contextmanager
    def part(self, name: str, most: int = MAX_PART_BYTES) -> Iterator[IO[bytes]]:
        """Open a part, which is unpacked while it is read.

        Raises:
            NodeError: `too_large` while it is read; `bad_content`: the part is missing or damaged.
        """
        found = self.parts.get(name.lower())
        if found is None:
            raise NodeError(f"the workbook has no part {name!r}", code="bad_content")
        with entry_stream(self.archive, self.archive.getinfo(found), most) as stream:
            yield stream


@contextmanager
def opened_workbook(content: IO[bytes]) -> Iterator[Workbook]:
    """Open a workbook and read its list of sheets, styles and shared texts.

    Raises:
        NodeError: `bad_content`: the content is no workbook; `too_large`: it has too much in it.
    """
    _check_kind(content)
    with opened_archive(content) as archive:
        names = {name.replace("\\", "/").lstrip("/").lower(): name for name in archive.namelist()}
        workbook = Workbook(archive, names)
        main = _related(workbook, "").get("officeDocument") or [("", "xl/workbook.xml")]
        where = main[0][1]
        if where.lower() not in names or "[content_types].xml" not in names:
            raise NodeError(_no_workbook(archive, names), code="bad_content")
        _read_main(workbook, where)
        yield workbook


def _check_kind(content: IO[bytes]) -> None:
    """Name content of other formats that is often mistaken for a workbook.

    Raises:
        NodeError: code `bad_content`.
    """
    head = content.read(4_096)
    content.seek(0)
    if head.startswith(b"PK"):
        return
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        said = "an old workbook (.xls), or one with a password"
    elif start.startswith((b"<html", b"<!doctype html", b"<table")):
        said = "an HTML page; the node `html` reads it"
    elif start.startswith((b"<?xml", b"<workbook")):
        said = "XML; the node `xml` reads it"
    elif start.startswith(b"%pdf"):
        said = "a PDF"
    elif head and b"\0" not in head:
        said = "a text, such as CSV; the node `csv` reads that"
    else:
        said = "none of its kind" if head else "empty"
    raise NodeError(f"a workbook of the type .xlsx is wanted, and the content is {said}", code="bad_content")


def _no_workbook(archive: ZipFile, names: dict[str, str]) -> str:
    if "xl/workbook.bin" in names:
        return "a workbook of the type .xlsx is wanted, and the content is a binary one (.xlsb)"
    if "mimetype" in names and b"opendocument" in archive.read("mimetype")[:200]:
        return "a workbook of the type .xlsx is wanted, and the content is an OpenDocument file"
    return "the content is no .xlsx workbook, but another ZIP archive; save it as a workbook"


class _Elements:
    """Yields the elements of certain names with their attributes."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self.done: deque[tuple[str, dict[str, str]]] = deque()

    def begin(self, name: str, attributes: dict[str, str]) -> bool:
        if name in self._names:
            self.done.append((name, attributes))
        return False

    def end(self, name: str, text: str | None) -> None:
        del name, text


def _related(workbook: Workbook, part: str) -> dict[str, list[tuple[str, str]]]:
    """Return the parts that a part refers to: ids and names, by the kind of relationship."""
    folder, name = posixpath.split(part)
    found: dict[str, list[tuple[str, str]]] = {}
    where = posixpath.join(folder, "_rels", f"{name}.rels")
    if where.lower() not in workbook.parts:
        return found
    with workbook.part(where) as stream:
        for _, attributes in walk(stream, _Elements("Relationship"), "the workbook"):
            target = attributes.get("Target", "").replace("\\", "/")
            whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found.setdefault(attributes.get("Type", "").rpartition("/")[2], []).append(
                (attributes.get("Id", ""), whole)
            )
    return found


def _read_main(workbook: Workbook, where: str) -> None:
    related = _related(workbook, where)
    by_id = {one: (kind, part) for kind, all_of_it in related.items() for one, part in all_of_it}
    with workbook.part(where) as stream:
        for name, attributes in walk(stream, _Elements("sheet", "workbookPr"), "the workbook"):
            if name == "workbookPr":
                workbook.is_1904 = attributes.get("date1904") in {"1", "true", "on"}
                continue
            kind, part = by_id.get(attribute(attributes, "id") or "", ("", ""))
            hidden = attributes.get("state", "visible") != "visible"
            workbook.sheets.append(Sheet(attributes.get("name", ""), part, hidden, kind == "worksheet"))
    for _, part in related.get("styles", []):
        _read_styles(workbook, part)
    for _, part in related.get("sharedStrings", []):
        _read_shared(workbook, part)


def _read_styles(workbook: Workbook, part: str) -> None:
    codes: dict[int, str] = dict(BUILT_IN)
    inside = False
    with workbook.part(part) as stream:
        for name, attributes in walk(
            stream, _Elements("numFmt", "cellXfs", "cellStyles", "dxfs", "xf"), "the workbook"
        ):
            if name == "numFmt":
                if not inside:  # formats of conditional formatting come later
                    codes[_integer(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
            elif name == "xf":
                if inside:
                    workbook.styles.append(shown_by(codes.get(_integer(attributes.get("numFmtId")), "")))
                    if len(workbook.styles) > MAX_STYLES:
                        raise NodeError(f"the workbook has more than {MAX_STYLES} styles", code="too_large")
            else:
                inside = name == "cellXfs"


def _integer(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004 - enough digits


class SharedTexts:
    """Collects each shared text of cells, without phonetic annotations."""

    def __init__(self) -> None:
        self.done: deque[str] = deque()
        self._parts: list[str] = []
        self._aloud = False

    def begin(self, name: str, attributes: dict[str, str]) -> bool:
        """Handle the beginning of an element; return whether its text is needed."""
        del attributes
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._aloud = True
        return name == "t" and not self._aloud

    def end(self, name: str, text: str | None) -> None:
        """Handle the end of an element."""
        if text is not None:
            self._parts.append(text)
        elif name == "rPh":
            self._aloud = False
        elif name == "si":
            self.done.append(unescaped("".join(self._parts)))


def _read_shared(workbook: Workbook, part: str) -> None:
    left = limits.MAX_VALUE_BYTES
    with workbook.part(part, limits.MAX_UNPACKED_BYTES) as stream:
        for text in walk(stream, SharedTexts(), "the workbook"):
            left -= _TEXT_BYTES + 2 * len(text)
            if left < 0:
                most = limits.MAX_VALUE_BYTES // 1024**2
                raise NodeError(f"the texts of the workbook would take more than {most} MB", code="too_large")
            workbook.shared.append(text)


def pick(workbook: Workbook, wanted: str | None) -> Sheet:
    """Return the sheet of a name; without a name the first visible one.

    Raises:
        NodeError: code `no_sheet`.
    """
    if wanted is None:
        with_rows = [one for one in workbook.sheets if one.has_rows]
        visible = next((one for one in with_rows if not one.is_hidden), None)
        found: Any = visible or next(iter(with_rows), None)
        if found is None:
            raise NodeError("the workbook has no sheet with cells", code="no_sheet")
        return found  # type: ignore[no-any-return]
    for one in workbook.sheets:
        if one.name == wanted:
            if not one.has_rows:
                raise NodeError(f"the sheet {wanted!r} has no cells: it is a chart or a dialog", code="no_sheet")
            return one
    names = [one.name for one in workbook.sheets]
    raise NodeError(f"there is no sheet {wanted!r}, but {names[:20]}", code="no_sheet")
