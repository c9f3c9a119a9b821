"""`xml`: reads XML into JSON, and writes it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.context import NodeContext
from engine.errors import NodeError
from engine.jsonvalue import depth_of
from engine.nodes.base import BaseNode, Completed, Effect, NodeConfig, NodeResult
from engine.nodes.sources import Source, in_thread


class XmlConfig(NodeConfig):
    """What to read, or to write."""

    operation: Literal["parse", "format"] = "parse"
    source: Source | None = Field(default=None, description="What to parse.")
    lists: list[str] = Field(
        default_factory=list, max_length=200, description="Elements that are lists even where there is only one."
    )
    namespaces: bool = Field(default=False, description="Whether names carry their namespace's URI.")
    value: dict[str, JsonValue] | None = Field(default=None, description="What to write: an object with one root.")
    pretty: bool = False

    @model_validator(mode="after")
    def _fitting(self) -> XmlConfig:
        if self.operation == "parse" and self.source is None:
            raise ValueError("`parse` takes a `source`")
        if self.operation == "format" and (self.value is None or len(self.value) != 1):
            raise ValueError("`format` takes a `value` with one root")
        return self


class XmlNode(BaseNode):
    """Reads or writes XML.

    Elements are objects, attributes have `@` in front, text beside them is `#text`. A document that declares a type or
    entities is refused: it could grow without bounds, or read files. `format` gives `{text}`.
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
        if config.operation == "parse":
            return Completed(await in_thread(lambda: _parse(config, context)))
        return Completed(await in_thread(lambda: {"text": _format(config)}))


class _Refused(ValueError):
    pass


def _parse(config: XmlConfig, context: NodeContext) -> Any:
    from xml.parsers import expat

    import xmltodict

    source = config.source or Source(text="")
    with source.opened(context, limits.MAX_XML_BYTES) as content:
        raw = content.read()
    encoding = "utf-8" if source.text is not None else None  # whatever a text says of itself, it is one already
    _check(raw, encoding)
    try:
        value = xmltodict.parse(
            raw,
            encoding,
            process_namespaces=config.namespaces,
            force_list=tuple(config.lists) or None,
            disable_entities=True,
        )
    except (expat.ExpatError, ValueError) as error:
        raise NodeError(f"the content is no XML: {error}", code="bad_content") from None
    if depth_of(value, limits.MAX_JSON_DEPTH) > limits.MAX_JSON_DEPTH:
        raise NodeError(f"the content is nested more than {limits.MAX_JSON_DEPTH} deep", code="bad_content")
    return value


def _check(raw: bytes, encoding: str | None) -> None:
    """Refuse document types and deep nesting, before anything is built of the content."""
    from xml.parsers import expat

    parser = expat.ParserCreate(encoding)
    depth = 0

    def begin(_name: str, _attributes: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > limits.MAX_JSON_DEPTH:
            raise _Refused(f"the content is nested more than {limits.MAX_JSON_DEPTH} deep")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: Any) -> None:
        raise _Refused("the content declares a document type, which is not allowed")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(raw, True)
    except _Refused as refused:
        raise NodeError(str(refused), code="bad_content") from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise NodeError(f"the content is no XML: {error}", code="bad_content") from None


def _format(config: XmlConfig) -> str:
    import xmltodict

    try:
        return str(xmltodict.unparse(config.value or {}, pretty=config.pretty))
    except (ValueError, TypeError, AttributeError) as error:
        raise NodeError(f"config.value cannot be written as XML: {error}", code="config") from None
