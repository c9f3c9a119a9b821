"""The summary of an execution's error for lists: code, beginning of the message, node; it needs no extra read."""

from __future__ import annotations

from typing import Any

from engine import limits
from engine.storage.dynamodb.expressions import Item
from engine.storage.payloads import Packed, PayloadStore


def brief_of(error: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of an error."""
    message = str(error.get("message") or "")
    if len(message) > limits.MAX_BRIEF_ERROR:
        message = f"{message[: limits.MAX_BRIEF_ERROR - 1]}…"
    return {"code": error.get("code"), "message": message, "node": error.get("node")}


def beside(error: dict[str, Any] | None, packed: Packed | None) -> dict[str, Any]:
    """Return the attributes that a record keeps beside the `packed` error: none if it has all of it."""
    return {"brief_error": brief_of(error)} if error is not None and isinstance(packed, dict) else {}


def brief_in(item: Item, payloads: PayloadStore) -> dict[str, Any] | None:
    """Return the summary of the error in a record."""
    packed = item.get("error")
    if packed is None or isinstance(packed, dict):
        found: dict[str, Any] | None = item.get("brief_error")
        return found
    return brief_of(payloads.unpack(packed))
