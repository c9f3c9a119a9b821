"""`html`: takes texts and attributes out of a page by CSS selectors."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from engine import limits
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.nodes.sources import Source, read_by
from engine.parsing.text import Encoding
from engine.type_catalogue import Effect


class Extract(NodeConfig):
    """One value to extract."""

    selector: Annotated[str, Field(min_length=1, max_length=1_000)] = Field(description="A CSS selector.")
    attribute: str | None = Field(
        default=None, max_length=200, description="Return the value of this attribute instead of the text."
    )
    html: bool = Field(default=False, description="Return the element's HTML instead of the text.")
    all: bool = Field(default=False, description="Return a list of all matches instead of the first (or null).")
    fields: dict[str, Extract] | None = Field(
        default=None, description="Return an object of values from inside each match."
    )


class HtmlConfig(NodeConfig):
    """The page, and the values to extract."""

    source: Source = Field(description="The page.")
    encoding: Literal["auto"] | Encoding = Field(
        default="auto", description="Encoding of a page given as bytes; `auto`: as declared, like browsers."
    )
    extract: dict[str, Extract] = Field(min_length=1, max_length=200, description="The values to extract, by name.")


class HtmlNode(BaseNode):
    """Takes values out of HTML; gives an object with what each selector found.

    Texts are as the page shows them, in one line: without scripts and styles, with a space between what stands apart.
    """

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
        extract = {name: one.model_dump() for name, one in config.extract.items()}
        # A text is one already, whatever it says of itself.
        arguments = {"extract": extract, "encoding": "utf-8" if config.source.text is not None else config.encoding}
        return Completed(await read_by("search_html", arguments, config.source, context, most=limits.MAX_OUTPUT_BYTES))
