"""Counts what a run asks of DynamoDB and S3, and what that would be in units, from the sizes of the items.

Emulators answer flat numbers, so the units are worked out as AWS documents them: a write unit is a KB begun,
in a transaction twice; a consistent read unit is 4 KB begun; each index entry that is written is a write.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

_INDEX_KEYS = ("workspace_key", "workflow_key", "user_list", "check_shard")


class Meter:
    """Attach it to clients; read `writes`, `reads` and `calls`."""

    def __init__(self) -> None:
        self.writes = 0
        self.reads = 0
        self.calls: Counter[str] = Counter()

    def attach(self, dynamodb: Any, s3: Any) -> None:
        """Count every call of these clients from now on."""
        self._dynamodb = dynamodb
        dynamodb.meta.events.register("provide-client-params.dynamodb", self._before)
        dynamodb.meta.events.register("after-call.dynamodb", self._after)
        s3.meta.events.register("before-call.s3", lambda model, **_: self.calls.update([f"s3 {model.name}"]))

    def _before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls[model.name] += 1
        # A change of `next_check_at` removes an entry of that index and writes one; its removal only removes one.
        expression = params.get("UpdateExpression", "") if model.name == "UpdateItem" else ""
        self._looks = 2 if "#next_check_at = " in expression else 1 if "#next_check_at" in expression else 0
        if model.name == "PutItem":
            self.writes += _write_units(params["Item"], new=True)
        elif model.name == "TransactWriteItems":
            for entry in params["TransactItems"]:
                if "Put" in entry:
                    self.writes += 2 * _write_units(entry["Put"]["Item"], new=True)
                else:
                    self.writes += 2  # an update or a removal of an item of ours is below a KB
        elif model.name == "DeleteItem":
            self.writes += 1

    def _after(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "UpdateItem" and "Attributes" in parsed:
            self.writes += _write_units(parsed["Attributes"], new=False) + self._looks
        elif model.name == "GetItem":
            self.reads += _read_units(_size(parsed.get("Item", {})))
        elif model.name == "Query":
            self.reads += _read_units(sum(map(_size, parsed["Items"])))
        elif model.name == "BatchGetItem":
            self.reads += sum(_read_units(_size(i)) for items in parsed["Responses"].values() for i in items)


def _write_units(item: dict[str, Any], *, new: bool) -> int:
    indexes = sum(1 for name in _INDEX_KEYS if name in item) if new else 0  # indexes of keys do not change after
    return math.ceil(max(_size(item), 1) / 1024) + indexes


def _read_units(size: int) -> int:
    return math.ceil(max(size, 1) / 4096)


def _size(item: dict[str, Any]) -> int:
    return sum(len(name) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + _size(content)
    return len(str(content).encode())
