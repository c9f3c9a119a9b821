"""The error of an execution as a list shows it: code, begin of the message, node; no other read is needed for it."""

from __future__ import annotations

from typing import Any

from engine import limits
from engine.storage.dynamodb.expressions import Item
from engine.storage.payloads import Packed, PayloadStore


def brief_of(error: dict[str, Any]) -> dict[str, Any]:
    """Of an error what a list shows."""
    message = str(error.get("message") or "")
    if len(message) > limits.MAX_BRIEF_ERROR:
        message = f"{message[: limits.MAX_BRIEF_ERROR - 1]}…"
    return {"code": error.get("code"), "message": message, "node": error.get("node")}


def beside(error: dict[str, Any] | None, packed: Packed | None) -> dict[str, Any]:
    """What a record holds of its error besides `packed`: nothing where it has all of it."""
    return {"brief_error": brief_of(error)} if error is not None and isinstance(packed, dict) else {}


def brief_in(item: Item, payloads: PayloadStore) -> dict[str, Any] | None:
    """The error in a record, as a list shows it."""
    packed = item.get("error")
    if packed is None or isinstance(packed, dict):
        found: dict[str, Any] | None = item.get("brief_error")
        return found
    return brief_of(payloads.unpack(packed))
