"""Walks through the parts of a workbook while they are unpacked: only what is requested is built."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import IO, Any, Protocol
from xml.parsers import expat

from engine.errors import NodeError

_CHUNK = 64 * 1024
_ENCODINGS = (LookupError, ValueError)


class Handler(Protocol):
    """Receives elements by their names without namespaces. Its results are taken from `done`."""

    done: deque[Any]

    def begin(self, name: str, attributes: dict[str, str]) -> bool:
        """Handle the beginning of an element; return whether its text is needed."""

    def end(self, name: str, text: str | None) -> None:
        """Handle the end of an element, with its text where that was requested."""


def walk(stream: IO[bytes], handler: Handler, what: str) -> Iterator[Any]:
    """Yield the handler's results piece by piece.

    Raises:
        NodeError: code `bad_content`: the part is not XML, or declares a document type, whose entities could expand
            without bound.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parts: list[str] = []
    names: dict[str, str] = {}
    wanted = False

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal wanted
        local = names.get(name) or names.setdefault(name, name.rpartition(" ")[2])
        wanted = handler.begin(local, attributes)
        if wanted:
            parts.clear()
            parser.CharacterDataHandler = parts.append

    def end(name: str) -> None:
        nonlocal wanted
        text = None
        if wanted:
            wanted = False
            parser.CharacterDataHandler = None
            text = "".join(parts)
        handler.end(names[name], text)

    def refuse(*_: Any) -> None:
        raise NodeError(f"{what} declares a document type, which is not allowed", code="bad_content")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
            while handler.done:
                yield handler.done.popleft()
        parser.Parse(b"", True)
    except (expat.ExpatError, *_ENCODINGS) as error:
        raise NodeError(f"{what} is damaged: {error}", code="bad_content") from None
    while handler.done:
        yield handler.done.popleft()


def attribute(attributes: dict[str, str], name: str) -> str | None:
    """Return an attribute by its name in any namespace: there are two dialects of workbooks."""
    if name in attributes:
        return attributes[name]
    return next((value for key, value in attributes.items() if key.rpartition(" ")[2] == name), None)
