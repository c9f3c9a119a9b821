"""`transform`: builds a value from other values."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, JsonValue

from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect


class TransformConfig(NodeConfig):
    """Any JSON with templates."""

    value: JsonValue = Field(description="The output: any JSON, with `{{ … }}` in its strings.")


class TransformNode(BaseNode):
    """Builds a value: any JSON whose strings may hold templates."""

    Config = TransformConfig
    title: ClassVar[str] = "Transform data"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "braces"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"value": {"total": "{{ $sum(trigger.body.lines.amount) }}"}},)
    effect: ClassVar[Effect] = "none"

    async def execute(self, context: NodeContext) -> NodeResult:
        """The evaluated value is the output."""
        return Completed(context.config(TransformConfig, self.raw_config).value)
