"""`json`: parses text, writes text, and checks values against a JSON Schema."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticKnownError

from engine import limits
from engine.errors import NodeError
from engine.isolation.pool import isolated
from engine.json_value import dumps
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.nodes.sources import Source, in_thread
from engine.parsing.json_text import json_text, read_json, read_json_lines
from engine.type_catalogue import Effect

MAX_PROBLEMS = 20


class JsonConfig(NodeConfig):
    """The operation and the value."""

    operation: Literal["parse", "format", "validate"] = Field(default="parse", description="Read JSON, or write it.")
    source: Source | None = Field(default=None, description="What to parse.")
    lines: bool = Field(default=False, description="Read and write one value per line (JSON Lines).")
    value: JsonValue = Field(default=None, description="The value to write or to check.")
    indent: int = Field(default=0, ge=0, le=8, description="Spaces of indentation; 0 writes one line.")
    json_schema: dict[str, JsonValue] | None = Field(default=None, alias="schema", description="JSON Schema 2020-12.")

    @field_validator("value", mode="before")
    @classmethod
    def _lines_are_a_list(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("lines") and info.data.get("operation") == "format" and not isinstance(value, list):
            raise PydanticKnownError("list_type")
        return value

    @model_validator(mode="after")
    def _fitting(self) -> JsonConfig:
        if self.operation == "parse" and self.source is None:
            raise ValueError("`parse` takes a `source`")
        if self.operation == "validate" and self.json_schema is None:
            raise ValueError("`validate` takes a `schema`")
        return self


class JsonNode(BaseNode):
    """Parses, writes or checks JSON.

    `parse` gives the value, `format` gives `{text}`, `validate` gives the value by `main`, or
    `{problems: [{path, message}]}` by `invalid`. A schema refers to nothing outside itself.
    """

    Config = JsonConfig
    title: ClassVar[str] = "JSON"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "braces"
    ports: ClassVar[tuple[str, ...]] = ("main", "invalid")
    effect: ClassVar[Effect] = "read"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"operation": "parse", "source": {"text": "{{ nodes.call.body }}"}},
        {
            "operation": "validate",
            "value": "{{ trigger.body }}",
            "schema": {"type": "object", "required": ["email"], "properties": {"email": {"type": "string"}}},
        },
    )

    @classmethod
    def ports_of(cls, config: dict[str, Any]) -> tuple[str, ...]:
        """Only `validate` has the port `invalid`."""
        return cls.ports if config.get("operation") == "validate" else ("main",)

    async def execute(self, context: NodeContext) -> NodeResult:
        """Do it.

        Raises:
            NodeError: `bad_content`, `config`, and those of sources.
        """
        config = context.config(JsonConfig, self.raw_config)
        if config.operation == "format":
            return Completed({"text": _written(config)})
        if config.operation == "validate":
            problems = await problems_of(config.value, config.json_schema or {})
            return Completed({"problems": problems}, "invalid") if problems else Completed(config.value)
        return Completed(await in_thread(lambda: self._parse(config, context)))

    def _parse(self, config: JsonConfig, context: NodeContext) -> Any:
        source = config.source or Source(text="")
        if source.text is not None:
            text = source.text.removeprefix("\ufeff")
        else:
            with source.opened(context, limits.MAX_OUTPUT_BYTES) as content:
                text = json_text(content.read())
        return read_json_lines(text) if config.lines else read_json(text)


async def problems_of(value: Any, schema: dict[str, Any]) -> list[dict[str, str]]:
    """Where a value does not fit a JSON Schema; at most twenty places.

    Raises:
        NodeError: code `config`: the schema is none, or refers to another document; or as `isolated`.
    """
    arguments = {"value": value, "schema": schema, "most": MAX_PROBLEMS}
    problems: list[dict[str, str]] = await isolated("check_schema", arguments)
    return problems


def _written(config: JsonConfig) -> str:
    if not config.lines:
        if not config.indent:
            return dumps(config.value)
        return json.dumps(config.value, ensure_ascii=False, indent=config.indent)
    if not isinstance(config.value, list):
        raise NodeError("config.value: JSON Lines need a list", code="config")
    return "".join(f"{dumps(one)}\n" for one in config.value)
