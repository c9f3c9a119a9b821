"""The documents: their links, blocks and what they name, read from the Markdown files in the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENTS = tuple(
    ROOT / name
    for name in (
        "README.md",
        "engine/README.md",
        "events/README.md",
        "functions/README.md",
        "infrastructure/README.md",
        "tests/README.md",
    )
)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


@cache
def blocks(document: Path) -> tuple[Block, ...]:
    """In their order."""
    return tuple(Block(*found) for found in _BLOCK.findall(document.read_text()))


@cache
def prose(document: Path) -> str:
    """A document without its blocks."""
    return _BLOCK.sub("", document.read_text())


def links(document: Path) -> Iterator[str]:
    """The targets of all links."""
    yield from re.findall(r"\]\(([^)\s]+)\)", prose(document))


def anchors(document: Path) -> set[str]:
    """What a link behind `#` may name, as GitHub makes it from headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def named(document: Path) -> Iterator[str]:
    """All that stands between backticks, on one line."""
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(document))
