"""Checks values against JSON Schemas that an author, or a model's provider, wrote."""

from __future__ import annotations

from typing import IO, Any

import jsonschema_rs

from engine.errors import NodeError

_MAX_MESSAGE = 500
_BACKTRACKS = 100_000
"""Bound of a pattern with a look-around; all other patterns take linear time."""
_ANNOTATIONS = frozenset(
    {"int32", "int64", "float", "double", "decimal", "byte", "binary", "password", "char", "phone", "color", "html"}
)
"""Formats of OpenAPI and of forms, which inform people or programs and are not checked."""


def check(arguments: dict[str, Any], _content: IO[bytes] | None, _output: IO[bytes] | None) -> list[dict[str, str]]:
    """List where `value` does not match `schema`: `[{path, message}]`, at most `most` of them.

    Raises:
        NodeError: code `config`: the schema is not valid, or refers to another document.
    """
    try:
        return _problems(arguments["schema"], arguments["value"], arguments["most"])
    except UnicodeEncodeError:  # an unpaired surrogate, which the library does not accept
        return _problems(_whole(arguments["schema"]), _whole(arguments["value"]), arguments["most"])


def _problems(schema: dict[str, Any], value: Any, most: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for error in _validator(schema).iter_errors(value):
        found.append({"path": _dotted(error.instance_path), "message": error.message[:_MAX_MESSAGE]})
        if len(found) == most:
            break
    return found


def _whole(value: Any) -> Any:
    """Replace each unpaired surrogate with U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list) else value


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


_validator({"type": "object"})  # the metaschema is read once, before processes are forked
