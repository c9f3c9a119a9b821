"""Schedules in words, with their next times, before they are saved; and the trigger types for forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.triggers.schedule import ScheduleConfig
from engine.triggers.types import TRIGGER_TYPES
from engine.triggers.words import in_words
from tests.unit.conftest import Aws
from tests.unit.invoked import event, invoke


@pytest.mark.parametrize(
    ("config", "english", "german"),
    [
        ({"cron": "30 9 * * 1-5"}, "At 09:30, Monday through Friday", "Um 09:30, Montag bis Freitag"),
        ({"cron": "@daily"}, "At 00:00, every day", "Um 00:00, jeden Tag"),
        ({"every": "1 day"}, "Every day", "Jeden Tag"),
        ({"every": "15 minutes"}, "Every 15 minutes", "Alle 15 Minuten"),
        ({"at": "2026-12-24T18:00:00"}, "Once, on 2026-12-24 at 18:00", "Einmal, am 24.12.2026 um 18:00"),
    ],
)
def test_schedules_are_described_in_words(config: dict[str, Any], english: str, german: str):
    schedule = ScheduleConfig.model_validate(config)
    assert (in_words(schedule, "en"), in_words(schedule, "de")) == (english, german)


def asked(body: dict[str, Any]) -> tuple[int, Any]:
    request = {
        **event("api/events_send"),
        "routeKey": "POST /api/schedules/preview",
        "rawPath": "/api/schedules/preview",
    }
    request["requestContext"]["http"] |= {"path": "/api/schedules/preview", "method": "POST"}
    answer = invoke("triggers", {**request, "body": json.dumps(body)})
    return answer["statusCode"], json.loads(answer["body"])


def test_a_preview_has_words_and_times(seeded: Aws):
    status, found = asked({"config": {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}, "language": "de", "count": 3})
    assert (status, found["words"], found["timezone"]) == (200, "Um 09:00, jeden Tag", "Europe/Berlin")
    assert len(found["times"]) == 3
    status, found = asked({"config": {"cron": "61 9 * * *"}})
    assert (status, found["error"]["details"][0]["path"]) == (422, "config.cron")
    status, found = asked({"config": {"cron": "0 9 * * *", "every": "1 day"}})
    assert status == 422


def test_the_types_are_told_with_examples_that_are_right(seeded: Aws):
    request = {**event("api/triggers_list"), "routeKey": "GET /api/trigger-types", "rawPath": "/api/trigger-types"}
    request["requestContext"]["http"] |= {"path": "/api/trigger-types"}
    request |= {"queryStringParameters": {}, "rawQueryString": ""}
    answer = invoke("triggers", request)
    items = json.loads(answer["body"])["items"]

    assert {one["type"] for one in items} == set(TRIGGER_TYPES)
    for one in items:
        for example in one["examples"]:
            TRIGGER_TYPES[one["type"]].model_validate(example)
        assert set(one["sample"]) == set(one["output_schema"]["properties"])
