"""`html`: takes texts and attributes out of a page by CSS selectors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from engine import limits
from engine.context import NodeContext
from engine.errors import NodeError
from engine.nodes.base import BaseNode, Completed, Effect, NodeConfig, NodeResult
from engine.nodes.sources import Source, in_thread

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_MATCHES = 10_000
MAX_DEPTH = 500
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]{0,30})")
_CLOSES_ITSELF = frozenset(
    """
    area base br col embed hr img input link meta source track wbr p li dt dd option optgroup tr td th thead tbody tfoot
    colgroup html head body
    """.split()  # noqa: SIM905 - to be read by people
)
"""Elements without content, or whose end is told by the next one."""


class Extract(NodeConfig):
    """One thing that is looked for."""

    selector: Annotated[str, Field(min_length=1, max_length=1_000)] = Field(description="A CSS selector.")
    attribute: str | None = Field(default=None, max_length=200, description="Its value, instead of the text.")
    html: bool = Field(default=False, description="The element's own HTML, instead of the text.")
    all: bool = Field(default=False, description="A list of all that match, instead of the first (or null).")
    fields: dict[str, Extract] | None = Field(default=None, description="Objects of what is found inside each match.")


class HtmlConfig(NodeConfig):
    """Where, and what to take."""

    source: Source
    extract: dict[str, Extract] = Field(min_length=1, max_length=200)


class HtmlNode(BaseNode):
    """Takes values out of HTML; gives an object with what each selector found."""

    Config = HtmlConfig
    title: ClassVar[str] = "HTML extract"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "code"
    effect: ClassVar[Effect] = "read"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "source": {"text": "{{ nodes.page.body }}"},
            "extract": {
                "title": {"selector": "h1"},
                "links": {"selector": "a[href]", "attribute": "href", "all": True},
                "rows": {
                    "selector": "table tr",
                    "all": True,
                    "fields": {"name": {"selector": "td:first-child"}, "price": {"selector": "td.price"}},
                },
            },
        },
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Look for all of it.

        Raises:
            NodeError: `config`: a selector is none; `too_many_matches`; and those of sources.
        """
        config = context.config(HtmlConfig, self.raw_config)
        return Completed(await in_thread(lambda: _extract(config, context)))


def _extract(config: HtmlConfig, context: NodeContext) -> dict[str, Any]:
    from selectolax.lexbor import LexborHTMLParser

    page = config.source.read_text(context, limits.MAX_OUTPUT_BYTES)
    _check_depth(page)
    parser = LexborHTMLParser(page)
    root = parser.root
    if root is None:
        return {name: [] if one.all else None for name, one in config.extract.items()}
    finder = _Finder()
    return {name: finder.found(root, one, f"config.extract.{name}") for name, one in config.extract.items()}


def _check_depth(page: str) -> None:
    """Refuse pages whose elements are in each other without end: building and asking them takes ever longer.

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
    """Looks for things in one page, as long as what is found stays within the bounds of an output."""

    def __init__(self) -> None:
        self._size = 0

    def found(self, node: LexborNode, wanted: Extract, where: str) -> Any:
        """What an element has of it."""
        from selectolax.lexbor import SelectolaxError

        try:
            matches = node.css(wanted.selector)
        except (SelectolaxError, ValueError) as error:
            raise NodeError(f"{where}.selector is no CSS selector: {error}", code="config") from None
        if len(matches) > MAX_MATCHES:
            raise NodeError(f"{where} matches more than {MAX_MATCHES} elements", code="too_many_matches")
        if not wanted.all:
            return self._value(matches[0], wanted, where) if matches else None
        return [self._value(match, wanted, where) for match in matches]

    def _value(self, node: LexborNode, wanted: Extract, where: str) -> Any:
        if wanted.fields is not None:
            return {name: self.found(node, one, f"{where}.fields.{name}") for name, one in wanted.fields.items()}
        if wanted.attribute is not None:
            value = node.attributes.get(wanted.attribute)
        elif wanted.html:
            value = node.html
        else:
            value = " ".join(node.text(separator=" ").split())
        self._size += len(value or "") + 4
        if self._size > limits.MAX_OUTPUT_BYTES:
            raise NodeError(f"what is found has more than {limits.MAX_OUTPUT_BYTES} bytes", code="output_too_large")
        return value
