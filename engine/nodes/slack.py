"""`slack`: posts a message into Slack."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.integrations.slack import PostMessage
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import IntegrationName, NodeContext


class SlackNodeConfig(PostMessage, NodeConfig):
    """The message, the channel, and the bot."""

    integration: IntegrationName


class SlackNode(BaseNode):
    """Posts a message; gives `{channel, ts}`, with which another one can answer in its thread.

    The bot's other actions are there for `integration` nodes.
    """

    Config = SlackNodeConfig
    title: ClassVar[str] = "Slack message"
    group: ClassVar[str] = "Messages"
    icon: ClassVar[str] = "slack"
    integrations: ClassVar[tuple[str, ...]] = ("slack",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"integration": "our Slack", "channel": "#orders", "text": "Order {{ trigger.body.id }} was paid."},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Post it.

        Raises:
            NodeError: `slack_…` with Slack's own code, `http_status`, `connection_failed`.
        """
        config = context.config(SlackNodeConfig, self.raw_config)
        bot = await context.integration(config.integration, self.integrations)
        return Completed(await bot.execute("post_message", config.model_dump(exclude={"integration"})))
