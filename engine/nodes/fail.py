"""`fail`: ends the execution with a message."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.context import NodeContext
from engine.errors import NodeError
from engine.nodes.base import BaseNode, NodeConfig, NodeResult


class FailConfig(NodeConfig):
    """Why it fails."""

    message: str = Field(min_length=1, max_length=4_000)


class FailNode(BaseNode):
    """Ends the execution as failed, with a message of the author's."""

    Config = FailConfig
    title: ClassVar[str] = "Fail"
    ports: ClassVar[tuple[str, ...]] = ()
    has_effect: ClassVar[bool] = False
    can_fail: ClassVar[bool] = False

    async def execute(self, context: NodeContext) -> NodeResult:
        """Always raises."""
        config = context.config(FailConfig, self.raw_config)
        raise NodeError(config.message, code="failed_by_workflow")
