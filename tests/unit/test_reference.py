"""The reference: everything that there is, as Markdown whose tables and examples hold together."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from engine import limits
from engine.integrations.registry import IntegrationRegistry
from engine.nodes.registry import NodeExecutorFactory
from engine.reference.error_codes import GROUPS
from engine.reference.markdown import fields, type_of
from engine.reference.pages import PARTS, page, reference
from engine.triggers.types import TRIGGER_TYPES
from infrastructure.cli.main import app
from infrastructure.cli.reference import Part


@pytest.mark.parametrize("name", NodeExecutorFactory().names())
def test_every_node_type_has_its_fields_ports_and_effect(name: str):
    section = re.search(rf"^### `{name}`: (.*?)(?=^###? |\Z)", page("nodes"), re.DOTALL | re.MULTILINE)
    described = NodeExecutorFactory().describe(name)

    assert section
    assert "* Effect: " in section[1]
    assert all(f"`{port}`" in section[1] for port in described["ports"])
    for field, schema in described["config_schema"]["properties"].items():
        row = re.findall(rf"^\| `{field}` \|.*$", section[1], re.MULTILINE)[0]
        assert schema.get("description", "")[:10].replace("|", "\\|") in row
    assert section[1].count("```json") == len(described["examples"])


def test_every_integration_type_has_its_fields_and_actions():
    text, registry = page("integrations"), IntegrationRegistry()

    for name in registry.names():
        described = registry.describe(name)
        assert f"\n## `{name}`: " in text
        for action in described["actions"]:
            assert f"\n### `{name}.{action['name']}`: " in text
    token = re.search(r"## `http_bearer`.*?^\| `token` \|(.*?)$", text, re.DOTALL | re.MULTILINE)
    assert token
    assert "A secret." in token[1]


def test_every_trigger_type_error_code_and_limit_is_there():
    assert re.findall(r"^## `(\w+)`", page("triggers"), re.MULTILINE) == sorted(TRIGGER_TYPES)
    assert set(re.findall(r"^\| `([\w*]+)` \|", page("errors"), re.MULTILINE)) == {
        c for g in GROUPS.values() for c in g
    }
    named = {name for name in vars(limits) if name.isupper()}
    assert set(re.findall(r"^\| `(\w+)` \|", page("limits"), re.MULTILINE)) == named
    assert "| `MAX_NODES` | 2,000 |" in page("limits")
    assert re.search(r"\| `MAX_BODY_DEPTH` \| 5 \| Loops in loops\. \|", page("limits"))


@pytest.mark.parametrize("part", PARTS)
def test_tables_and_examples_are_well_formed(part: str):
    text = page(part)

    columns = 0
    for line in text.splitlines():
        if line.startswith("|"):
            found = len(re.findall(r"(?<!\\)\|", line)) - 1
            assert columns in (0, found), line
            columns = found
        else:
            columns = 0
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        assert isinstance(json.loads(block), dict)
    assert text.count("```") % 2 == 0


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string"}, "text"),
        ({"enum": ["a", "b"]}, "`a`, `b`"),
        ({"const": "a"}, "`a`"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "whole number"),
        ({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/File"}]}, "text or `File`"),
        ({"type": "array", "items": {"type": "boolean"}}, "list of true or false"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of number"),
        ({"type": "object", "additionalProperties": False}, "object"),
        ({"$ref": "#/$defs/JsonValue"}, "any"),
        ({}, "any"),
    ],
)
def test_schemas_are_said_in_words(schema: dict, said: str):
    assert type_of(schema) == said


def test_bounds_defaults_and_nested_models_are_shown():
    inner = {"properties": {"x": {"type": "integer", "minimum": 1, "maximum": 5}}, "description": "A point."}
    schema = {
        "properties": {"p": {"$ref": "#/$defs/P"}, "q": {"default": "a|b"}},
        "required": ["p"],
        "$defs": {"P": inner},
    }

    assert list(fields(schema)) == [
        "| field | type | default | meaning |",
        "|---|---|---|---|",
        "| `p` | `P` | required |  |",
        '| `q` | any | `"a\\|b"` |  |',
        "",
        "`P`: A point.",
        "",
        "| field | type | default | meaning |",
        "|---|---|---|---|",
        "| `x` | whole number |  | At least 1, at most 5. |",
    ]


def test_the_command_prints_all_or_one_part():
    assert list(Part) == list(PARTS)
    every = CliRunner().invoke(app, ["reference"])
    one = CliRunner().invoke(app, ["reference", "errors"])
    unknown = CliRunner().invoke(app, ["reference", "recipes"])

    assert (every.exit_code, every.stdout) == (0, reference())
    assert (one.exit_code, one.stdout) == (0, page("errors"))
    assert unknown.exit_code == 2
