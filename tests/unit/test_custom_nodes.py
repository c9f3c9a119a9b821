"""A node type of one's own, as the engine's README shows it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from engine.errors import UnknownNodeType
from engine.execution.engine import WorkflowEngine
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution
from engine.integrations.base import IntegrationConfig
from engine.integrations.rest import BaseUrl, RestIntegration
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.nodes.registry import BUILT_IN, NodeExecutorFactory
from engine.testing.memory_store import MemoryStore
from engine.workflow.definition import WorkflowDefinition
from engine.workflow.validator import validate

README = Path(__file__).parent.parent.parent / "engine" / "README.md"


class GreetConfig(NodeConfig):
    name: str


class GreetNode(BaseNode):
    """Greets somebody."""

    Config = GreetConfig
    title: ClassVar[str] = "Greet"

    async def execute(self, context: NodeContext) -> NodeResult:
        config = context.config(GreetConfig, self.raw_config)
        context.log("greeted", name=config.name)
        return Completed({"text": f"Hello {config.name}"})


def test_a_registered_type_runs_and_is_described():
    factory = NodeExecutorFactory()
    factory.register_node_type("custom", GreetNode)
    raw = {"nodes": [{"id": "hi", "type": "custom", "config": {"name": "{{ trigger.body }}"}}]}
    definition, problems = validate(raw, factory)
    assert definition is not None, problems
    store = MemoryStore()
    store.add(Execution("e", "ws", "wf", 1, "manual", None, {"body": "Ada"}, datetime.now(UTC)), definition)
    asyncio.run(WorkflowEngine(store, factory).advance(ExecutionRef("e")))

    assert store.executions["e"].result == {"hi": {"text": "Hello Ada"}}
    assert "greeted" in [line.message for line in store.lines["e"]]
    assert factory.describe("custom")["title"] == "Greet"
    assert [p.code for p in validate({"nodes": [{"id": "x", "type": "custom"}]}, factory)[1]] == ["invalid_config"]


def test_node_type_that_breaks_the_contract_is_refused():
    factory = NodeExecutorFactory()

    class Nameless(BaseNode):
        async def execute(self, context: NodeContext) -> NodeResult:
            return Completed(context.path)

    for wrong in (object, "text", Nameless):
        with pytest.raises(TypeError):
            factory.register_node_type("wrong", wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="already"):
        factory.register_node_type("http", GreetNode)
    with pytest.raises(UnknownNodeType):
        factory.node_class("wrong")


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_type_is_described(name: str):
    described = NodeExecutorFactory().describe(name)

    assert described["title"]
    assert described["description"]
    assert described["config_schema"]["properties"]


def test_the_readmes_example_works():
    example = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert example, "the README shows a custom node"
    names: dict = {}
    exec(example[1], names)  # noqa: S102 - our own README
    factory: NodeExecutorFactory = names["factory"]

    assert factory.knows("shout")
    assert WorkflowDefinition.model_validate({"nodes": [{"id": "a", "type": "shout", "config": {"text": "hi"}}]})


def test_an_integration_type_of_a_rest_api_needs_no_field_but_its_address():
    class Config(IntegrationConfig):
        base_url: BaseUrl

    assert RestIntegration.binding(Config(base_url="https://bank.example")).allows("https://bank.example/x")
