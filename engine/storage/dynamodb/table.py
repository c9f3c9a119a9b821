"""One DynamoDB table: the few operations that repositories need."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from engine.errors import InvalidInput, Unavailable
from engine.ids import is_id
from engine.storage.dynamodb.expressions import (
    Item,
    decode,
    encode,
    item_key,
    key_condition,
    projection,
    update_arguments,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_BATCH = 100
_WRITE_BATCH = 25
_BATCH_TRIES = 8
_LONGEST_PAUSE = 2.0
_TRANSACTION_TRIES = 6
_random = Random()  # noqa: S311 - spreads those who try again


class ConditionFailed(Exception):
    """The condition of a write does not hold. `item` is the stored item, None if there is none."""

    def __init__(self, item: Item | None, index: int = 0) -> None:
        super().__init__("the condition of a write does not hold")
        self.item = item
        self.index = index


@dataclass(frozen=True)
class Put:
    """One put of a transaction; `if_absent` makes it conditional on the key being free.

    An item whose `expires_at` is not after `now` counts as absent: DynamoDB may take days to remove it.
    """

    item: Item
    if_absent: bool = True
    now: int | None = None


@dataclass(frozen=True)
class Page:
    """A page of a list, and the cursor of the rest: None at the end."""

    items: list[Any]
    next_cursor: str | None


class Table:
    """A table whose key is `PK` and `SK`."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self.client = client
        self.name = name

    def get(self, pk: str, sk: str, attributes: Sequence[str] = ()) -> Item | None:
        """Return the item at a key, read consistently: all of it, or some attributes."""
        only = projection(attributes) if attributes else {}
        answer = self.client.get_item(TableName=self.name, Key=item_key(pk, sk), ConsistentRead=True, **only)
        return decode(answer["Item"]) if "Item" in answer else None

    def get_many(
        self, keys: Sequence[tuple[str, str]], attributes: Sequence[str] = (), *, consistent: bool = True
    ) -> dict[tuple[str, str], Item]:
        """Return the existing ones of these items, by key: all of each, or its key and some attributes.

        Raises:
            Unavailable: DynamoDB repeatedly left keys unprocessed.
        """
        only = projection(["PK", "SK", *attributes]) if attributes else {}
        found: dict[tuple[str, str], Item] = {}
        for start in range(0, len(keys), _BATCH):
            wanted: list[Any] = [item_key(pk, sk) for pk, sk in keys[start : start + _BATCH]]
            for attempt in range(_BATCH_TRIES):
                request: Any = {self.name: {"Keys": wanted, "ConsistentRead": consistent, **only}}
                answer = self.client.batch_get_item(RequestItems=request)
                for raw in answer["Responses"].get(self.name, []):
                    item = decode(raw)
                    found[item["PK"], item["SK"]] = item
                unprocessed: dict[str, Any] = dict(answer.get("UnprocessedKeys") or {})
                wanted = unprocessed.get(self.name, {}).get("Keys", [])
                if not wanted:
                    break
                back_off(attempt)
            else:
                raise Unavailable("the database is overloaded; try again")
        return found

    def delete_many(self, keys: Sequence[tuple[str, str]]) -> None:
        """Remove items, whether they exist or not.

        Raises:
            Unavailable: DynamoDB repeatedly left some unprocessed; a repeated call continues with the rest.
        """
        for start in range(0, len(keys), _WRITE_BATCH):
            wanted: list[Any] = [
                {"DeleteRequest": {"Key": item_key(pk, sk)}} for pk, sk in keys[start : start + _WRITE_BATCH]
            ]
            for attempt in range(_BATCH_TRIES):
                answer = self.client.batch_write_item(RequestItems={self.name: wanted})
                unprocessed: dict[str, Any] = dict(answer.get("UnprocessedItems") or {})
                wanted = unprocessed.get(self.name, [])
                if not wanted:
                    break
                back_off(attempt)
            else:
                raise Unavailable("the database is overloaded; try again")

    def put(self, item: Item, *, if_absent: bool = False) -> None:
        """Write an item.

        Raises:
            ConditionFailed: `if_absent` is set and the key is taken; contains the stored item.
        """
        arguments: dict[str, Any] = {}
        if if_absent:
            arguments["ConditionExpression"] = "attribute_not_exists(PK)"
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        _written(lambda: self.client.put_item(TableName=self.name, Item=encode(item), **arguments))

    def update(
        self,
        pk: str,
        sk: str,
        changes: Mapping[str, Any],
        *,
        remove: Sequence[str] = (),
        add: Mapping[str, Any] | None = None,
        condition: str = "attribute_exists(PK)",
        values: Mapping[str, Any] | None = None,
        copies: Mapping[str, str] = MappingProxyType({}),
    ) -> Item:
        """Set, remove and increment attributes where `condition` holds; return the updated item.

        Each of `copies` gets the value that another attribute has.

        In the condition, `#name` stands for the attribute `name` and `:name` for `values[name]`.

        Raises:
            ConditionFailed: the condition does not hold; contains the stored item.
        """
        return self._update(pk, sk, update_arguments(changes, remove, condition, values or {}, add or {}, copies))

    def _update(self, pk: str, sk: str, arguments: dict[str, Any]) -> Item:
        answer = _written(
            lambda: self.client.update_item(
                TableName=self.name,
                Key=item_key(pk, sk),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **arguments,
            )
        )
        return decode(answer["Attributes"])

    def delete(self, pk: str, sk: str) -> None:
        """Remove an item, if it exists."""
        _written(lambda: self.client.delete_item(TableName=self.name, Key=item_key(pk, sk)))

    def delete_where(self, pk: str, sk: str, condition: str, values: Mapping[str, Any]) -> bool:
        """Remove an item if `condition` holds (see `update`); return whether it did."""
        arguments = {name: value for name, value in update_arguments({}, (), condition, values).items() if value}
        try:
            _written(lambda: self.client.delete_item(TableName=self.name, Key=item_key(pk, sk), **arguments))
        except ConditionFailed:
            return False
        return True

    def transact(self, writes: Sequence[Put | dict[str, Any]]) -> None:
        """Execute all of the writes or none: puts, or ready entries of TransactWriteItems.

        It is retried while other transactions use the same items; by then one of the two has succeeded.

        Raises:
            ConditionFailed: a condition does not hold; `index` is its entry, `item` the stored item.
            Unavailable: other transactions kept using the same items.
        """
        entries = [self._entry(write) for write in writes]
        for attempt in range(_TRANSACTION_TRIES):
            try:
                self.client.transact_write_items(TransactItems=entries)
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                _raise_condition(error)
                time.sleep(_random.uniform(0.01, 0.05) * 2**attempt)
            else:
                return
        raise Unavailable("other changes of the same thing are under way; try again")

    def query(  # noqa: PLR0913 - the parts of a Query
        self,
        pk: str,
        *,
        pk_name: str = "PK",
        sk_name: str = "SK",
        index: str | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        descending: bool = False,
        attributes: Sequence[str] = (),
    ) -> Iterator[Item]:
        """Return the items of a partition in the order of the sort key, from `after` to `before`, both included."""
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "ScanIndexForward": not descending,
            **key_condition(pk, pk_name, sk_name, after, before),
            **({"IndexName": index} if index else {"ConsistentRead": True}),
        }
        if attributes:
            only = projection(attributes)
            arguments["ExpressionAttributeNames"] |= only.pop("ExpressionAttributeNames")
            arguments |= only
        left = limit
        while True:
            if left is not None:
                arguments["Limit"] = left
            answer = self.client.query(**arguments)
            for raw in answer["Items"]:
                yield decode(raw)
            if left is not None:
                left -= len(answer["Items"])
            if "LastEvaluatedKey" not in answer or (left is not None and left <= 0):
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def page_by_id(
        self,
        pk: str,
        *,
        index: str,
        pk_name: str,
        item_key: Callable[[str], tuple[str, str]],
        cursor: str | None,
        limit: int,
        descending: bool,
    ) -> tuple[list[Item], str | None]:
        """Return the items of a list that an index of ids keeps, after the cursor, and the next cursor.

        Raises:
            InvalidInput: the cursor is not valid.
        """
        last = id_cursor(cursor)
        keys = self.query(
            pk,
            index=index,
            pk_name=pk_name,
            sk_name="id",
            after=None if descending else last,
            before=last if descending else None,
            limit=limit + 2,  # the last one again, and one more to know whether there is more
            descending=descending,
        )
        ids = [key["id"] for key in keys if key["id"] != last]
        wanted = [item_key(one) for one in ids[:limit]]
        found = self.get_many(wanted)
        return [found[key] for key in wanted if key in found], ids[limit - 1] if len(ids) > limit else None

    def _entry(self, write: Put | dict[str, Any]) -> Any:
        if isinstance(write, Put):
            entry: dict[str, Any] = {"TableName": self.name, "Item": encode(write.item)}
            if write.if_absent:
                entry["ConditionExpression"] = "attribute_not_exists(PK)"
                entry["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            if write.now is not None:
                entry["ConditionExpression"] += " OR expires_at <= :now"
                entry["ExpressionAttributeValues"] = encode({":now": write.now})
            return {"Put": entry}
        return write

    def delete_entry(self, pk: str, sk: str, *, must_exist: bool = True) -> dict[str, Any]:
        """Return a transaction entry that removes an item, which must exist unless that does not matter."""
        if not must_exist:
            return {"Delete": {"TableName": self.name, "Key": item_key(pk, sk)}}
        return {
            "Delete": {
                "TableName": self.name,
                "Key": item_key(pk, sk),
                "ConditionExpression": "attribute_exists(PK)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def delete_entry_where(self, pk: str, sk: str, condition: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a transaction entry that removes an item if `condition` holds (see `update`)."""
        arguments = {name: value for name, value in update_arguments({}, (), condition, values).items() if value}
        return {
            "Delete": {
                "TableName": self.name,
                "Key": item_key(pk, sk),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                **arguments,
            }
        }

    def check_entry(self, pk: str, sk: str, condition: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a transaction entry that only checks that a condition holds (see `update`)."""
        arguments = {name: value for name, value in update_arguments({}, (), condition, values).items() if value}
        return {"ConditionCheck": {"TableName": self.name, "Key": item_key(pk, sk), **arguments}}

    def update_entry(self, pk: str, sk: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return an update as a transaction entry."""
        return {
            "Update": {
                "TableName": self.name,
                "Key": item_key(pk, sk),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                **arguments,
            }
        }


def id_cursor(cursor: str | None) -> str | None:
    """Return the checked cursor of a list by id.

    Raises:
        InvalidInput: the cursor is not valid.
    """
    if cursor is not None and not is_id(cursor):
        raise InvalidInput.at("cursor", "not a cursor of this list")
    return cursor


def is_live(item: Item, now: datetime) -> bool:
    """Return whether an item is not expired: DynamoDB may take days to remove expired items."""
    return "expires_at" not in item or bool(item["expires_at"] > now.timestamp())


def back_off(attempt: int) -> None:
    """Wait before DynamoDB is asked again for unprocessed items: longer each time, with jitter."""
    time.sleep(_random.uniform(0, min(_LONGEST_PAUSE, 0.05 * 2**attempt)))


def _raise_condition(error: ClientError) -> None:
    """Raise ConditionFailed if a condition is why a transaction was cancelled."""
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    for index, reason in enumerate(reasons):
        if reason.get("Code") == "ConditionalCheckFailed":
            old = reason.get("Item")
            raise ConditionFailed(decode(old) if old else None, index) from None


def _written(write: Callable[[], Any]) -> Any:
    """Write one item, and retry while a transaction uses it.

    Raises:
        ConditionFailed: its condition does not hold.
        Unavailable: transactions kept using it.
    """
    for attempt in range(_TRANSACTION_TRIES):
        try:
            return write()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ConditionalCheckFailedException":
                old: Any = error.response.get("Item")
                raise ConditionFailed(decode(old) if old else None) from None
            if code != "TransactionConflictException":
                raise
            time.sleep(_random.uniform(0.01, 0.05) * 2**attempt)
    raise Unavailable("other changes of the same thing are under way; try again")
