"""What an execution was given and has given, beside its record where it is not small.

A write of an item costs by all that is in it, and a record is written at least three times. So what is larger than a
write unit stands in an item of its own in the same partition, which is written once and never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from engine.errors import Unavailable
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import Table
from engine.storage.payloads import Packed

_APART = ("trigger", "result")
_BEGIN = "META#"
_SMALL_BYTES = 1_024
"""Up to here a payload stays in the record: an item of its own would cost as much as it saves."""


def set_apart(pk: str, name: str, packed: Packed | None) -> tuple[Any, Item | None]:
    """What the record holds of a payload, and the item of its own that has to be there before it, if there is one.

    The name of that item says what is in it, so that of two who write different ones each finds its own.
    """
    if packed is None or isinstance(packed, dict):
        return packed, None
    content = packed.encode() if isinstance(packed, str) else packed
    if len(content) <= _SMALL_BYTES:
        return packed, None
    sk = f"{_BEGIN}{name}#{sha256(content).hexdigest()[:32]}"
    return {"item": sk}, {"PK": pk, "SK": sk, "value": packed}


def is_apart(item: Item) -> bool:
    """Whether an item of an execution's partition is a payload that belongs to its record."""
    return bool(item["SK"].startswith(_BEGIN))


def with_payloads(table: Table, records: Sequence[Item], known: Sequence[Item] = ()) -> list[Item]:
    """Records with what stands beside them; it is read at one go, but for what is among the `known` items.

    Raises:
        Unavailable: some of it is not there: the record is being removed.
    """
    found = {(item["PK"], item["SK"]): item for item in known if is_apart(item)}
    references = [_references(record) for record in records]
    wanted = [key for one in references for key in one.values() if key not in found]
    if wanted:
        found |= table.get_many(list(dict.fromkeys(wanted)))
    if any(key not in found for key in wanted):
        raise Unavailable("the execution is being removed; try again")
    return [
        {**record, **{name: found[key]["value"] for name, key in one.items()}}
        for record, one in zip(records, references, strict=True)
    ]


def _references(record: Item) -> dict[str, tuple[str, str]]:
    """Which payloads of a record stand beside it, and where."""
    return {
        name: (record["PK"], record[name]["item"])
        for name in _APART
        if isinstance(record.get(name), dict) and "item" in record[name]
    }
