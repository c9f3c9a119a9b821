"""The input and result of an execution, stored beside its record if they are not small.

The cost of a write depends on the whole item, and a record is written at least three times. So a payload that is larger
than a write unit is stored in an item of its own in the same partition, which is written once and never changes.
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
"""Up to this size a payload stays in the record: a separate item would cost as much as it saves."""


def set_apart(pk: str, name: str, packed: Packed | None) -> tuple[Any, Item | None]:
    """Return the record's attribute for a payload, and the separate item that must exist before it, if there is one.

    The name of that item depends on its content, so that concurrent writers of different payloads each find their own.
    """
    if packed is None or isinstance(packed, dict):
        return packed, None
    content = packed.encode() if isinstance(packed, str) else packed
    if len(content) <= _SMALL_BYTES:
        return packed, None
    sk = f"{_BEGIN}{name}#{sha256(content).hexdigest()[:32]}"
    return {"item": sk}, {"PK": pk, "SK": sk, "value": packed}


def is_apart(item: Item) -> bool:
    """Return whether an item of an execution's partition is a payload that belongs to its record."""
    return bool(item["SK"].startswith(_BEGIN))


def with_payloads(table: Table, records: Sequence[Item], known: Sequence[Item] = ()) -> list[Item]:
    """Return records with their separate payloads, which are read in one batch unless they are in `known`.

    Raises:
        Unavailable: a payload is missing: the record is being removed.
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
    """Return which payloads of a record are stored beside it, and where."""
    return {
        name: (record["PK"], record[name]["item"])
        for name in _APART
        if isinstance(record.get(name), dict) and "item" in record[name]
    }
