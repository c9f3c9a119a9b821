"""`switch`: goes on by the port of the first case that holds."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.conditional import truth
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect

RESERVED_PORTS = frozenset({"default", "error"})


class Case(NodeConfig):
    """One case."""

    port: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = Field(description="Port of the case.")
    expression: bool | str = Field(description="A template for true or false.")


class SwitchConfig(NodeConfig):
    """The cases in the order in which they are tried."""

    cases: list[Case] = Field(min_length=1, max_length=100, description="Cases; the first one that holds decides.")

    @model_validator(mode="after")
    def _ports_differ(self) -> SwitchConfig:
        ports = [case.port for case in self.cases]
        for port in ports:
            if port in RESERVED_PORTS:
                raise ValueError(f"a case cannot have the port `{port}`, which every switch has of its own")
            if ports.count(port) > 1:
                raise ValueError(f"two cases have the port `{port}`")
        return self


class SwitchNode(BaseNode):
    """Goes on by the port of the first case whose expression holds, else by `default`."""

    Config = SwitchConfig
    title: ClassVar[str] = "Switch"
    group: ClassVar[str] = "Flow"
    icon: ClassVar[str] = "route"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"cases": [{"port": "high", "expression": "{{ trigger.body.total > 1000 }}"}]},
    )
    ports: ClassVar[tuple[str, ...]] = ("default",)
    effect: ClassVar[Effect] = "none"

    @classmethod
    def ports_of(cls, config: dict[str, Any]) -> tuple[str, ...]:
        """The cases' ports and `default`."""
        cases = config.get("cases")
        named = [case.get("port") for case in cases if isinstance(case, dict)] if isinstance(cases, list) else []
        return (*(port for port in named if isinstance(port, str)), "default")

    async def execute(self, context: NodeContext) -> NodeResult:
        """The output is the chosen port. Cases after the one that holds are not evaluated."""
        for number, case in enumerate(self.raw_config["cases"]):
            where = f"config.cases[{number}].expression"
            if truth(context.evaluate(case["expression"], where), where):
                return Completed(case["port"], case["port"])
        return Completed("default", "default")
