"""Every private route refuses query parameters that it does not know, and says which it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.conftest import Aws
from tests.unit.invoked import API, event, invoke

PRIVATE = [name for name in API if event(f"api/{name}")["requestContext"].get("authorizer")]


def asked(name: str, **query: str) -> dict[str, Any]:
    payload = event(f"api/{name}")
    payload["queryStringParameters"] = {**(payload.get("queryStringParameters") or {}), **query}
    return payload


@pytest.mark.parametrize("name", PRIVATE)
def test_an_unknown_query_parameter_is_named(seeded: Aws, name: str):
    answer = invoke(API[name][0], asked(name, trigger_typo="webhook"))

    assert answer["statusCode"] == 400, answer["body"]
    error = json.loads(answer["body"])["error"]
    assert error["code"] == "unknown_parameter"
    assert error["details"][0]["path"] == "trigger_typo"


def test_error_for_an_unknown_query_parameter_lists_the_known_ones(seeded: Aws):
    answer = invoke("executions", asked("executions_list", workflow="x"))

    assert "`status`" in json.loads(answer["body"])["error"]["details"][0]["message"]


def test_public_routes_accept_unknown_query_parameters(seeded: Aws):
    assert invoke("webhooks", asked("webhooks_deliver", utm_source="x"))["statusCode"] == 404
    assert invoke("platform", asked("platform_health", probe="1"))["statusCode"] == 200
