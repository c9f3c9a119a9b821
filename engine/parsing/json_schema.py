"""Checks values against JSON Schemas that an author, or a model's maker, wrote."""

from __future__ import annotations

from typing import IO, Any

import jsonschema_rs

from engine.errors import NodeError

_MAX_MESSAGE = 500
_BACKTRACKS = 100_000
"""Of a pattern with a look-around; all others take linear time."""
_ANNOTATIONS = frozenset(
    {"int32", "int64", "float", "double", "decimal", "byte", "binary", "password", "char", "phone", "color", "html"}
)
"""Formats of OpenAPI and of forms that say something to people or programs, and are not checked."""


def check(arguments: dict[str, Any], _content: IO[bytes] | None, _output: IO[bytes] | None) -> list[dict[str, str]]:
    """Where `value` does not fit `schema`: `[{path, message}]`, at most `most` of them.

    Raises:
        NodeError: code `config`: the schema is none, or refers to another document.
    """
    validator = _validator(arguments["schema"])
    found: list[dict[str, str]] = []
    for error in validator.iter_errors(arguments["value"]):
        found.append({"path": _dotted(error.instance_path), "message": error.message[:_MAX_MESSAGE]})
        if len(found) == arguments["most"]:
            break
    return found


def _validator(schema: dict[str, Any]) -> Any:
    try:
        return jsonschema_rs.validator_for(
            schema,
            retriever=_refuse,
            validate_formats=True,
            ignore_unknown_formats=False,
            formats=dict.fromkeys(_ANNOTATIONS, lambda _: True),
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        told = getattr(error, "message", str(error)).split("\n\n", maxsplit=1)[0]
        where = _dotted(getattr(error, "instance_path", []))
        message = f"config.schema{'.' if where and where[0] != '[' else ''}{where} is no JSON Schema: {told}"
        raise NodeError(message[:_MAX_MESSAGE], code="config") from None


def _refuse(_uri: str) -> Any:
    raise ValueError("a schema refers to nothing outside itself")


def _dotted(path: list[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


_validator({"type": "object"})  # the schema of schemas is read once, before processes are forked
