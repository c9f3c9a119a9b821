"""`json`: parses text, writes text, and checks values against a JSON Schema."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.context import NodeContext
from engine.errors import NodeError
from engine.jsonvalue import depth_of, dumps
from engine.nodes.base import BaseNode, Completed, Effect, NodeConfig, NodeResult
from engine.nodes.sources import Source, in_thread
from engine.outgoing import refuse_constant

MAX_PROBLEMS = 20


class JsonConfig(NodeConfig):
    """What to do with which value."""

    operation: Literal["parse", "format", "validate"] = "parse"
    source: Source | None = Field(default=None, description="What to parse.")
    lines: bool = Field(default=False, description="One value a line (JSON Lines), in and out.")
    value: JsonValue = Field(default=None, description="What to write, or to check.")
    indent: int = Field(default=0, ge=0, le=8, description="Spaces of indentation; 0 writes one line.")
    json_schema: dict[str, JsonValue] | None = Field(default=None, alias="schema", description="JSON Schema 2020-12.")

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
        """Only checking can find something invalid."""
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
            problems = await in_thread(lambda: problems_of(config.value, config.json_schema or {}))
            return Completed({"problems": problems}, "invalid") if problems else Completed(config.value)
        return Completed(await in_thread(lambda: self._parse(config, context)))

    def _parse(self, config: JsonConfig, context: NodeContext) -> Any:
        source = config.source or Source(text="")
        text = source.read_text(context, limits.MAX_OUTPUT_BYTES)
        if not config.lines:
            return parsed(text)
        lines = ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
        return [parsed(line, f"line {number}") for number, line in lines]


def parsed(text: str, what: str = "the content") -> Any:
    """The value.

    Raises:
        NodeError: code `bad_content`: it is no JSON, or nested too deep.
    """
    try:
        value = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise NodeError(f"{what} is not JSON: {error}", code="bad_content") from None
    if depth_of(value, limits.MAX_JSON_DEPTH) > limits.MAX_JSON_DEPTH:
        raise NodeError(f"{what} is nested more than {limits.MAX_JSON_DEPTH} deep", code="bad_content")
    return value


def problems_of(value: Any, schema: dict[str, Any]) -> list[dict[str, str]]:
    """Where a value does not fit a JSON Schema; at most twenty places.

    Raises:
        NodeError: code `config`: the schema is none, or refers to another document.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator.check_schema(schema)
        found = []
        for error in Draft202012Validator(schema, registry=Registry()).iter_errors(value):
            path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
            found.append({"path": path.lstrip("."), "message": error.message[:500]})
            if len(found) == MAX_PROBLEMS:
                break
    except SchemaError as error:
        raise NodeError(f"config.schema is no JSON Schema: {error.message[:300]}", code="config") from None
    except Unresolvable as error:
        raise NodeError(f"config.schema refers to what is not in it: {str(error)[:200]}", code="config") from None
    return found


def _written(config: JsonConfig) -> str:
    if not config.lines:
        if not config.indent:
            return dumps(config.value)
        return json.dumps(config.value, ensure_ascii=False, indent=config.indent)
    if not isinstance(config.value, list):
        raise NodeError("config.value: JSON Lines are made of a list", code="config")
    return "".join(f"{dumps(one)}\n" for one in config.value)
