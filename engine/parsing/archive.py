"""ZIP archives within bounds: lists and unpacks them, and opens files that are archives internally (workbooks)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast
from zipfile import BadZipFile, ZipFile, ZipInfo

from engine import limits
from engine.errors import NodeError
from engine.security.plain_names import plain_name

_CHUNK = 256 * 1024
_DAMAGED = (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
_MAX_DIRECTORY = 1024 * 1024
"""A thousand entries need a third of it. The directory is read at once, and its declared size is not trusted."""
_UTF_8, _ENCRYPTED = 0x800, 1
_UNICODE_NAME = 0x7075
_LINK, _KIND = 0o120000, 0o170000


class _Bounded:
    """Content that allows no large read at once, while it is bounded."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self.bounded = True

    def read(self, size: int = -1) -> bytes:
        if self.bounded:
            at = self._content.tell()
            left = self._content.seek(0, 2) - at
            self._content.seek(at)
            if (left if size < 0 else min(size, left)) > _MAX_DIRECTORY:
                raise NodeError(f"the archive's directory has more than {_MAX_DIRECTORY} bytes", code="too_large")
        return self._content.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)


@contextmanager
def opened_archive(content: IO[bytes]) -> Iterator[ZipFile]:
    """Open an archive whose directory is within the bounds. Its entries are not read yet.

    Raises:
        NodeError: `bad_content`: the content is no archive; `too_large`: it has too much in it by its own
            declaration.
    """
    bounded = _Bounded(content)
    try:
        archive = ZipFile(cast("IO[bytes]", bounded))
    except _DAMAGED as error:
        raise NodeError(f"the content is no ZIP archive: {error}", code="bad_content") from None
    bounded.bounded = False
    with archive:
        entries = archive.infolist()
        if len(entries) > limits.MAX_ZIP_ENTRIES:
            raise NodeError(f"the archive has more than {limits.MAX_ZIP_ENTRIES} entries", code="too_large")
        if sum(entry.file_size for entry in entries) > limits.MAX_UNPACKED_BYTES:
            raise _unpacks_too_large(limits.MAX_UNPACKED_BYTES)
        yield archive


class _Counted:
    """Counts an entry's content while it is unpacked, whatever size its header declares."""

    def __init__(self, stream: IO[bytes], name: str, most: int) -> None:
        self._stream = stream
        self._name = name
        self._most = self._left = most

    def read(self, size: int = -1) -> bytes:
        wanted = min(size if size >= 0 else self._left + 1, self._left + 1)
        try:
            chunk = self._stream.read(wanted)
        except _DAMAGED as error:
            raise NodeError(f"the entry {self._name!r} is damaged: {error}", code="bad_content") from None
        self._left -= len(chunk)
        if self._left < 0:
            raise _unpacks_too_large(self._most)
        return chunk


@contextmanager
def entry_stream(archive: ZipFile, entry: ZipInfo, most: int) -> Iterator[IO[bytes]]:
    """Open an entry's content. Its checksum is compared when it is read to its end.

    Raises:
        NodeError: `too_large`, while it is read: the content is more than `most` bytes; `bad_content`: it is
            damaged.
    """
    try:
        stream = archive.open(entry)
    except _DAMAGED as error:
        raise NodeError(f"the entry {entry.filename!r} cannot be read: {error}", code="bad_content") from None
    with stream:
        yield cast("IO[bytes]", _Counted(stream, entry.filename, most))


def list_entries(arguments: dict[str, Any], content: IO[bytes] | None, _output: IO[bytes] | None) -> Any:
    """List the files as `[{name, bytes}]`; with `entry` where the name in the archive differs."""
    if content is None:
        raise TypeError("an archive is read from content")
    with opened_archive(content) as archive:
        return [_info(archive, one, arguments["name_encoding"]) for one in archive.infolist() if not _is_folder(one)]


def unpack(arguments: dict[str, Any], content: IO[bytes] | None, output: IO[bytes] | None) -> list[dict[str, Any]]:
    """Unpack selected entries, listed as in `list_entries`; their contents are written one after another.

    Raises:
        NodeError: `no_entry`, `bad_content`, `too_large` or `output_too_large`.
    """
    if content is None or output is None:
        raise TypeError("an archive is read from content, and unpacked to a file")
    only, most = arguments["only"], arguments["most"]
    found: list[dict[str, Any]] = []
    taken: set[str] = set()
    left = limits.MAX_UNPACKED_BYTES
    with opened_archive(content) as archive:
        chosen = _chosen(archive, arguments["name_encoding"], only)
        for entry, _ in chosen:
            _check(entry)  # before anything is unpacked
        for entry, info in chosen:
            size = _copy(archive, entry, output, min(left, limits.MAX_FILE_BYTES))
            left -= size
            if limits.MAX_UNPACKED_BYTES - left > most:
                message = "what is unpacked is too large to be passed on; keep it with `into`"
                raise NodeError(message, code="output_too_large")
            info["name"] = _unique(info["name"], taken)
            found.append({**info, "bytes": size})
    return found


def _chosen(archive: ZipFile, encoding: str, only: list[str] | None) -> list[tuple[ZipInfo, dict[str, Any]]]:
    chosen = []
    missing = set(only or ())
    for entry in archive.infolist():
        if _is_folder(entry):
            continue
        name = _name(entry, encoding)
        plain = _plain(name) if only is None or name in only else None
        if only is not None and plain is None:
            plain = _plain_or_none(name)
            if plain not in only:
                continue
        missing -= {name, plain or ""}
        chosen.append((entry, _with_entry(plain or name, name)))
    if missing:
        raise NodeError(f"the archive has no entry {min(missing)!r}", code="no_entry")
    return chosen


def _copy(archive: ZipFile, entry: ZipInfo, output: IO[bytes], most: int) -> int:
    size = 0
    with entry_stream(archive, entry, most) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            output.write(chunk)
    return size


def _check(entry: ZipInfo) -> None:
    """Check that an entry can be unpacked to a file; raises NodeError with code `bad_content`."""
    hint = "; say with `only` what to unpack"
    if entry.flag_bits & _ENCRYPTED:
        raise NodeError(f"the entry {entry.filename!r} is encrypted{hint}", code="bad_content")
    if entry.external_attr >> 16 & _KIND == _LINK:
        raise NodeError(f"the entry {entry.filename!r} is a link to another file{hint}", code="bad_content")


def _info(archive: ZipFile, entry: ZipInfo, encoding: str) -> dict[str, Any]:
    del archive
    name = _name(entry, encoding)
    info = {**_with_entry(_plain_or_none(name) or name, name), "bytes": entry.file_size}
    return {**info, "encrypted": True} if entry.flag_bits & _ENCRYPTED else info


def _with_entry(plain: str, name: str) -> dict[str, Any]:
    return {"name": plain} if plain == name else {"name": plain, "entry": name}


def _is_folder(entry: ZipInfo) -> bool:
    return entry.filename.endswith(("/", "\\"))


def _name(entry: ZipInfo, encoding: str) -> str:
    """Decode an entry's name: many programs write UTF-8, or the encoding of their system, without declaring it."""
    name = entry.orig_filename
    if entry.flag_bits & _UTF_8:
        return name
    raw = name.encode("cp437", errors="replace")
    if encoding != "auto":
        return raw.decode(encoding, errors="replace")
    said = _said_in_extra(entry.extra, raw)
    if said is not None:
        return said
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return name


def _said_in_extra(extra: bytes, raw: bytes) -> str | None:
    """Return the UTF-8 name that some programs store beside the main one."""
    while len(extra) >= 4:  # noqa: PLR2004 - kind and length
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_NAME and length > 5 and extra[5:9] == struct.pack("<L", zlib.crc32(raw)):  # noqa: PLR2004
            return extra[9 : 4 + length].decode(errors="replace")
        extra = extra[4 + length :]
    return None


def _plain(name: str) -> str:
    try:
        return plain_name(name)
    except ValueError as error:
        raise NodeError(f"the archive has the entry {name!r}: {error}", code="bad_content") from None


def _plain_or_none(name: str) -> str | None:
    try:
        return plain_name(name)
    except ValueError:
        return None


def _unique(name: str, taken: set[str]) -> str:
    """Return a name that no other entry has: a second `a.txt` is `a_2.txt`."""
    folder, slash, last = name.rpartition("/")
    stem, dot, end = last.rpartition(".")
    if not stem:
        stem, dot, end = last, "", ""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{folder}{slash}{stem}_{number}{dot}{end}"
    taken.add(found)
    return found


def _unpacks_too_large(most: int) -> NodeError:
    return NodeError(f"the archive unpacks to more than {most} bytes", code="too_large")
