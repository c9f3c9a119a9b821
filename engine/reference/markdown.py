"""JSON Schemas as Markdown tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

_REFERENCE = "#/$defs/"
_TYPES = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "object": "object",
    "string": "text",
}
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "maxLength": "at most {} characters",
    "minItems": "items: at least {}",
    "maxItems": "items: at most {}",
}


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; a `|` or a line end in a cell does not end it."""
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield f"| {' | '.join(_cell(one) for one in row)} |"


def fields(schema: Mapping[str, Any], secrets: Sequence[str] = ()) -> Iterator[str]:
    """A table of a config's fields, and one for each model that they refer to."""
    known = schema.get("$defs", {})
    yield from _fields(schema, secrets)
    for name, model in known.items():
        if model.get("properties"):
            yield from ("", f"`{name}`: {plain(model.get('description', 'an object.'))}", "")
            yield from _fields(model, ())


def _fields(schema: Mapping[str, Any], secrets: Sequence[str]) -> Iterator[str]:
    properties = schema.get("properties", {})
    if not properties:
        yield "It has no fields."
        return
    required = schema.get("required", ())
    rows = (
        (
            f"`{name}`",
            type_of(one),
            _default(one, is_required=name in required),
            _meaning(one, is_secret=name in secrets),
        )
        for name, one in properties.items()
    )
    yield from table(("field", "type", "default", "meaning"), rows)


def type_of(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: text, `a` or `b`, list of …."""
    union = next((schema[name] for name in ("anyOf", "oneOf", "allOf") if name in schema), None)
    if union is not None:
        found = [type_of(one) for one in union if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(found)) or "any"
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        return "any" if name == "JsonValue" else f"`{name}`"
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{one}`" for one in schema.get("enum", [schema.get("const")]))
    return _plain_type(schema)


def _plain_type(schema: Mapping[str, Any]) -> str:
    kind, inner = schema.get("type"), "any"
    if kind == "array":
        inner = type_of(schema.get("items", {}))
    elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        inner = type_of(schema["additionalProperties"])
    return _TYPES.get(str(kind), "any") + ("" if inner == "any" else f" of {inner}")


def plain(text: str) -> str:
    """A docstring's text on one line for each paragraph."""
    return "\n\n".join(re.sub(r"\s+", " ", part).strip() for part in text.strip().split("\n\n"))


def _default(schema: Mapping[str, Any], *, is_required: bool) -> str:
    if is_required:
        return "required"
    value = schema.get("default")
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _meaning(schema: Mapping[str, Any], *, is_secret: bool) -> str:
    parts = [plain(schema["description"])] if schema.get("description") else []
    bounds = [
        text.format(f"{one[name]:,}") for one in _branches(schema) for name, text in _BOUNDS.items() if name in one
    ]
    if bounds:
        parts.append(f"{', '.join(dict.fromkeys(bounds)).capitalize()}.")
    if is_secret:
        parts.append("A secret.")
    return " ".join(parts)


def _branches(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    yield from schema.get("anyOf", ())


def _cell(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text).replace("|", "\\|")
