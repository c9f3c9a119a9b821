"""Telegram, through its Bot API."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr

from engine.errors import NodeError
from engine.integrations.base import Credentials, Params, action
from engine.integrations.rest import BaseUrl, RestConfig, RestIntegration
from engine.security.redaction import PROCESS


def check_token(token: SecretStr) -> SecretStr:
    """A token stands in a URL.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9_:-]+", token.get_secret_value()):
        raise ValueError("a token has digits, letters, `:`, `_` and `-`, as BotFather gives it")
    return token


class TelegramConfig(RestConfig):
    """A bot's token, as BotFather gives it."""

    token: Annotated[SecretStr, Field(min_length=1, max_length=200), AfterValidator(check_token)] = Field(
        description="The bot's token. Kept encrypted; it cannot be read again."
    )
    base_url: BaseUrl = Field(
        default="https://api.telegram.org", description="URL of the API; another one for your own server."
    )


class SendMessage(Params):
    """The message and the chat."""

    chat_id: int | str = Field(description="A chat's id, or `@channel`.")
    text: str = Field(min_length=1, max_length=4_096, description="The message.")
    parse_mode: Literal["MarkdownV2", "HTML"] | None = Field(default=None, description="Default: plain text.")
    silent: bool = Field(default=False, description="Whether to notify without sound.")
    reply_to_message_id: int | None = Field(default=None, description="Id of the message to reply to.")
    link_preview: bool = Field(default=False, description="Whether to show a preview of a link.")


class DeleteMessage(Params):
    """Which one."""

    chat_id: int | str = Field(description="Of the chat.")
    message_id: int = Field(description="Of the message.")


class Telegram(RestIntegration):
    """A Telegram bot."""

    Config = TelegramConfig
    title: ClassVar[str] = "Telegram"
    group: ClassVar[str] = "Messages"
    icon: ClassVar[str] = "send"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"token": "123456:AAbbCC"},)

    async def signature(self) -> Credentials:
        """The token is in the URL."""
        return Credentials()

    @action(title="Send a message", effect="write")
    async def send_message(self, params: SendMessage) -> dict[str, Any]:
        """Send a text to a chat; gives `{chat_id, message_id}`."""
        body: dict[str, Any] = {
            "chat_id": params.chat_id,
            "text": params.text,
            "disable_notification": params.silent,
            "link_preview_options": {"is_disabled": not params.link_preview},
        }
        if params.parse_mode:
            body["parse_mode"] = params.parse_mode
        if params.reply_to_message_id is not None:
            body["reply_parameters"] = {"message_id": params.reply_to_message_id}
        sent = await self._ask("sendMessage", body)
        return {"chat_id": sent["chat"]["id"], "message_id": sent["message_id"]}

    @action(title="Delete a message", effect="idempotent")
    async def delete_message(self, params: DeleteMessage) -> dict[str, Any]:
        """Delete a message of the bot."""
        await self._ask("deleteMessage", params.model_dump())
        return {"deleted": True}

    async def test(self) -> str:
        """Asks who the bot is."""
        return f"signed in as @{(await self._ask('getMe', {})).get('username')}"

    async def _ask(self, method: str, body: dict[str, Any]) -> Any:
        token = self.config.token.get_secret_value()
        try:
            answer = await self.call("POST", f"{self.config.base_url}/bot{token}/{method}", json_body=body)
        except NodeError as error:
            raise _explained(error) from None
        if not isinstance(answer, dict) or not answer.get("ok"):
            raise NodeError("Telegram's answer has an unexpected form", code="bad_response")
        return answer["result"]


def _explained(error: NodeError) -> NodeError:
    """A refusal with Telegram's own words, and the seconds that it asks us to wait."""
    import json

    details = error.details if isinstance(error.details, dict) else {}
    try:
        told = json.loads(details.get("body", ""))
        message = f"Telegram refused: {told['description']}"
    except (ValueError, KeyError, TypeError):
        return error
    wait = (told.get("parameters") or {}).get("retry_after")
    return NodeError(
        PROCESS.shown(message, 1_000),
        code="telegram_refused",
        details={"status": details.get("status")},
        retryable=error.retryable,
        retry_after=wait if isinstance(wait, int | float) else error.retry_after,
    )
