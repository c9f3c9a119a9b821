"""What tests of Lambda functions share: sample events, and invoking a handler as Lambda does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

EVENTS = Path(__file__).parent.parent.parent / "events"


USER, SESSION, WORKSPACE, WORKFLOW, EXECUTION = (f"01920000-0000-7000-8000-00000000000{n}" for n in range(1, 6))


AT = "2026-05-01T09:00:00.000Z"


TRIGGERS = [
    {"id": "daily", "type": "schedule", "config": {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}},
    {"id": "hook", "type": "webhook", "config": {"auth": {"type": "github"}}},
    {"id": "shop", "type": "event", "config": {"pattern": {"source": ["shop"]}}},
    {"id": "uploads", "type": "event", "config": {"bus": "account", "pattern": {"source": ["aws.s3"]}}},
]


API = {
    "auth_register": ("auth", 403),  # Ada is here already
    "auth_login": ("auth", 401),  # with another password
    "profile_change": ("auth", 200),
    "users_list": ("users", 200),
    "workflows_create": ("workflows", 201),
    "workflows_list": ("workflows", 200),
    "workflows_validate": ("workflows", 200),
    "workflows_patch": ("workflows", 200),
    "drafts_save": ("workflows", 200),
    "versions_list": ("workflows", 200),
    "versions_publish": ("workflows", 200),
    "executions_start": ("executions", 202),
    "executions_get": ("executions", 200),
    "executions_list": ("executions", 200),
    "executions_retry": ("executions", 409),  # it has not ended
    "executions_signal": ("executions", 404),  # it has no such node
    "executions_test_run": ("executions", 202),
    "executions_node": ("executions", 200),
    "executions_definition": ("executions", 200),
    "executions_samples": ("executions", 200),
    "executions_preview": ("executions", 200),
    "approvals_list": ("executions", 200),
    "approvals_count": ("executions", 200),
    "stats_by_day": ("executions", 200),
    "callbacks_call": ("executions", 404),  # no URL of ours
    "triggers_list": ("triggers", 200),
    "triggers_get": ("triggers", 200),
    "triggers_schedule": ("triggers", 200),
    "triggers_types": ("triggers", 200),
    "schedules_preview": ("triggers", 200),
    "triggers_backfill": ("triggers", 202),
    "triggers_sample": ("triggers", 200),
    "triggers_test": ("triggers", 202),
    "triggers_rotate": ("triggers", 200),
    "triggers_secret": ("triggers", 204),
    "events_send": ("events", 202),
    "subscriptions_create": ("events", 201),
    "subscriptions_list": ("events", 200),
    "files_list": ("data", 200),
    "files_upload": ("data", 200),
    "tables_list": ("data", 200),
    "tables_row": ("data", 200),
    "tables_csv": ("data", 200),
    "integrations_create": ("integrations", 201),
    "integrations_list": ("integrations", 200),
    "integrations_types": ("integrations", 200),
    "webhooks_deliver": ("webhooks", 404),  # no address of ours
    "answers_get": ("webhooks", 404),
    "platform_health": ("platform", 200),
    "platform_node_types": ("platform", 200),
}


def event(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def invoke(function: str, payload: dict[str, Any]) -> Any:
    handler = import_module(f"functions.{function}.handler").handler
    context = SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: 300_000)
    return handler(payload, context)


HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$0000000000000000000000000000000000000000000"


def route_key(function: str, method: str, path: str) -> str:
    """API Gateway's key of the route that a path belongs to."""
    app = import_module(f"functions.{function}.handler").app
    for route in (*app._static_routes, *app._dynamic_routes):
        if route.method == method and re.fullmatch(re.sub(r"<\w+>", "[^/]+", route.path), path):
            return f"{method} {route.openapi_path}"
    return "$default"


def called(
    function: str,
    method: str,
    path: str,
    who: Mapping[str, str] | None,
    body: Any = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Status and JSON of what a function answers to a call of the API; `who` is what the authorizer has found."""
    answer = answered(function, method, path, who, body, query, headers)
    is_json = answer["body"] and answer["headers"]["content-type"] == "application/json"
    return answer["statusCode"], json.loads(answer["body"]) if is_json else answer["body"]


def answered(
    function: str,
    method: str,
    path: str,
    who: Mapping[str, str] | None,
    body: Any = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """What a function answers to a call of the API, as API Gateway gets it."""
    context: dict[str, Any] = {"http": {"method": method, "path": path, "sourceIp": "1.2.3.4"}, "stage": "$default"}
    request = {
        "version": "2.0", "routeKey": route_key(function, method, path), "rawPath": path, "rawQueryString": "",
        "queryStringParameters": dict(query or {}),
        "headers": {"content-type": "application/json", **(headers or {})}, "isBase64Encoded": False,
        "requestContext": {**context, **({"authorizer": {"lambda": dict(who)}} if who else {})},
        "body": None if body is None else json.dumps(body),
    }  # fmt: skip
    return invoke(function, request)
