"""`telegram`: sends a message by a Telegram bot."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.integrations.telegram import SendMessage
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import IntegrationName, NodeContext


class TelegramNodeConfig(SendMessage, NodeConfig):
    """The message, the chat, and the bot."""

    integration: IntegrationName


class TelegramNode(BaseNode):
    """Sends a text to a chat; gives `{chat_id, message_id}`."""

    Config = TelegramNodeConfig
    title: ClassVar[str] = "Telegram message"
    group: ClassVar[str] = "Messages"
    icon: ClassVar[str] = "send"
    integrations: ClassVar[tuple[str, ...]] = ("telegram",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"integration": "our bot", "chat_id": "@shop", "text": "Order {{ trigger.body.id }} was paid."},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Send it.

        Raises:
            NodeError: `telegram_refused`, `http_status`, `connection_failed`.
        """
        config = context.config(TelegramNodeConfig, self.raw_config)
        bot = await context.integration(config.integration, self.integrations)
        return Completed(await bot.execute("send_message", config.model_dump(exclude={"integration"})))
