"""The catalogue: good enough to build every form of an editor without knowing any node."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engine.integrations.registry import BUILT_IN as INTEGRATIONS
from engine.integrations.registry import IntegrationRegistry
from engine.nodes.registry import BUILT_IN as NODES
from engine.nodes.registry import NodeExecutorFactory

FACTORY, REGISTRY = NodeExecutorFactory(), IntegrationRegistry()
GROUPS = {"AI", "AWS", "Code", "Data", "Development", "Flow", "Integrations", "Messages", "People", "State", "Web"}
ICON = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@pytest.mark.parametrize("name", NODES)
def test_a_node_type_is_described_whole(name: str):
    described = FACTORY.describe(name)
    assert described["group"] in GROUPS
    assert ICON.fullmatch(described["icon"])
    assert described["effect"] in ("none", "read", "idempotent", "write")
    assert described["ports"] or name == "fail"
    assert described["description"].endswith(".")
    Draft202012Validator.check_schema(described["config_schema"])
    assert described["examples"], "a form needs an example"
    for example in described["examples"]:
        assert FACTORY.node_class(name).validate_config(example) == []
    for integration in described["integrations"]:
        assert integration == "*" or integration in INTEGRATIONS
    for field, schema in described["config_schema"]["properties"].items():
        assert FACTORY.node_class(name).Config.model_fields, field
        assert {"type", "anyOf", "$ref", "enum", "const", "title", "default"} & schema.keys(), (name, field)


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_an_integration_type_is_described_whole(name: str):
    described = REGISTRY.describe(name)
    model = REGISTRY.integration_class(name).Config
    assert described["group"] in GROUPS
    assert ICON.fullmatch(described["icon"])
    assert described["description"].endswith(".")
    Draft202012Validator.check_schema(described["config_schema"])
    assert described["examples"]
    for example in described["examples"]:
        model.model_validate(example)
    write_only = [field for field, one in described["config_schema"]["properties"].items() if "writeOnly" in str(one)]
    assert described["secrets"] == sorted(write_only)
    for action in described["actions"]:
        assert action["title"]
        assert action["description"].endswith("."), (name, action["name"])
        for schema in (action["input_schema"], action["output_schema"]):
            Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("config", [{}, {"x": 1}, {"integration": 7}, {"operation": None}])
def test_validating_any_config_never_crashes(name: str, config: dict[str, Any]):
    for problem in FACTORY.node_class(name).validate_config(config):
        assert problem.message
    assert FACTORY.node_class(name).ports_of(config) or name == "fail"


def test_no_handler_loads_what_only_running_nodes_needs():
    """Cold starts: the libraries of the second layer are imported by the call that needs them."""
    handlers = [path.parent.name for path in Path("functions").glob("*/handler.py") if path.parent.name != "sandbox"]
    code = ";".join(["import sys", *(f"import functions.{name}.handler" for name in handlers), "print(*sys.modules)"])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    heavy = {"psycopg", "pymysql", "openpyxl", "selectolax", "jsonschema_rs", "xmltodict", "smtplib"}
    assert len(handlers) == 20
    assert not heavy & loaded
