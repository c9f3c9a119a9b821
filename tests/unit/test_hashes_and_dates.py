"""Digests, HMACs and dates: what is calculated from texts, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.integrations.secret import SecretConfig, SecretValue
from engine.testing import run_node
from tests.unit.test_data_nodes import refused, text


def test_digests_and_hmacs():
    assert run_node("hash", text("abc")).output["digest"].startswith("ba7816bf")
    key = {"key": ("secret", SecretValue(SecretConfig.model_validate({"value": "k3y-of-the-test"})))}
    signed = run_node("hash", {**text("abc"), "integration": "key", "encoding": "base64"}, integrations=key)
    again = {**text("abc"), "integration": "key", "encoding": "base64", "expected": signed.output["digest"]}
    assert run_node("hash", again, integrations=key).output == {"matches": True}
    assert run_node("hash", {**again, "source": {"text": "abd"}}, integrations=key).output == {"matches": False}


FIRST = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, {"utc": "2026-03-29T00:30:00.000Z", "weekday": 7, "week": 13}),
        ({"value": "2026-01-31T10:00:00Z", "shift": [{"amount": 1, "unit": "months"}]}, {"date": "2026-02-28"}),
        ({"value": "2024-02-29", "shift": [{"amount": -1, "unit": "years"}]}, {"date": "2023-02-28"}),
        ({"value": "2026-05-01", "shift": [{"amount": 1, "unit": "weekdays"}]}, {"date": "2026-05-04"}),
        ({"value": "2026-05-02", "shift": [{"amount": -6, "unit": "weekdays"}]}, {"date": "2026-04-24"}),
        ({"value": 0}, {"utc": "1970-01-01T00:00:00.000Z"}),
        ({"value": 1_760_000_000_000}, {"unix": 1_760_000_000.0}),
        # a day keeps the clock on the wall when clocks change, 24 hours do not
        (
            {"value": "2026-03-28T12:00:00", "timezone": "Europe/Berlin", "shift": [{"amount": 1, "unit": "days"}]},
            {"local": "2026-03-29T12:00:00+02:00"},
        ),
        (
            {"value": "2026-03-28T12:00:00", "timezone": "Europe/Berlin", "shift": [{"amount": 24, "unit": "hours"}]},
            {"local": "2026-03-29T13:00:00+02:00"},
        ),
        (
            {"value": "2026-03-28T02:30:00", "timezone": "Europe/Berlin", "shift": [{"amount": 1, "unit": "days"}]},
            {"time": "03:30:00"},
        ),
        ({"value": "2026-05-20", "start_of": "quarter"}, {"date": "2026-04-01"}),
        ({"value": "2026-05-20", "start_of": "week"}, {"date": "2026-05-18"}),
        (
            {"value": "24.12.2026 18:00", "pattern": "%d.%m.%Y %H:%M", "timezone": "America/New_York"},
            {"utc": "2026-12-24T23:00:00.000Z"},
        ),
        ({"value": "2026-05-01", "until": "2026-05-03T12:00:00Z"}, {"difference": {"seconds": 216_000.0, "days": 2.5}}),
        ({"value": "2026-05-01", "format": "%d %B %Y"}, {"text": "01 May 2026"}),
        # from a weekend on, weekdays count from the one behind
        ({"value": "2026-07-05", "shift": [{"amount": 5, "unit": "weekdays"}]}, {"date": "2026-07-10"}),
        ({"value": "2026-07-04", "shift": [{"amount": 10, "unit": "weekdays"}]}, {"date": "2026-07-17"}),
        ({"value": "2026-07-04", "shift": [{"amount": -5, "unit": "weekdays"}]}, {"date": "2026-06-29"}),
        ({"value": "2026-07-05", "shift": [{"amount": -1, "unit": "weekdays"}]}, {"date": "2026-07-03"}),
        ({"value": "2026-07-05", "shift": [{"amount": 0, "unit": "weekdays"}]}, {"date": "2026-07-05"}),
        (
            {"value": "2026-03-28T12:00:00", "until": "2026-03-29T12:00:00", "timezone": "Europe/Berlin"},
            {"difference": {"seconds": 82_800.0, "days": 1.0}},
        ),
        (
            {"value": "2026-10-25T01:00:00", "until": "2026-10-25T05:00:00", "timezone": "Europe/Berlin"},
            {"difference": {"seconds": 18_000.0, "days": 4 / 24}},
        ),
        # a time that clocks leave out is the one so much later
        ({"value": "2026-03-29T02:30:00", "timezone": "Europe/Berlin"}, {"local": "2026-03-29T03:30:00+02:00"}),
        (
            {
                "value": "Thu, 02 Jul 2026 10:00:00 GMT",
                "pattern": "%a, %d %b %Y %H:%M:%S %Z",
                "timezone": "Europe/Berlin",
            },
            {"utc": "2026-07-02T10:00:00.000Z"},
        ),
        ({"value": "2 Jul 2026 10:00 CEST", "pattern": "%d %b %Y %H:%M %Z"}, {"utc": "2026-07-02T08:00:00.000Z"}),
        ({"value": "EST 2 Jul 2026 10:00", "pattern": "%Z %d %b %Y %H:%M"}, {"utc": "2026-07-02T15:00:00.000Z"}),
        (
            {"value": "2026-07-02 10:00 America/New_York", "pattern": "%Y-%m-%d %H:%M %Z"},
            {"utc": "2026-07-02T14:00:00.000Z"},
        ),
        ({"value": "2026-07-02 10:00 +0530", "pattern": "%Y-%m-%d %H:%M %z"}, {"utc": "2026-07-02T04:30:00.000Z"}),
        ({"value": 20260702, "pattern": "%Y%m%d"}, {"date": "2026-07-02"}),
        ({"value": 1764216000}, {"utc": "2025-11-27T04:00:00.000Z"}),
        ({"value": "1764216000"}, {"utc": "2025-11-27T04:00:00.000Z"}),
        ({"value": "1764216000123"}, {"utc": "2025-11-27T04:00:00.123Z"}),
        ({"value": "1712010500000"}, {"utc": "2024-04-01T22:28:20.000Z"}),
        ({"value": "20260702"}, {"date": "2026-07-02"}),
    ],
)  # fmt: skip
def test_date_operations_give_the_expected_result(config: dict[str, Any], expected: dict[str, Any]):
    output = run_node("date", config, at=FIRST).output
    assert {name: output[name] for name in expected} == expected


@pytest.mark.parametrize(
    "config",
    [
        {"value": "soon"},
        {"value": "24.12.2026", "pattern": "%Y"},
        {"timezone": "Mars/Olympus"},
        {"value": "9999-12-31", "shift": [{"amount": 1, "unit": "months"}]},
        {"value": "0001-01-01", "shift": [{"amount": -1, "unit": "days"}]},
        {"value": 1e300},
        {"value": "1", "pattern": "%d.%d"},
        {"shift": [{"amount": 10**9}]},
        {"value": "2026-07-02 10:00 IST", "pattern": "%Y-%m-%d %H:%M %Z"},
        {"value": "2026-07-02 10:00", "pattern": "%Y-%m-%d %H:%M %Z"},
        {"value": "202607021000"},
        {"format": "YYYY-MM-DD"},
        {"format": "%Y-%Q"},
        {"value": "2.7.2026", "pattern": "DD.MM.YYYY"},
    ],
)
def test_invalid_date_is_reported(config: dict[str, Any]):
    assert refused("date", config).code == "config"
