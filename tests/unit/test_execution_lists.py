"""Lists of executions say why one has failed, without reading more than the list."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import limits
from engine.history.model import Execution, Status
from engine.ids import new_id
from tests.unit.conftest import NOW, Aws
from tests.unit.invoked import WORKSPACE, event, invoke


def ended(aws: Aws, error: dict[str, Any] | None, status: Status = Status.FAILED) -> str:
    made = Execution(new_id(), WORKSPACE, new_id(), 1, "manual", None, {"type": "manual", "body": None}, NOW)
    aws.executions.create(made, None, "")
    aws.executions.finish(made.id, status, NOW, error=error)
    return made.id


def listed(aws: Aws, monkeypatch: pytest.MonkeyPatch, request: dict[str, Any]) -> dict[str, Any]:
    """What a list says of each error, by execution; nothing may be fetched from S3 for it."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a list reads no payloads")

    monkeypatch.setattr("engine.storage.payloads.PayloadStore.read", refuse)
    answer = invoke("executions", request)
    assert answer["statusCode"] == 200, answer["body"]
    return {one["id"]: one["error"] for one in json.loads(answer["body"])["items"]}


def test_a_list_says_why_each_has_failed(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    brief = {"code": "http_status", "message": "it answered 500", "node": "pay"}
    short = ended(seeded, {**brief, "details": {"status": 500}})
    compressed = ended(seeded, {**brief, "details": "x" * 4_000})
    large = ended(seeded, {**brief, "details": [new_id() for _ in range(2_000)]})
    wordy = ended(seeded, {"code": "c", "message": "m" * 4_000, "details": None, "node": None})
    stopped = ended(seeded, {"code": "cancelled", "message": "by Ada", "details": None, "node": None}, Status.CANCELLED)
    fine = ended(seeded, None, Status.SUCCEEDED)

    request = {**event("api/executions_list"), "rawQueryString": "", "queryStringParameters": {}}
    found = listed(seeded, monkeypatch, request)

    assert found[short] == found[compressed] == found[large] == brief
    assert found[stopped] == {"code": "cancelled", "message": "by Ada", "node": None}
    assert found[fine] is None
    assert found[wordy]["message"] == "m" * (limits.MAX_BRIEF_ERROR - 1) + "…"


def test_an_error_that_fits_into_the_record_is_not_written_twice(aws: Aws):
    small = ended(aws, {"code": "c", "message": "m", "details": None, "node": None})
    large = ended(aws, {"code": "c", "message": "m", "details": [new_id() for _ in range(2_000)], "node": None})
    records = aws.executions.attributes([small, large])
    assert "brief_error" not in records[small]
    assert records[large]["brief_error"] == {"code": "c", "message": "m", "node": None}
