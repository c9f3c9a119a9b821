"""Sample `trigger` values of each trigger type, for test runs of workflows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.clock import format_time
from engine.triggers.definition import TriggerDefinition
from engine.triggers.event import EventConfig
from engine.triggers.schedule import ScheduleConfig
from engine.triggers.types import Config
from engine.triggers.webhook import WebhookConfig

_BODIES: dict[str, Any] = {
    "json": {"id": "sample-1", "text": "Hello"},
    "form": {"id": "sample-1", "text": "Hello"},
    "multipart": {"id": "sample-1"},
    "text": "Hello",
    "base64": "SGVsbG8=",
}


def sample(trigger: TriggerDefinition, config: Config, now: datetime) -> dict[str, Any]:
    """Return a sample `trigger`, without its `type`."""
    base: dict[str, Any] = {"trigger_id": trigger.id}
    if isinstance(config, ScheduleConfig):
        due = next(config.after(now), now)
        return {**base, "scheduled_at": format_time(due), "body": config.input}
    if isinstance(config, WebhookConfig):
        return {
            **base,
            "body": _BODIES[config.body],
            "headers": {"content-type": "application/json"} if config.body == "json" else {},
            "query": {},
            "method": config.methods[0],
            "path": "/",
        }
    return {**base, "body": _detail(config, now), "event": _envelope(config, now)}


def _envelope(config: EventConfig, now: datetime) -> dict[str, Any]:
    return {
        "id": "00000000-0000-7000-8000-000000000000",
        "source": _first(config.pattern.get("source"), "sample"),
        "type": _first(config.pattern.get("detail-type"), "sample"),
        "time": format_time(now),
        "account": None,
        "region": None,
        "resources": [],
    }


def _detail(config: EventConfig, now: datetime) -> Any:
    """Return event data with the values that the pattern names literally; platform events have all their fields."""
    named = _filled(config.pattern.get("detail", {}))
    kind = str(_first(config.pattern.get("detail-type"), "execution.succeeded"))
    if _first(config.pattern.get("source"), None) != "mainspring" or not kind.startswith("execution."):
        return named
    return {**_ended(kind.removeprefix("execution."), format_time(now)), **named}


def _ended(status: str, at: str) -> dict[str, Any]:
    """Return the event data of an execution that ended."""
    failure = {"code": "http_status", "message": "the server answered 500", "details": None, "node": "call"}
    return {
        "execution_id": "00000000-0000-7000-8000-000000000001",
        "workflow_id": "00000000-0000-7000-8000-000000000002",
        "workflow_name": "Sample",
        "workflow_version": 1,
        "status": status,
        "trigger_type": "manual",
        "trigger_id": None,
        "created_at": at,
        "started_at": at,
        "completed_at": at,
        "input": {"id": "sample-1"},
        "input_omitted": False,
        "error": None if status == "succeeded" else failure,
        "result": {"id": "sample-1"} if status == "succeeded" else None,
        "result_omitted": False,
    }


def _filled(pattern: Any) -> Any:
    if isinstance(pattern, dict):
        return {name: _filled(value) for name, value in pattern.items() if name != "$or"}
    return _first(pattern, None)


def _first(values: Any, default: Any) -> Any:
    plain = [value for value in values or [] if not isinstance(value, dict)]
    return plain[0] if plain else default
