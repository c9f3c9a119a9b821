"""Converts items, conditions and updates between plain Python values and DynamoDB's form. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

Item = dict[str, Any]
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def projection(attributes: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that limit a read to these attributes."""
    return {
        "ProjectionExpression": ", ".join(f"#a{i}" for i in range(len(attributes))),
        "ExpressionAttributeNames": {f"#a{i}": name for i, name in enumerate(attributes)},
    }


def item_key(pk: str, sk: str) -> Any:
    """Return the key of an item."""
    return {"PK": {"S": pk}, "SK": {"S": sk}}


def key_condition(pk: str, pk_name: str, sk_name: str, after: str | None, before: str | None) -> dict[str, Any]:
    """Return the arguments of a query for the sort keys from `after` to `before`, both included."""
    condition = "#pk = :pk"
    if after is not None and before is not None:
        condition += " AND #sk BETWEEN :after AND :before"
    elif after is not None:
        condition += " AND #sk >= :after"
    elif before is not None:
        condition += " AND #sk <= :before"
    return {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#pk": pk_name, **({"#sk": sk_name} if "#sk" in condition else {})},
        "ExpressionAttributeValues": encode({":pk": pk, ":after": after, ":before": before}),
    }


def update_arguments(
    changes: Mapping[str, Any],
    remove: Sequence[str],
    condition: str,
    values: Mapping[str, Any],
    add: Mapping[str, Any] = MappingProxyType({}),
    copies: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the arguments of an UpdateItem; `#name` and `:name` in the condition as in `Table.update`."""
    names = {f"#{name}": name for name in (*changes, *remove, *add, *copies, *copies.values())}
    names |= {f"#{name}": name for name in _names_in(condition)}
    expression = ""
    settings = [f"#{name} = :set_{name}" for name in changes] + [f"#{new} = #{name}" for new, name in copies.items()]
    if settings:
        expression += "SET " + ", ".join(settings)
    if remove:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in remove)
    if add:
        expression += " ADD " + ", ".join(f"#{name} :add_{name}" for name in add)
    everything = {
        **{f":set_{name}": value for name, value in changes.items()},
        **{f":add_{name}": amount for name, amount in add.items()},
        **_prefixed(values),
    }
    arguments: dict[str, Any] = {"UpdateExpression": expression.strip(), "ExpressionAttributeNames": names}
    if everything:
        arguments["ExpressionAttributeValues"] = encode(everything)
    if condition:
        arguments["ConditionExpression"] = condition
    return arguments


def encode(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item in DynamoDB's form. None is omitted: an absent attribute costs nothing."""
    return {name: _serialize(_exact(value)) for name, value in item.items() if value is not None}


def decode(item: Mapping[str, Any]) -> Item:
    """Return an item as Python values; whole numbers are int."""
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _exact(value: Any) -> Any:
    """Convert floats: DynamoDB's numbers are decimal."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Binary):
        return bytes(value.value)  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _names_in(condition: str) -> list[str]:
    return re.findall(r"#(\w+)", condition)


def _prefixed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f":{name}": value for name, value in values.items()}
