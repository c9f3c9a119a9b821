"""`html`: takes texts and attributes out of a page by CSS selectors."""

from __future__ import annotations

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

    parser = LexborHTMLParser(config.source.read_text(context, limits.MAX_OUTPUT_BYTES))
    root = parser.root
    if root is None:
        return {name: [] if one.all else None for name, one in config.extract.items()}
    return {name: _found(root, one, f"config.extract.{name}") for name, one in config.extract.items()}


def _found(node: LexborNode, wanted: Extract, where: str) -> Any:
    from selectolax.lexbor import SelectolaxError

    try:
        matches = node.css(wanted.selector)
    except (SelectolaxError, ValueError) as error:
        raise NodeError(f"{where}.selector is no CSS selector: {error}", code="config") from None
    if len(matches) > MAX_MATCHES:
        raise NodeError(f"{where} matches more than {MAX_MATCHES} elements", code="too_many_matches")
    if not wanted.all:
        return _value(matches[0], wanted, where) if matches else None
    return [_value(match, wanted, where) for match in matches]


def _value(node: LexborNode, wanted: Extract, where: str) -> Any:
    if wanted.fields is not None:
        return {name: _found(node, one, f"{where}.fields.{name}") for name, one in wanted.fields.items()}
    if wanted.attribute is not None:
        return node.attributes.get(wanted.attribute)
    if wanted.html:
        return node.html
    return " ".join(node.text(separator=" ").split())
