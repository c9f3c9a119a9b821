"""Descriptions of the trigger types for forms and programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.field_titles import with_titles
from engine.triggers.definition import TriggerDefinition
from engine.triggers.samples import sample
from engine.triggers.types import TRIGGER_TYPES


@dataclass(frozen=True, slots=True)
class _About:
    title: str
    icon: str
    examples: tuple[dict[str, Any], ...]
    output: dict[str, str]


_ADVANCED: dict[str, Any] = {"advanced": True}
_HINTS: dict[str, dict[str, dict[str, Any]]] = {
    "schedule": {
        "cron": {"widget": "cron"},
        "timezone": {"widget": "timezone"},
        "start": _ADVANCED,
        "end": _ADVANCED,
        "flexible_minutes": _ADVANCED,
        "overlap": _ADVANCED,
        "input": {"widget": "json"},
    },
    "webhook": {
        "delivery_id_header": _ADVANCED,
        "answer_seconds": {"widget": "duration", "when": {"answer": ["result", "respond"]}, **_ADVANCED},
        "rate_per_minute": _ADVANCED,
        "cors_origins": _ADVANCED,
        "subpaths": _ADVANCED,
        "expected_every_seconds": {"widget": "duration", **_ADVANCED},
    },
    "event": {
        "pattern": {"widget": "json"},
        "bus": _ADVANCED,
        "expected_every_seconds": {"widget": "duration", **_ADVANCED},
    },
}
"""What forms need to know of fields beyond the schema: see `engine.nodes.form_hints`. No field takes templates."""
_BODY = "What the workflow is given."
_ABOUT = {
    "schedule": _About(
        "Schedule",
        "calendar-clock",
        ({"cron": "30 9 * * 1-5", "timezone": "Europe/Berlin"}, {"every": "15 minutes"}),
        {"body": "The `input` of the schedule.", "scheduled_at": "The time that it stands for."},
    ),
    "webhook": _About(
        "Webhook",
        "webhook",
        ({}, {"auth": {"type": "github"}}, {"methods": ["GET", "POST"], "answer": "result"}),
        {
            "body": _BODY,
            "headers": "The headers of the call, by lower-case name.",
            "query": "The query parameters.",
            "method": "The method of the call.",
            "path": "What was called below the address, with `subpaths`.",
        },
    ),
    "event": _About(
        "Event",
        "radio",
        (
            {"pattern": {"source": ["shop"], "detail-type": ["order.created"]}},
            {"pattern": {"source": ["mainspring"], "detail-type": ["execution.failed"]}},
        ),
        {"body": "The event's `detail`.", "event": "All else of the event: `source`, `type`, `time`, `id`."},
    ),
}


def _with_hints(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    hints = _HINTS[name]
    properties = {
        field: {**one, "x-mainspring": {**one.get("x-mainspring", {}), **hints.get(field, {}), "literal": True}}
        for field, one in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def describe(name: str, now: datetime) -> dict[str, Any]:
    """Describe one type: its config, and the `trigger` value that its executions receive."""
    config_class, about = TRIGGER_TYPES[name], _ABOUT[name]
    trigger = TriggerDefinition(id=name, type=name, config=about.examples[0])
    properties = {
        **{field: {"description": text} for field, text in about.output.items()},
        "trigger_id": {"type": "string", "description": "The trigger's id."},
        "type": {"const": name, "description": "The trigger's type."},
    }
    return {
        "type": name,
        "title": about.title,
        "description": (config_class.__doc__ or "").strip(),
        "group": "Triggers",
        "icon": about.icon,
        "examples": list(about.examples),
        "config_schema": _with_hints(name, with_titles(config_class.model_json_schema())),
        "sample": {**sample(trigger, config_class.model_validate(about.examples[0]), now), "type": name},
        "output_schema": {"type": "object", "properties": properties},
    }
