"""Converts XML to JSON and back."""

from __future__ import annotations

import re
from typing import IO, Any
from xml.parsers import expat

from engine import limits
from engine.errors import NodeError
from engine.json_value import dumps
from engine.parsing.text import decoded

_DECLARED = re.compile(rb"""^<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,40})["']""")
_DECODED = re.compile(
    rb"(windows-|cp|iso-?8859-)\S+|koi8-[ru]|shift[_-]?jis|sjis|euc-(jp|kr)|gb\S+|big5", re.IGNORECASE
)
"""Encodings that Python supports and the parser does not, or not as the web defines them."""
_START = (
    r"A-Z_a-z\xC0-\xD6\xD8-\xF6\xF8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C\u200D\u2070-\u218F\u2C00-\u2FEF"
    r"\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF"
)
_PART = rf"[{_START}][{_START}\-.0-9\xB7\u0300-\u036F\u203F\u2040]*"
_NAME = re.compile(rf"{_PART}(:{_PART})?")
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENT_BYTES, _ATTRIBUTE_BYTES = 250, 130
"""The most memory that Python needs for an element, and for an attribute."""


class _Refused(ValueError):
    pass


class _Counter:
    """Counts elements and attributes before anything is built."""

    def __init__(self, parser: Any) -> None:
        self._depth = 0
        self._memory = 0
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse

    def _begin(self, _name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > limits.MAX_JSON_DEPTH:
            raise _Refused(f"the content is nested more than {limits.MAX_JSON_DEPTH} deep")
        self._memory += _ELEMENT_BYTES + _ATTRIBUTE_BYTES * len(attributes)
        if self._memory > limits.MAX_VALUE_BYTES:
            most = limits.MAX_VALUE_BYTES // 1024**2
            message = f"the content has so many elements that they would take more than {most} MB"
            raise NodeError(message, code="too_large")

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _refuse(self, *_: Any) -> None:
        raise _Refused("the content declares a document type, which is not allowed")


def read(arguments: dict[str, Any], content: IO[bytes] | None, _output: IO[bytes] | None) -> Any:
    """Return the content as JSON: attributes have `@` in front, text beside elements is `#text`.

    Raises:
        NodeError: `bad_content` or `too_large`.
    """
    import xmltodict

    if content is None:
        raise TypeError("XML is read from content")
    raw, encoding = _unified(content.read(), arguments["encoding"])
    _check(raw, encoding)
    try:
        return xmltodict.parse(
            raw,
            encoding,
            process_namespaces=arguments["namespaces"],
            force_list=tuple(arguments["lists"]) or None,
            disable_entities=True,
        )
    except (expat.ExpatError, ValueError) as error:
        raise NodeError(f"the content is no XML: {error}", code="bad_content") from None


def _unified(raw: bytes, encoding: str) -> tuple[bytes, str | None]:
    """Convert content to an encoding that the parser supports; return that encoding if the content declares another."""
    declared = _DECLARED.match(raw)
    if encoding == "auto" and declared is not None and _DECODED.fullmatch(declared[1]):
        encoding = declared[1].decode().lower()
    if encoding == "auto":
        return raw, None
    try:
        return decoded(raw, encoding).encode(), "utf-8"
    except LookupError:
        raise NodeError(f"the content is no XML: its encoding {encoding!r} is not known", code="bad_content") from None


def _check(raw: bytes, encoding: str | None) -> None:
    """Refuse document types, deep nesting and too many elements before anything is built."""
    parser = expat.ParserCreate(encoding)
    _Counter(parser)
    try:
        parser.Parse(raw, True)
    except _Refused as refused:
        raise NodeError(str(refused), code="bad_content") from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise NodeError(f"the content is no XML: {error}", code="bad_content") from None


def written(arguments: dict[str, Any], _content: IO[bytes] | None, _output: IO[bytes] | None) -> Any:
    """Return `{text}`, the XML of `value`. Raises as `write`."""
    return {"text": write(arguments["value"], pretty=arguments["pretty"])}


def write(value: dict[str, Any], *, pretty: bool) -> str:
    """Return the XML of an object with one root, which every parser can read.

    Raises:
        NodeError: code `config`: a value in it cannot be written.
    """
    import xmltodict

    (root,) = value
    if isinstance(value[root], list):
        raise NodeError(f"config.value.{root}: a document has one root, not a list", code="config")
    _check_name(root, f"config.value.{root}")
    text = str(xmltodict.unparse({root: _content(value[root], f"config.value.{root}")}, pretty=pretty))
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(text.encode(), True)
    except expat.ExpatError as error:
        hint = "; declare it where it is used, as `@xmlns:prefix`" if "prefix" in str(error) else ""
        raise NodeError(f"config.value cannot be written as XML: {error}{hint}", code="config") from None
    return text


def _content(value: Any, where: str) -> Any:
    """Check an element's names and characters, and turn its values into texts."""
    if isinstance(value, dict):
        return {name: _member(name, one, f"{where}.{name}") for name, one in value.items()}
    return None if value is None else _text(value, where)


def _member(name: str, value: Any, where: str) -> Any:
    if name == "#text" or name.startswith("@"):
        if name != "#text":
            _check_name(name[1:], where)
        return _text("" if value is None else value, where)
    _check_name(name, where)
    if isinstance(value, list):
        return [_item(one, f"{where}[{number}]") for number, one in enumerate(value)]
    return _content(value, where)


def _item(value: Any, where: str) -> Any:
    if isinstance(value, list):
        raise NodeError(f"{where}: a list in a list cannot be written as XML; name what it holds", code="config")
    return _content(value, where)


def _text(value: Any, where: str) -> str:
    if isinstance(value, dict | list):
        raise NodeError(f"{where}: text is wanted, not an object or a list", code="config")
    text = value if isinstance(value, str) else dumps(value)
    found = _NO_CHARACTER.search(text)
    if found is not None:
        message = f"{where}: the character U+{ord(found[0]):04X} cannot be written as XML"
        raise NodeError(message, code="config")
    return text


def _check_name(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        message = f"{where}: {name!r} is no name in XML; text is `#text`, attributes begin with `@`"
        raise NodeError(message, code="config")
