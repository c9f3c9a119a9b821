"""Reads the body of a delivery as the type that the webhook declares, never as the type that the caller claims."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from engine import limits
from engine.json_value import depth_of


class Unreadable(ValueError):
    """The body is not of the declared type; the message is for the caller."""


class WrongType(Unreadable):
    """The caller claims another type than the declared one."""


@dataclass
class File:
    """A part of a multipart body; a part with a `filename` is a file."""

    key: str
    filename: str
    content_type: str
    content: bytearray = field(default_factory=bytearray)


def read_body(declared: str, content_type: str, body: bytes, keep: Callable[[File], dict[str, Any]]) -> Any:
    """Return the value of `trigger.body`; None for no body.

    Args:
        declared: `json`, `form`, `multipart`, `text` or `base64`.
        content_type: the type that the caller claims.
        body: the raw bytes.
        keep: stores a file of a multipart body and returns the value that refers to it.

    Raises:
        WrongType: the caller claims another type.
        Unreadable: the body is not of the declared type.
    """
    if not body:
        return None
    media = content_type.partition(";")[0].strip().lower()
    if declared == "json":
        try:
            return read_json(body)
        except Unreadable as error:
            if media and not media.startswith("text/") and media != "application/json" and not media.endswith("+json"):
                raise WrongType(f"send JSON, as application/json; it is {media[:80]}, and {error}") from None
            raise
    if declared == "form":
        if media not in ("", "application/x-www-form-urlencoded", "text/plain", "application/octet-stream"):
            raise WrongType("send a form, as application/x-www-form-urlencoded")
        return _form(body)
    if declared == "multipart":
        if media != "multipart/form-data":
            raise WrongType("send multipart/form-data")
        return _multipart(content_type, body, keep)
    if declared == "text":
        return _text(body)
    return base64.b64encode(body).decode()


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8 text") from None


def read_json(body: bytes) -> Any:
    """Read JSON as the RFC defines it.

    Raises:
        Unreadable: the text is not JSON, or is nested too deep.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        value = json.loads(_text(body), parse_constant=refuse)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise Unreadable("the body is not usable JSON: a half of a surrogate pair stands alone") from None
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the body is not JSON: {error}"[:300]) from None
    if depth_of(value, limits.MAX_JSON_DEPTH) > limits.MAX_JSON_DEPTH:
        raise Unreadable(f"the body is nested more than {limits.MAX_JSON_DEPTH} deep")
    return value


def _form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(_text(body), keep_blank_values=True, max_num_fields=limits.MAX_HOOK_PARTS, errors="strict")
    except Unreadable:
        raise
    except ValueError as error:
        raise Unreadable(f"the body is not a form: {error}"[:300]) from None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        _add(fields, name, value)
    return fields


def _add(fields: dict[str, Any], name: str, value: Any) -> None:
    """Add a field; repeated fields become a list."""
    if name not in fields:
        fields[name] = value
    elif isinstance(fields[name], list):
        fields[name].append(value)
    else:
        fields[name] = [fields[name], value]


def _multipart(content_type: str, body: bytes, keep: Callable[[File], dict[str, Any]]) -> dict[str, Any]:
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_options_header

    try:
        _, options = parse_options_header(content_type)
    except UnicodeError:
        raise Unreadable("the content type is not one") from None
    boundary = options.get(b"boundary")
    if not boundary or len(boundary) > 200:  # noqa: PLR2004 - RFC 2046 has 70
        raise Unreadable("the content type names no boundary")
    parts = _Parts()
    try:
        parser = parts.parser(boundary)
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeError) as error:
        raise Unreadable(f"the body is not multipart/form-data: {error}"[:300]) from None
    if not parts.is_complete:
        raise Unreadable("the body ends before its last boundary")
    fields: dict[str, Any] = {}
    for part in parts.done:
        _add(fields, part.key, keep(part) if part.filename else _text(bytes(part.content)))
    return fields


class _Parts:
    """Collects the parts that the multipart parser reports."""

    def __init__(self) -> None:
        self.done: list[File] = []
        self.is_complete = False
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._part = File("", "", "")

    def parser(self, boundary: bytes) -> Any:
        """Return a parser that reports to this object."""
        from python_multipart.multipart import MultipartParser

        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
            max_size=limits.MAX_HOOK_BYTES,
        )

    def _begin(self) -> None:
        if len(self.done) >= limits.MAX_HOOK_PARTS:
            raise Unreadable(f"the body has more than {limits.MAX_HOOK_PARTS} parts")
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        from python_multipart.multipart import parse_options_header

        disposition, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode()
        if disposition != b"form-data" or not name:
            raise Unreadable("a part has no name")
        content_type = self._headers.get(b"content-type", b"application/octet-stream").decode()
        self._part = File(name[:200], options.get(b"filename", b"").decode()[:255], content_type[:200])

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._part.content += data[start:end]

    def _end(self) -> None:
        self.done.append(self._part)

    def _finish(self) -> None:
        self.is_complete = True
