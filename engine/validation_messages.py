"""Pydantic's findings as sentences for people who do not know pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.ids import ID_PATTERN


def sentence(error: Mapping[str, Any]) -> str:
    """One entry of `ValidationError.errors()` as a sentence."""
    kind, field = error["type"], error["loc"][-1] if error["loc"] else "it"
    if kind == "extra_forbidden":
        return f"`{field}` is not a known field"
    if kind == "missing":
        return f"`{field}` is required"
    if kind == "string_pattern_mismatch" and error.get("ctx", {}).get("pattern") == ID_PATTERN:
        return "this is not an id; ids look like 01920000-0000-7000-8000-000000000001"
    if kind == "string_pattern_mismatch" and error.get("input") == "":  # what may be a secret comes without it
        return f"`{field}` is required"
    return str(error["msg"]).removeprefix("Value error, ")
