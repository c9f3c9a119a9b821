"""What the tests spare moto changes no answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError
from moto.core.responses import ActionResult
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoResult

from tests.unit.conftest import aws_in_memory

ITEM: dict[str, Any] = {
    "PK": {"S": "p"},
    "SK": {"S": "1"},
    "workspace_key": {"S": "w"},
    "id": {"S": "é\u2028"},
    "parts": {"M": {"n": {"N": "12345678901234567890.5"}, "b": {"B": b"\x00\xff"}, "l": {"L": [{"NULL": True}]}}},
    "sets": {"L": [{"SS": ["a", "b"]}, {"NS": ["1"]}, {"BS": [b"\x01"]}]},
    "empty": {"L": [{"M": {}}, {"L": []}, {"S": ""}, {"BOOL": False}]},
}
KEY = {"PK": ITEM["PK"], "SK": ITEM["SK"]}
TABLE = {"TableName": "Automation"}
EQUALS = {"KeyConditionExpression": "PK = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}
SET = {"UpdateExpression": "SET #n = :v", "ExpressionAttributeNames": {"#n": "n"}}
VALUE = {"ExpressionAttributeValues": {":v": {"N": "2"}}}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("describe_table", TABLE),
    ("list_tables", {}),
    ("put_item", {**TABLE, "Item": ITEM, "ReturnConsumedCapacity": "INDEXES"}),
    ("get_item", {**TABLE, "Key": KEY, "ReturnConsumedCapacity": "TOTAL"}),
    ("get_item", {**TABLE, "Key": {"PK": {"S": "?"}, "SK": {"S": "?"}}}),
    ("query", {**TABLE, **EQUALS, "ReturnConsumedCapacity": "TOTAL"}),
    ("query", {**TABLE, **EQUALS, "ProjectionExpression": "parts.b, id"}),
    ("query", {**TABLE, **EQUALS, "Select": "COUNT"}),
    ("put_item", {**TABLE, "Item": {**ITEM, "SK": {"S": "2"}}}),
    ("query", {**TABLE, **EQUALS, "Limit": 1}),
    ("scan", {**TABLE, "Limit": 1}),
    ("update_item", {**TABLE, "Key": KEY, **SET, **VALUE, "ReturnValues": "ALL_NEW"}),
    ("update_item", {**TABLE, "Key": KEY, **SET, **VALUE, "ReturnValues": "UPDATED_OLD"}),
    (
        "update_item",
        {**TABLE, "Key": KEY, **SET, **VALUE, "ConditionExpression": "attribute_not_exists(PK)",
         "ReturnValuesOnConditionCheckFailure": "ALL_OLD"},
    ),
    (
        "transact_write_items",
        {"TransactItems": [
            {"Put": {**TABLE, "Item": {**ITEM, "SK": {"S": "3"}}}},
            {"ConditionCheck": {**TABLE, "Key": KEY, "ConditionExpression": "attribute_not_exists(PK)",
                                "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
        ]},
    ),
    ("transact_write_items", {"TransactItems": [{"Put": {**TABLE, "Item": {**ITEM, "SK": {"S": "3"}}}}]}),
    ("transact_write_items", {"TransactItems": [
        {"Update": {**TABLE, "Key": KEY, "UpdateExpression": "SET parts.n = :v REMOVE id", **VALUE}},
        {"Update": {**TABLE, "Key": {**KEY, "SK": {"S": "new"}}, **SET, **VALUE}},
        {"Delete": {**TABLE, "Key": {**KEY, "SK": {"S": "3"}}}},
        {"ConditionCheck": {**TABLE, "Key": KEY, "ConditionExpression": "attribute_not_exists(PK)"}},
    ]}),
    ("query", {**TABLE, **EQUALS}),
    ("transact_write_items", {"TransactItems": [
        {"Update": {**TABLE, "Key": KEY, "UpdateExpression": "SET parts.n = :v REMOVE id", **VALUE}},
        {"Update": {**TABLE, "Key": {**KEY, "SK": {"S": "new"}}, **SET, **VALUE}},
        {"Delete": {**TABLE, "Key": {**KEY, "SK": {"S": "3"}}}},
    ]}),
    ("query", {**TABLE, **EQUALS}),
    ("transact_get_items", {"TransactItems": [{"Get": {**TABLE, "Key": KEY}}]}),
    ("batch_get_item", {"RequestItems": {"Automation": {"Keys": [KEY]}}}),
    ("batch_write_item", {"RequestItems": {"Automation": [{"DeleteRequest": {"Key": KEY}}]}}),
    ("delete_item", {**TABLE, "Key": {**KEY, "SK": {"S": "2"}}, "ReturnValues": "ALL_OLD"}),
    ("delete_item", {**TABLE, "Key": KEY}),
]  # fmt: skip


def answers() -> Iterator[Any]:
    with aws_in_memory() as aws:
        for name, arguments in CALLS:
            try:
                answer = getattr(aws.dynamodb, name)(**arguments)
            except ClientError as error:
                answer = error.response
            headers = answer.pop("ResponseMetadata")["HTTPHeaders"]
            yield name, answer, headers.get("content-type")


def test_answers_of_dynamodb_are_those_that_moto_gives(monkeypatch: pytest.MonkeyPatch):
    lean = list(answers())
    monkeypatch.setattr(DynamoResult, "execute_result", ActionResult.execute_result)
    monkeypatch.setattr(Endpoint, "make_request", Endpoint.make_request.__wrapped__)
    monkeypatch.delattr(Table, "__deepcopy__")
    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", DynamoDBBackend.transact_write_items.__wrapped__)
    plain = list(answers())
    for table in (lean[0][1]["Table"], plain[0][1]["Table"]):
        del table["CreationDateTime"]

    assert lean == plain
    assert any("Error" in answer for _, answer, _ in lean)
    assert [answer["Item"] for name, answer, _ in lean if name == "get_item" and "Item" in answer] == [ITEM]
