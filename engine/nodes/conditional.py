"""`conditional`: goes on by `true` or by `false`."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from engine.errors import NodeError
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect


class ConditionalConfig(NodeConfig):
    """One condition."""

    expression: bool | str = Field(
        description="A template that gives true or false, such as `{{ vars.n > 3 }}`. A text is no number: `'20' = 20` "
        "is false, `$number('20') = 20` true."
    )


class ConditionalNode(BaseNode):
    """Goes on by the port `true` or `false`, as its expression says."""

    Config = ConditionalConfig
    title: ClassVar[str] = "If"
    group: ClassVar[str] = "Flow"
    icon: ClassVar[str] = "split"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"expression": "{{ trigger.body.total > 1000 }}"},)
    ports: ClassVar[tuple[str, ...]] = ("true", "false")
    effect: ClassVar[Effect] = "none"

    async def execute(self, context: NodeContext) -> NodeResult:
        """The output is the condition's value, which is also the port."""
        holds = truth(context.evaluate(self.raw_config.get("expression"), "config.expression"), "config.expression")
        return Completed(holds, "true" if holds else "false")


def truth(value: object, where: str) -> bool:
    """A condition's value.

    Raises:
        NodeError: it is neither true nor false. Guessing what `"false"` or `0` should mean helps nobody.
    """
    if isinstance(value, bool):
        return value
    shown = repr(value)[:60]
    raise NodeError(
        f"{where}: the expression gave {shown}, not true or false; `$boolean(…)` makes a truth value of anything",
        code="config",
        details={"field": where},
    )
