"""ZIP archives within bounds: what the `zip` node and files that are archives inside (spreadsheets) share."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from engine import limits
from engine.errors import NodeError

_CHUNK = 256 * 1024
_DAMAGED = (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
_END, _END_SIZE = b"PK\x05\x06", 22
_MAX_DIRECTORY = 4 * 1024 * 1024


def opened_archive(content: IO[bytes]) -> ZipFile:
    """An archive whose directory is within the bounds. What is in it is not read yet.

    Raises:
        NodeError: `bad_content`: it is none, or is encrypted; `too_large`: it has too much in it, by its own account.
    """
    _check_directory(content)
    try:
        archive = ZipFile(content)
        entries = archive.infolist()
    except _DAMAGED as error:
        raise NodeError(f"the content is no ZIP archive: {error}", code="bad_content") from None
    if len(entries) > limits.MAX_ZIP_ENTRIES:
        raise _too_many()
    for entry in entries:
        if entry.flag_bits & 1:
            raise NodeError(f"the entry {entry.filename!r} is encrypted", code="bad_content")
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise NodeError(f"the entry {entry.filename!r} is compressed in a way that is not read", code="bad_content")
    if sum(entry.file_size for entry in entries) > limits.MAX_UNPACKED_BYTES:
        raise _bomb()
    return archive


def _check_directory(content: IO[bytes]) -> None:
    """Look at how much the directory has, by its last record, before all of it is read.

    Raises:
        NodeError: `too_large`, or `bad_content`: there is no such record.
    """
    size = content.seek(0, 2)
    content.seek(max(0, size - _END_SIZE - 0xFFFF))
    tail = content.read()
    content.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise NodeError("the content is no ZIP archive: it has no directory", code="bad_content")
    entries, directory = struct.unpack_from("<HL", tail, at + 10)
    if entries > limits.MAX_ZIP_ENTRIES:
        raise _too_many()
    if directory > _MAX_DIRECTORY:
        raise NodeError("the archive's directory is too large", code="too_large")


def entry_bytes(archive: ZipFile, entry: ZipInfo, most: int) -> bytes:
    """What an entry unpacks to, whatever its header says of its size.

    Raises:
        NodeError: `too_large`: it is more than `most` bytes; `bad_content`: it is damaged.
    """
    try:
        with archive.open(entry) as stream:
            content = stream.read(most + 1)
            if len(content) > most:
                raise _bomb()
            stream.read(1)  # at the end of the entry its checksum is compared
    except _DAMAGED as error:
        raise NodeError(f"the entry {entry.filename!r} is damaged: {error}", code="bad_content") from None
    return content


def check_unpacked(archive: ZipFile, looking: Callable[[str], Callable[[bytes], None]]) -> None:
    """Unpack everything once and keep nothing: for libraries that would believe what the headers say.

    `looking` gives for an entry's name what is shown its content, piece by piece, and may raise.

    Raises:
        NodeError: as `entry_bytes`, for all entries together.
    """
    left = limits.MAX_UNPACKED_BYTES
    for entry in archive.infolist():
        look = looking(entry.filename)
        try:
            with archive.open(entry) as stream:
                while chunk := stream.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise _bomb()
                    look(chunk)
        except _DAMAGED as error:
            raise NodeError(f"the entry {entry.filename!r} is damaged: {error}", code="bad_content") from None


def _too_many() -> NodeError:
    return NodeError(f"the archive has more than {limits.MAX_ZIP_ENTRIES} entries", code="too_large")


def _bomb() -> NodeError:
    return NodeError(f"the archive unpacks to more than {limits.MAX_UNPACKED_BYTES} bytes", code="too_large")
