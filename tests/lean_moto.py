"""Spares moto and the AWS SDK what they do anew for each call and each client, though it comes to the same.

Of the processor time of tests with moto that was two thirds. `unit/test_lean_moto.py` compares the answers.
"""

from __future__ import annotations

import base64
import copy
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, wraps
from typing import Any

import boto3
import botocore.session
from botocore import endpoint_provider
from botocore.client import ClientCreator
from botocore.endpoint import Endpoint
from botocore.endpoint_provider import RuleSet
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from moto.core import DEFAULT_ACCOUNT_ID, models, responses
from moto.core.models import botocore_stubber
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import bytesize
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler, DynamoResult

_MOST_BYTES = 405_000
"""What moto takes as the bound on an item."""


def install() -> None:
    """For all clients that are made from now on."""
    responses.method_names_from_class = cache(responses.method_names_from_class)
    DynamoResult.execute_result = _as_it_is
    Table.all_items = _all_items
    Table.query = _query(Table.query)
    Endpoint.make_request = _answer_at_once(Endpoint.make_request)
    Table.__deepcopy__ = _copy_of
    UpdateExpressionParser.make = staticmethod(cache(UpdateExpressionParser.make))  # what works on it, copies it first
    DynamoDBBackend.transact_write_items = _transact(DynamoDBBackend.transact_write_items)
    Item.__init__ = _make_item
    loader = Loader()  # each session would read the SDK's models from disk again: megabytes of JSON
    botocore.session.create_loader = lambda _: loader
    boto3.setup_default_session = _share_default_session
    ClientCreator._load_service_model = _one_of_each_service(ClientCreator._load_service_model)
    ClientCreator._create_client_class = _one_class_of_each(ClientCreator._create_client_class)
    endpoint_provider.RuleSet = _share_rules
    models.CallbackResponse = cache(models.CallbackResponse)


_sessions: dict[tuple[Any, ...], boto3.Session] = {}
_rules: dict[int, RuleSet] = {}


def _share_default_session(**options: Any) -> None:
    """A session for each set of credentials and settings in the environment: moto forgets the default one each time."""
    settings = (*options.items(), *sorted(one for one in os.environ.items() if one[0].startswith("AWS_")))
    if settings not in _sessions:
        _sessions[settings] = boto3.Session(**options)
    boto3.DEFAULT_SESSION = _sessions[settings]


def _one_of_each_service(load: Callable[..., ServiceModel]) -> Callable[..., ServiceModel]:
    """What clients of a service know of it, which nobody changes."""
    known: dict[tuple[Any, ...], ServiceModel] = {}

    @wraps(load)
    def load_service_model(creator: ClientCreator, *which: Any, **named: Any) -> ServiceModel:
        key = (*which, *named.values())
        if key not in known:
            known[key] = load(creator, *which, **named)
        return known[key]

    return load_service_model


def _one_class_of_each(create: Callable[..., type]) -> Callable[..., type]:
    """The class of a service's clients; sessions of boto3 give it methods that others do not."""
    known: dict[tuple[int, bool], type] = {}

    @wraps(create)
    def create_client_class(creator: ClientCreator, name: str, model: ServiceModel) -> type:
        key = id(model), "Boto3/" in creator._user_agent
        if key not in known:
            known[key] = create(creator, name, model)
        return known[key]

    return create_client_class


def _share_rules(*, rules: list[Any], **others: Any) -> RuleSet:
    """The rules of a service's addresses; those that are read from disk stay where they are, with the one loader."""
    if id(rules) not in _rules:
        _rules[id(rules)] = RuleSet(rules=rules, **others)
    return _rules[id(rules)]


_ITEM_OPERATIONS = {
    name: camelcase_to_underscores(name)
    for name in (
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    )
}


class _Items(DynamoHandler):
    """What moto answers calls on items with, in an account that no request has to be read for."""

    current_account = DEFAULT_ACCOUNT_ID


def _answer_at_once(send: Callable[..., Any]) -> Callable[..., Any]:
    """Calls on items get moto's answer without a request that is signed, sent, routed and parsed twice.

    They are validated and told to those who listen as ever. What moto refuses goes the long way, for its error's sake.
    """

    @wraps(send)
    def make_request(endpoint: Endpoint, operation_model: OperationModel, request_dict: dict[str, Any]) -> Any:
        method = _ITEM_OPERATIONS.get(operation_model.name) if endpoint._endpoint_prefix == "dynamodb" else None
        if method is None or not botocore_stubber.enabled:
            return send(endpoint, operation_model, request_dict)
        handler = _Items()
        handler.region = endpoint.host.split(".")[1]
        handler.headers = request_dict["headers"]
        handler.body = handler.params = json.loads(request_dict["body"], object_hook=_with_bytes)
        try:
            result = getattr(handler, method)().result
        except Exception:  # noqa: BLE001 - whatever it is comes again
            return send(endpoint, operation_model, request_dict)
        metadata = {"HTTPStatusCode": 200, "HTTPHeaders": _HEADERS, "RequestId": "1", "RetryAttempts": 0}
        known = {name: result[name] for name in operation_model.output_shape.members if result.get(name) is not None}
        return _Answered(200), {**known, "ResponseMetadata": metadata}

    return make_request


_HEADERS = {"content-type": "application/x-amz-json-1.0"}


def _with_bytes(found: dict[str, Any]) -> dict[str, Any]:
    """A value of the request whose bytes are no text any more."""
    match found:
        case {"B": str(text)}:
            return {"B": base64.b64decode(text)}
        case {"BS": [str(), *_] as texts}:
            return {"BS": [base64.b64decode(text) for text in texts]}
    return found


@dataclass(frozen=True)
class _Answered:
    """What the SDK looks at of an HTTP response."""

    status_code: int


def _as_it_is(result: DynamoResult, _: Any) -> tuple[int, dict[str, str], str]:
    """An answer of DynamoDB, which has the names of the protocol already: moto would look for each of all it may have.

    What is refused does not come here.
    """
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(result.result, default=_in_json)


def _all_items(table: Table) -> list[Item]:
    """The items of a table in order; moto would read their keys anew for each comparison of two."""
    items = [item for partition in table.items.values() for item in partition.values()]
    return sorted(items, key=lambda item: (item.hash_key.cast_value, item.range_key.cast_value))


def _query(query: Callable[..., Any]) -> Callable[..., Any]:
    """Queries of what one partition has, in a table or an index; moto would put all that a table has in order first."""

    @wraps(query)
    def query_partition(table: Table, hash_key: DynamoType | None, *more: Any, **named: Any) -> Any:
        if table.range_key_attr is None:
            return query(table, hash_key, *more, **named)
        index_name = more[_INDEX_NAME]
        conditions = named.get("hash_key_conditions")
        if index_name and conditions:
            every = (item for partition in table.items.values() for item in partition.values())
            found = [item for item in every if all(_has(item, name, value) for name, value in conditions)]
        elif index_name:
            found = table.all_items()
        else:
            found = list(table.items[hash_key].values()) if hash_key in table.items else []
        seen: Table = object.__new__(type(table))
        seen.__dict__.update(table.__dict__, all_items=lambda: found)
        return query(seen, hash_key, *more, **named)

    return query_partition


_INDEX_NAME = 6
"""Its place among the arguments of a query, behind the key."""


def _has(item: Item, name: str, value: DynamoType) -> bool:
    return name in item.attrs and item.attrs[name] == value


def _copy_of(table: Table, _: object) -> Table:
    """What a transaction goes back to: another table of the same items. moto would copy each item of each table."""
    copied: Table = object.__new__(type(table))
    copied.__dict__.update(table.__dict__)
    copied.items = copy.copy(table.items)
    for key, partition in table.items.items():
        copied.items[key] = copy.copy(partition)
    if table.stream_shard is not None:
        copied.stream_shard = copy.copy(table.stream_shard)
        copied.stream_shard.table = copied
        copied.stream_shard.items = list(table.stream_shard.items)
    return copied


def _transact(transact: Callable[[DynamoDBBackend, list[dict[str, Any]]], None]) -> Callable[..., None]:
    """Transactions whose updates change copies of the items, since tables that are gone back to hold the items."""

    @wraps(transact)
    def transact_write_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        before = []
        for update in [one["Update"] for one in transact_items if "Update" in one]:
            found = backend.get_item(update["TableName"], update["Key"])
            if found is not None:
                before.append((update["TableName"], found))
                _put(backend.tables[update["TableName"]], copy.deepcopy(found))
        try:
            transact(backend, transact_items)
        except Exception:
            for name, item in before:
                _put(backend.tables[name], item)
            raise

    return transact_write_items


def _put(table: Table, item: Item) -> None:
    """Put an item into its place, and tell no stream of it."""
    if item.range_key is None:
        table.items[item.hash_key] = item
    else:
        table.items[item.hash_key][item.range_key] = item


def _make_item(item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """An item, whose size is looked at once: moto would add it up again for each attribute."""
    item.hash_key, item.range_key, item.attrs = hash_key, range_key, LimitedSizeDict()
    found = {key: DynamoType(value) for key, value in attrs.items()}
    if sum(bytesize(key) + value.size() for key, value in found.items()) > _MOST_BYTES:
        raise ItemSizeTooLarge
    dict.update(item.attrs, found)


def _in_json(value: object) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(type(value))
