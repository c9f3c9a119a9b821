"""Searches pages by CSS selectors, and returns texts as a page shows them."""

from __future__ import annotations

import codecs
import re
from typing import IO, Any

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from engine import limits
from engine.errors import NodeError
from engine.parsing.text import decoded, reading

MAX_MATCHES = 10_000
MAX_DEPTH = 500
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]{0,30})")
_CLOSES_ITSELF = frozenset(
    """
    area base br col embed hr img input link meta source track wbr p li dt dd option optgroup tr td th thead tbody tfoot
    colgroup html head body
    """.split()  # noqa: SIM905 - to be read by people
)
"""Elements without content, or whose end is implied by the next element."""
_NOT_SHOWN = frozenset({"script", "style", "template", "noscript", "head", "title", "desc", "metadata", "datalist"})
_INLINE = frozenset(
    """
    a abbr acronym b bdi bdo big button cite code data del dfn em font i img ins kbd label map mark meter nobr output
    picture q rb rp rt ruby s samp small span strike strong sub sup svg time tt u var wbr
    text tspan g math mrow mi mn mo ms mtext msub msup msubsup msqrt mroot
    """.split()  # noqa: SIM905 - to be read by people
)
"""Elements around which a page shows no space that is not in its text."""
_SPACE = "\x00"
"""Marks where a block element begins or ends. No page contains this character."""
_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)\s[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9._:-]{2,40})""", re.IGNORECASE
)
_CHECKED_AT = 4_096
_CHARSETS = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?1|(windows-|cp)(125\d|874|932|949)|koi8-[ru]|macintosh|mac-roman"
    r"|shift[_-]?jis|sjis|euc-(jp|kr)|gb2312|gbk|gb18030|big5|iso-2022-jp",
    re.IGNORECASE,
)
_LIKE_BROWSERS = {"ascii": "cp1252", "iso8859-1": "cp1252", "shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030"}
_OBJECT_BYTES, _VALUE_BYTES = 190, 70


def search(arguments: dict[str, Any], content: IO[bytes] | None, _output: IO[bytes] | None) -> dict[str, Any]:
    """Return the matches of each selector of `extract`.

    Raises:
        NodeError: `config`: a selector is not valid; `bad_content`, `too_large`, `too_many_matches` or
            `output_too_large`.
    """
    if content is None:
        raise TypeError("a page is read from content")
    extract: dict[str, Any] = arguments["extract"]
    page = page_text(content.read(), arguments["encoding"])
    _check_depth(page)
    root = LexborHTMLParser(page).root
    if root is None:
        return {name: [] if one["all"] else None for name, one in extract.items()}
    finder = _Finder()
    return {name: finder.found(root, one, f"config.extract.{name}") for name, one in extract.items()}


def page_text(content: bytes, encoding: str) -> str:
    """Decode a page: in the declared encoding, or as browsers do.

    Browsers use the byte order mark, then the page's own declaration, then UTF-8 if it is valid; else windows-1252.

    Raises:
        NodeError: code `bad_content`: the page is not in the declared encoding.
    """
    if encoding != "auto":
        return decoded(content, encoding)
    by_mark = reading(content[:_CHECKED_AT], "latin-1")
    if by_mark != "latin-1":
        return content.decode(by_mark, errors="replace")
    said = _CHARSET.search(content[:_CHECKED_AT])
    if said is not None and _CHARSETS.fullmatch(said[1].decode()):
        codec = codecs.lookup("mac-roman" if said[1].lower() == b"macintosh" else said[1].decode()).name
        return content.decode(_LIKE_BROWSERS.get(codec, codec), errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _check_depth(page: str) -> None:
    """Refuse pages that are nested too deep: the time to build and search them grows faster than the nesting.

    Raises:
        NodeError: code `too_large`.
    """
    depth = 0
    for tag in _TAG.finditer(page):
        if tag[2].lower() in _CLOSES_ITSELF:
            continue
        depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > MAX_DEPTH:
            raise NodeError(f"the page's elements are nested more than {MAX_DEPTH} deep", code="too_large")


class _Finder:
    """Searches one page while the matches stay within the bounds of an output."""

    def __init__(self) -> None:
        self._size = self._memory = 0

    def found(self, node: LexborNode, wanted: dict[str, Any], where: str) -> Any:
        """Return the requested part of an element."""
        try:
            matches = node.css(wanted["selector"])
        except (SelectolaxError, ValueError) as error:
            raise NodeError(f"{where}.selector is no CSS selector: {error}", code="config") from None
        if len(matches) > MAX_MATCHES:
            raise NodeError(f"{where} matches more than {MAX_MATCHES} elements", code="too_many_matches")
        if not wanted["all"]:
            return self._value(matches[0], wanted, where) if matches else None
        once = {match.mem_id: match for match in matches}  # matches of two parts of a selector come twice
        return [self._value(match, wanted, where) for match in once.values()]

    def _value(self, node: LexborNode, wanted: dict[str, Any], where: str) -> Any:
        if wanted["fields"] is not None:
            fields: dict[str, Any] = wanted["fields"]
            self._count(2 + sum(len(name) + 4 for name in fields), _OBJECT_BYTES)
            return {name: self.found(node, one, f"{where}.fields.{name}") for name, one in fields.items()}
        if wanted["attribute"] is not None:
            value = node.attributes.get(wanted["attribute"])
        else:
            value = node.html if wanted["html"] else shown_text(node)
        self._count(len(value or "") + 4, _VALUE_BYTES + len(value or ""))
        return value

    def _count(self, size: int, memory: int) -> None:
        self._size += size
        self._memory += memory
        if self._size > limits.MAX_OUTPUT_BYTES:
            raise NodeError(f"what is found has more than {limits.MAX_OUTPUT_BYTES} bytes", code="output_too_large")
        if self._memory > limits.MAX_VALUE_BYTES:
            most = limits.MAX_VALUE_BYTES // 1024**2
            raise NodeError(f"what is found would take more than {most} MB", code="too_large")


def shown_text(node: LexborNode) -> str:
    """Return an element's text as the page shows it, on one line."""
    parts: list[str] = []
    _gather(node, parts)
    return " ".join("".join(parts).replace(_SPACE, " ").split())


def _gather(root: LexborNode, parts: list[str]) -> None:
    """Walk without recursion; a stack entry without an element is the text at an element's end."""
    stack: list[LexborNode | str] = [root]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            parts.append(one)
            continue
        tag = one.tag or ""
        if tag == "-text":
            parts.append(one.text_content or "")
            continue
        if tag.startswith(("-", "!")) or (tag in _NOT_SHOWN and one is not root):
            continue
        if tag not in _INLINE:
            parts.append(_SPACE)
            stack.append(_SPACE)
        children: list[LexborNode | str] = []
        child = one.child
        while child is not None:
            children.append(child)
            child = child.next
        stack += reversed(children)
