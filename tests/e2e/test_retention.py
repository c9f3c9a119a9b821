"""On the local stack, with IAM on: what is known of an execution goes when its time is over."""

from __future__ import annotations

from random import Random
from typing import Any

from infrastructure.local.stack import LocalStack
from tests.e2e.aws import call, client_of, output_of
from tests.e2e.conftest import Caller

LARGE = Random(21).randbytes(6_000).hex()
BODY = {"nodes": [{"id": "x", "type": "transform", "config": {"value": f"{{{{ item }}}} {LARGE}"}}], "output": "y"}
BIG = {
    "nodes": [{"id": "each", "type": "for_each", "config": {"items": "{{ [1..210] }}"}, "body": BODY}],
    "output": "done",
}


def partitions(stack: LocalStack, execution_id: str) -> list[tuple[str, str]]:
    """The keys of an execution, of its parts and of their logs."""
    table, found = output_of(stack, "AutomationTable"), []
    for page in client_of(stack, "dynamodb").get_paginator("scan").paginate(TableName=table):
        found += [(one["PK"]["S"], one["SK"]["S"]) for one in page["Items"]]
    return [key for key in found if key[0].startswith(f"EXECUTION#{execution_id}")]


def objects(stack: LocalStack, execution_id: str) -> list[str]:
    s3 = client_of(stack, "s3")
    bucket = next(one["Name"] for one in s3.list_buckets()["Buckets"] if "payloads" in one["Name"])
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"payloads/{execution_id}")
    return [one["Key"] for one in found.get("Contents", [])]


def is_over(stack: LocalStack, execution_id: str) -> None:
    """Let its time be over: on AWS that is a matter of waiting, and the record says until when."""
    client_of(stack, "dynamodb").update_item(
        TableName=output_of(stack, "AutomationTable"),
        Key={"PK": {"S": f"EXECUTION#{execution_id}"}, "SK": {"S": "META"}},
        UpdateExpression="SET next_check_at = :past",
        ConditionExpression="begins_with(check_shard, :purge)",
        ExpressionAttributeValues={":past": {"S": "2026-01-01T00:00:00.000Z"}, ":purge": {"S": "PURGE#"}},
    )


def test_expired_execution_is_purged_with_batches_logs_and_payloads(stack: LocalStack, admin: Caller):
    workflow = admin.workflow(BIG)["id"]
    run, other = (admin.wait(admin.start(workflow, LARGE)["id"])["id"] for _ in range(2))
    there = partitions(stack, run)
    assert any("~" in key for key, _ in there)
    assert any("#LOG#" in key for key, _ in there)
    assert any("~" in key for key in objects(stack, run))
    lines = _log(admin, run)
    assert sum(line["message"] == "succeeded" and str(line["node_id"]).endswith(".x") for line in lines) == 210

    is_over(stack, run)
    done = call(stack, "Retention", {"purge": {}})

    assert done.keys() == {"purged"}  # with what other tests have left behind
    assert partitions(stack, run) == []
    assert objects(stack, run) == []
    assert admin.request("GET", f"/api/executions/{run}").status_code == 404
    assert run not in [one["id"] for one in admin.ok("GET", "/api/executions")["items"]]
    assert admin.ok("GET", f"/api/executions/{other}")["status"] == "succeeded"


def _log(admin: Caller, execution_id: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {"limit": 100, **({"after": cursor} if cursor else {})}
        page = admin.ok("GET", f"/api/executions/{execution_id}/logs", params=params)
        lines += page["items"]
        if page["next_cursor"] is None:
            return lines
        cursor = page["next_cursor"]
