"""`dynamodb`: items of an Amazon DynamoDB table."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine.errors import NodeError
from engine.nodes.aws_call import AwsConfig, AwsNode
from engine.nodes.base import Completed, NodeResult
from engine.nodes.context import NodeContext

_CONFLICT = "aws_ConditionalCheckFailedException"
MAX_PAGE = 1_000


class DynamodbConfig(AwsConfig):
    """The table, the items, and the operation."""

    literal: ClassVar[frozenset[str]] = frozenset(
        {"integration", "key_condition", "condition", "filter", "update", "names"}
    )

    operation: Literal["get", "put", "update", "delete", "query"] = Field(default="get", description="The operation.")
    table: str = Field(min_length=3, max_length=1_024, description="ARN of the table, or its name in this account.")
    key: dict[str, JsonValue] | None = Field(default=None, description="For `get`, `update` and `delete`.")
    item: dict[str, JsonValue] | None = Field(default=None, description="For `put`.")
    update: str | None = Field(
        default=None, max_length=4_096, description="Update expression of DynamoDB: `SET #n = :n`."
    )
    key_condition: str | None = Field(default=None, max_length=4_096, description="For `query`: `#id = :id`.")
    filter: str | None = Field(
        default=None,
        max_length=4_096,
        description="Filter expression of DynamoDB, applied to the items that were read.",
    )
    condition: str | None = Field(
        default=None, max_length=4_096, description="Condition expression; write only if it holds."
    )
    names: dict[str, str] = Field(default_factory=dict, description="What `#…` stand for.")
    values: dict[str, JsonValue] = Field(
        default_factory=dict, description="Values of the `:…` placeholders; never inserted as text."
    )
    index: str | None = Field(default=None, max_length=255, description="Name of an index of the table.")
    consistent: bool = Field(default=False, description="Whether the read must include the latest writes.")
    descending: bool = Field(default=False, description="Whether to read in descending order.")
    limit: int = Field(default=100, ge=1, le=MAX_PAGE, description="Maximum number of items.")
    cursor: dict[str, JsonValue] | None = Field(default=None, description="`next_cursor` of the previous page.")

    @model_validator(mode="after")
    def _fitting(self) -> DynamodbConfig:
        wanted = {"get": "key", "put": "item", "update": "update", "delete": "key", "query": "key_condition"}
        for name in {wanted[self.operation], *(["key"] if self.operation == "update" else [])}:
            if getattr(self, name) is None:
                raise ValueError(f"`{self.operation}` takes a `{name}`")
        return self


class DynamodbNode(AwsNode):
    """Reads or writes items; values are plain JSON.

    `get` gives `{item}` (or null), `query` gives `{items, next_cursor}`, `update` the item as it is then, `put` and
    `delete` the item as it was. A condition that does not hold is the port `conflict`.
    """

    Config = DynamodbConfig
    title: ClassVar[str] = "DynamoDB"
    icon: ClassVar[str] = "database"
    ports: ClassVar[tuple[str, ...]] = ("main", "conflict")
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"operation": "get", "table": "orders", "key": {"id": "{{ trigger.body.id }}"}},
        {
            "operation": "query",
            "table": "orders",
            "key_condition": "customer = :c",
            "values": {":c": "{{ trigger.body.customer }}"},
        },
    )

    @classmethod
    def ports_of(cls, config: dict[str, Any]) -> tuple[str, ...]:
        """Only a conditional operation has the port `conflict`."""
        return cls.ports if config.get("condition") is not None else ("main",)

    async def execute(self, context: NodeContext) -> NodeResult:
        """Do it.

        Raises:
            NodeError: `config`: a value is none that DynamoDB keeps; and those of AWS calls.
        """
        config = context.config(DynamodbConfig, self.raw_config)
        operation = {"get": "get_item", "put": "put_item", "update": "update_item", "delete": "delete_item"}
        try:
            params = _params(config)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise NodeError(f"config: a value cannot be kept by DynamoDB: {error!r:.200}", code="config") from None
        try:
            answer = await self.call(context, config, "dynamodb", operation.get(config.operation, "query"), params)
        except NodeError as error:
            if error.code != _CONFLICT or config.condition is None:
                raise
            return Completed({"item": None}, "conflict")
        if config.operation == "query":
            last = answer.get("LastEvaluatedKey")
            items = [_plain(one) for one in answer["Items"]]
            return Completed({"items": items, "next_cursor": _plain(last) if last else None})
        found = answer.get("Item") if config.operation == "get" else answer.get("Attributes")
        return Completed({"item": _plain(found) if found else None})


def _params(config: DynamodbConfig) -> dict[str, Any]:
    params: dict[str, Any] = {"TableName": config.table}
    if config.names:
        params["ExpressionAttributeNames"] = config.names
    if config.values:
        params["ExpressionAttributeValues"] = _typed(config.values)
    if config.operation == "query":
        params |= {
            "KeyConditionExpression": config.key_condition,
            "Limit": config.limit,
            "ScanIndexForward": not config.descending,
            "ConsistentRead": config.consistent,
        }
        optional = {"FilterExpression": config.filter, "IndexName": config.index}
        params |= {name: value for name, value in optional.items() if value is not None}
        if config.cursor:
            params["ExclusiveStartKey"] = _typed(config.cursor)
        return params
    if config.operation == "put":
        params |= {"Item": _typed(config.item or {}), "ReturnValues": "ALL_OLD"}
    else:
        params["Key"] = _typed(config.key or {})
    if config.operation == "get":
        return {**params, "ConsistentRead": config.consistent}
    if config.operation == "update":
        params |= {"UpdateExpression": config.update, "ReturnValues": "ALL_NEW"}
    if config.operation == "delete":
        params["ReturnValues"] = "ALL_OLD"
    if config.condition is not None:
        params["ConditionExpression"] = config.condition
    return params


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    from boto3.dynamodb.types import TypeSerializer

    serialize = TypeSerializer().serialize
    return {name: serialize(_exact(value)) for name, value in values.items()}


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: _exact(item) for name, item in value.items()}
    return [_exact(item) for item in value] if isinstance(value, list) else value


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    from boto3.dynamodb.types import TypeDeserializer

    deserialize = TypeDeserializer().deserialize
    return {name: _json(deserialize(value)) for name, value in item.items()}


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, set):
        return sorted((_json(item) for item in value), key=str)
    return base64.b64encode(bytes(value)).decode() if hasattr(value, "value") or isinstance(value, bytes) else value
