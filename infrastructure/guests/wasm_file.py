"""Reads and writes the sections of a WebAssembly module: as much of the format as exporting more needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infrastructure.guests.errors import GuestBuildError

_HEADER = b"\0asm\1\0\0\0"
_CUSTOM, _GLOBAL, _EXPORT = 0, 6, 7
_TABLE_KIND, _GLOBAL_KIND = 1, 3
_SEVEN_BITS, _MORE = 0x7F, 0x80


def opened(module: bytes) -> bytes:
    """A module without its debugging sections, whose table and globals are exported as `__table`, `__global0` …."""
    sections = [(kind, content) for kind, content in _sections(module) if kind != _CUSTOM]
    globals_of, _ = _unsigned(_only(sections, _GLOBAL), 0)
    more = [(b"__table", _TABLE_KIND, 0)]
    more += [(b"__global%d" % index, _GLOBAL_KIND, index) for index in range(globals_of)]
    count, at = _unsigned(_only(sections, _EXPORT), 0)
    added = b"".join(_number(len(name)) + name + bytes([kind]) + _number(index) for name, kind, index in more)
    exports = _number(count + len(more)) + _only(sections, _EXPORT)[at:] + added
    return _module([(kind, exports if kind == _EXPORT else content) for kind, content in sections])


def _sections(module: bytes) -> Iterator[tuple[int, bytes]]:
    if not module.startswith(_HEADER):
        raise GuestBuildError("that is no WebAssembly module")
    at = len(_HEADER)
    while at < len(module):
        length, start = _unsigned(module, at + 1)
        yield module[at], module[start : start + length]
        at = start + length


def _only(sections: Sequence[tuple[int, bytes]], kind: int) -> bytes:
    found = [content for one, content in sections if one == kind]
    if len(found) != 1:
        raise GuestBuildError(f"the module has {len(found)} sections of kind {kind}")
    return found[0]


def _module(sections: Sequence[tuple[int, bytes]]) -> bytes:
    return _HEADER + b"".join(bytes([kind]) + _number(len(content)) + content for kind, content in sections)


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    """A number in LEB128, and where it ends."""
    number = shift = 0
    while True:
        byte, at = data[at], at + 1
        number |= (byte & _SEVEN_BITS) << shift
        shift += 7
        if byte < _MORE:
            return number, at


def _number(number: int) -> bytes:
    found = bytearray()
    while number > _SEVEN_BITS:
        found.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    return bytes([*found, number])
