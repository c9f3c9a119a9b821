"""`fail`: ends the execution with a message."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from engine.errors import NodeError
from engine.nodes.base import BaseNode, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect


class FailConfig(NodeConfig):
    """The message of the failure."""

    message: str = Field(min_length=1, max_length=4_000, description="Why the execution fails.")


class FailNode(BaseNode):
    """Ends the execution as failed, with a message."""

    Config = FailConfig
    title: ClassVar[str] = "Fail"
    group: ClassVar[str] = "Flow"
    icon: ClassVar[str] = "octagon-x"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"message": "order {{ trigger.body.order_id }} has no total"},)
    ports: ClassVar[tuple[str, ...]] = ()
    effect: ClassVar[Effect] = "none"
    can_fail: ClassVar[bool] = False

    async def execute(self, context: NodeContext) -> NodeResult:
        """Always raises."""
        config = context.config(FailConfig, self.raw_config)
        raise NodeError(config.message, code="failed_by_workflow")
