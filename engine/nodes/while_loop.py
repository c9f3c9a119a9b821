"""`while`: runs its body as long as a condition holds."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from engine import limits
from engine.nodes.base import BaseNode, NodeConfig, NodeResult, Repeat
from engine.nodes.conditional import truth
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect


class WhileConfig(NodeConfig):
    """The condition and its bound."""

    condition: bool | str = Field(
        description="A template for true or false, evaluated before each iteration. `index` counts from 0; `item` is "
        "the previous result, null at first."
    )
    max_iterations: int = Field(
        ge=1,
        le=limits.MAX_ITERATIONS,
        description="Maximum number of iterations; if the condition still holds then, the node fails.",
    )


class WhileNode(BaseNode):
    """Runs its body as long as the condition holds. The output is the list of the body's results."""

    Config = WhileConfig
    title: ClassVar[str] = "While"
    group: ClassVar[str] = "Flow"
    icon: ClassVar[str] = "rotate-cw"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"condition": "{{ index < 3 }}", "max_iterations": 10},)
    effect: ClassVar[Effect] = "none"
    has_body: ClassVar[bool] = True

    async def execute(self, context: NodeContext) -> NodeResult:
        """Whether there is one more iteration; the engine asks before each."""
        config = context.config(WhileConfig, self.raw_config)
        return Repeat(truth(config.condition, "config.condition"), config.max_iterations)
