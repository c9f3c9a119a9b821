"""JSON as others write it, and JSON Schemas as authors do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.testing import run_node
from tests.unit.test_data_nodes import raw, refused, text


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    run = run_node("json", {"operation": "validate", "schema": schema, "value": value})
    return [one["message"] for one in run.output["problems"]] if run.port == "invalid" else []


def no_schema(schema: dict[str, Any]) -> str:
    error = refused("json", {"operation": "validate", "schema": schema, "value": 1})
    assert error.code == "config"
    assert error.message.startswith("config.schema")
    return error.message


@pytest.mark.parametrize(
    ("step", "good", "bad"),
    [(0.01, 19.99, 19.995), (0.1, 0.3, 0.35), (0.01, 1.1, 1.111), (0.05, 1.15, 1.16), (1, 10**30, 0.5), (3, 9, 10)],
)
def test_multiple_of_is_exact_for_decimals(step: float, good: float, bad: float):
    assert problems({"multipleOf": step}, good) == []
    assert len(problems({"multipleOf": step}, bad)) == 1


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("email", "ann@example.com", "x"),
        ("date", "2026-07-02", "2026-02-30"),
        ("date-time", "2026-07-02T10:00:00Z", "2026-07-02"),
        ("time", "10:00:00Z", "25:00"),
        ("uri", "https://example.com/x", "no uri"),
        ("uuid", "01920000-0000-7000-8000-000000000001", "1"),
        ("ipv4", "192.0.2.1", "192.0.2.300"),
        ("hostname", "example.com", "-x-"),
    ],
)
def test_formats_are_checked(kind: str, good: str, bad: str):
    assert problems({"format": kind}, good) == []
    assert len(problems({"format": kind}, bad)) == 1


def test_a_format_that_is_not_known_is_told_and_those_of_openapi_say_nothing():
    assert "emial" in no_schema({"properties": {"a": {"format": "emial"}}})
    assert problems({"format": "int32"}, 2**40) == problems({"format": "password"}, "x") == []


def test_integers_are_compared_with_all_digits():
    assert problems({"const": 7615917337495251231}, 7615917337495251232) != []
    assert problems({"const": 10**30}, 10**30) == []
    assert problems({"type": "integer"}, 1.0) == []
    assert problems({"enum": [7615917337495251231]}, 7615917337495251231) == []
    assert problems({"uniqueItems": True}, [7615917337495251231, 7615917337495251232]) == []


def test_patterns_of_all_kinds():
    assert problems({"pattern": r"^(?=.*\d)(?=.*[a-z]).{4,}$"}, "abc1") == []
    assert problems({"pattern": r"^\p{L}+$"}, "ä") == []
    assert problems({"pattern": "^a$"}, "a\n") != []
    assert "config.schema.pattern" in no_schema({"pattern": "("})
    assert problems({"patternProperties": {"^(x+)+$": False}}, {"x" * 40 + "y": 1}) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://169.254.169.254/latest"}, {"$ref": "file:///etc/passwd"}, {"$ref": "other.json"},
        {"$ref": "#/nowhere"}, {"$schema": "http://127.0.0.1:1/own", "type": "string"}, {"$dynamicRef": "http://x.test/y"},
        {"type": "text"}, {"required": "a"}, {"properties": []},
    ],
)  # fmt: skip
def test_a_schema_that_is_none_or_refers_elsewhere_is_told(schema: dict[str, Any]):
    no_schema(schema)


def test_problems_have_their_place():
    schema = {"properties": {"items": {"items": {"required": ["id"], "maxProperties": 1, "properties": {"x": False}}}}}
    config = {"operation": "validate", "schema": schema, "value": {"items": [{"id": 1}, {"x": 1}]}}
    found = run_node("json", config).output["problems"]
    assert {one["path"] for one in found} == {"items[1]", "items[1].x"}
    assert len(problems({"items": {"type": "string"}}, list(range(100)))) == 20
    assert problems({"type": "string"}, "\ud800") == []


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400 + ".0", "[1, 2e999]"])
def test_a_number_that_is_too_large_is_named(number: str):
    error = refused("json", text(number))
    assert error.code == "bad_content"
    assert "larger than a number can be" in error.message
    assert number.strip("[]").rpartition(" ")[2][:50] in error.message
    assert "line 2" in refused("json", {**text(f"1\n{number}"), "lines": True}).message


def test_large_integers_and_odd_texts_stay_as_they_are():
    content = '{"id": 7615917337495251231, "z": 1e-400, "e": 1E5, "t": "\\ud800", "n": "a\\u0000b", "1e400": "1e400"}'
    value = run_node("json", text(content)).output
    assert value["id"] == 7615917337495251231
    assert (value["t"], value["n"], value["1e400"]) == ("\ud800", "a\0b", "1e400")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_bytes_are_json_in_any_unicode(encoding: str):
    assert run_node("json", raw(json.dumps({"a": "ü"}, ensure_ascii=False).encode(encoding))).output == {"a": "ü"}
    assert "0xfc at 7" in refused("json", raw('{"a": "ü"}'.encode("latin-1"))).message
