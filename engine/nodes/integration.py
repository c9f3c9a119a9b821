"""`integration`: any action of any integration."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, JsonValue

from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import IntegrationName, NodeContext


class IntegrationNodeConfig(NodeConfig):
    """The action and its parameters."""

    literal: ClassVar[frozenset[str]] = frozenset({"integration", "action"})

    integration: IntegrationName
    action: str = Field(
        min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_]*$", description="The action of the integration."
    )
    params: dict[str, JsonValue] = Field(
        default_factory=dict, description="Parameters of the action, as in its input schema."
    )


class IntegrationNode(BaseNode):
    """Calls an action of an integration; gives what the action gives. `GET /api/integration-types` lists them."""

    Config = IntegrationNodeConfig
    title: ClassVar[str] = "Integration action"
    group: ClassVar[str] = "Integrations"
    icon: ClassVar[str] = "plug"
    integrations: ClassVar[tuple[str, ...]] = ("*",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "integration": "our code",
            "action": "create_issue",
            "params": {"repository": "shop/web", "title": "It broke"},
        },
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Do it.

        Raises:
            NodeError: `config`: there is no such action, or the params do not fit; and those of the action.
        """
        config = context.config(IntegrationNodeConfig, self.raw_config)
        opened = await context.integration(config.integration)
        return Completed(await opened.execute(config.action, config.params))
