"""`xml`: reads XML into JSON, and writes it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.isolation.pool import isolated
from engine.json_value import dumps
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.nodes.sources import Source, in_thread, read_by
from engine.parsing.text import Encoding
from engine.parsing.xml_text import written
from engine.type_catalogue import Effect

_INLINE_BYTES = 64 * 1024
"""XML of so many bytes is read, or written, in a thread: it takes some milliseconds at most."""


class XmlConfig(NodeConfig):
    """What to read or to write."""

    operation: Literal["parse", "format"] = Field(default="parse", description="Read XML, or write it.")
    source: Source | None = Field(default=None, description="What to parse.")
    encoding: Literal["auto"] | Encoding = Field(
        default="auto", description="Encoding of XML given as bytes; `auto`: as declared."
    )
    lists: list[str] = Field(
        default_factory=list, max_length=200, description="Elements that are always lists, even if there is only one."
    )
    namespaces: bool = Field(default=False, description="Whether names include the URI of their namespace.")
    value: dict[str, JsonValue] | None = Field(default=None, description="The value to write: an object with one root.")
    pretty: bool = Field(default=False, description="Whether it is written with line breaks and indents.")

    @model_validator(mode="after")
    def _fitting(self) -> XmlConfig:
        if self.operation == "parse" and self.source is None:
            raise ValueError("`parse` takes a `source`")
        if self.operation == "format" and (self.value is None or len(self.value) != 1):
            raise ValueError("`format` takes a `value` with one root")
        return self


class XmlNode(BaseNode):
    """Reads or writes XML.

    Elements are objects, attributes have `@` in front, text beside them is `#text`, without white space around it; all
    values are texts. A document that declares a type (`<!DOCTYPE`) is refused: its entities could grow without bounds,
    or read files; take the declaration out where there are none. `format` gives `{text}`.
    """

    Config = XmlConfig
    title: ClassVar[str] = "XML"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "code-xml"
    effect: ClassVar[Effect] = "read"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"operation": "parse", "source": {"text": "{{ nodes.call.body }}"}, "lists": ["item"]},
        {"operation": "format", "value": {"order": {"@id": "7", "item": ["pen", "ink"]}}},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Do it.

        Raises:
            NodeError: `bad_content`, and those of sources.
        """
        config = context.config(XmlConfig, self.raw_config)
        if config.operation == "format":
            to_write = {"value": config.value, "pretty": config.pretty}
            if len(await in_thread(lambda: dumps(config.value))) <= _INLINE_BYTES:
                return Completed(await in_thread(lambda: written(to_write, None, None)))
            return Completed(await isolated("write_xml", to_write))
        source = config.source
        encoding = "utf-8" if source is not None and source.text is not None else config.encoding
        arguments = {"encoding": encoding, "namespaces": config.namespaces, "lists": config.lists}
        found = await read_by(
            "read_xml", arguments, source, context, most=limits.MAX_XML_BYTES, inline=_INLINE_BYTES
        )  # a text is one already, whatever it says of itself
        return Completed(found)
