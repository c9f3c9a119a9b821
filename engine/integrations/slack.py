"""Slack, through its Web API."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, JsonValue, model_validator

from engine.errors import NodeError
from engine.integrations.base import Params, action
from engine.integrations.http_auth import Secret
from engine.integrations.rest import BaseUrl, BearerIntegration, RestConfig
from engine.security.redaction import PROCESS

_RETRYABLE = frozenset({"ratelimited", "internal_error", "service_unavailable", "request_timeout", "fatal_error"})


class SlackConfig(RestConfig):
    """A bot's token, which begins with `xoxb-`."""

    token: Secret = Field(description="The bot's token, `xoxb-…`. Kept encrypted; it cannot be read again.")
    base_url: BaseUrl = Field(default="https://slack.com/api", description="URL of the API; another one for GovSlack.")


class PostMessage(Params):
    """The message and the channel."""

    channel: str = Field(min_length=1, max_length=200, description="A channel's id or `#name`, or a user's id.")
    text: str = Field(default="", max_length=40_000, description="The message; with blocks, the text of notifications.")
    blocks: list[dict[str, JsonValue]] | None = Field(default=None, max_length=50, description="Slack's Block Kit.")
    thread_ts: str | None = Field(default=None, max_length=50, description="Reply in the thread of this message.")
    unfurl_links: bool = Field(default=False, description="Whether to show previews of links.")

    @model_validator(mode="after")
    def _something(self) -> PostMessage:
        if not self.text and not self.blocks:
            raise ValueError("give `text`, `blocks` or both")
        return self


class UpdateMessage(Params):
    """The message and its new content."""

    channel: str = Field(min_length=1, max_length=200, description="Id of the channel.")
    ts: str = Field(min_length=1, max_length=50, description="`ts` of the message, returned when it was posted.")
    text: str = Field(default="", max_length=40_000, description="The new text.")
    blocks: list[dict[str, JsonValue]] | None = Field(
        default=None, max_length=50, description="The new blocks, in Slack's Block Kit."
    )


class FindUser(Params):
    """By whom."""

    email: str = Field(min_length=3, max_length=320, description="The person's e-mail address.")


class React(Params):
    """The message and the reaction."""

    channel: str = Field(min_length=1, max_length=200, description="Id of the channel.")
    ts: str = Field(min_length=1, max_length=50, description="`ts` of the message, returned when it was posted.")
    name: str = Field(min_length=1, max_length=100, pattern=r"^[a-z0-9_+-]+$", description="Such as `thumbsup`.")


class Slack(BearerIntegration):
    """A Slack workspace, as one of its bots."""

    Config = SlackConfig
    title: ClassVar[str] = "Slack"
    group: ClassVar[str] = "Messages"
    icon: ClassVar[str] = "slack"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"token": "xoxb-…"},)

    @action(title="Post a message", effect="write")
    async def post_message(self, params: PostMessage) -> dict[str, Any]:
        """Post into a channel, or to a person; gives `{channel, ts}`."""
        answer = await self._say("chat.postMessage", params.model_dump(exclude_none=True))
        return {"channel": answer["channel"], "ts": answer["ts"]}

    @action(title="Change a message", effect="idempotent")
    async def update_message(self, params: UpdateMessage) -> dict[str, Any]:
        """Change what a message of the bot says; gives `{channel, ts}`."""
        answer = await self._say("chat.update", params.model_dump(exclude_none=True))
        return {"channel": answer["channel"], "ts": answer["ts"]}

    @action(title="Find a user", effect="read")
    async def find_user(self, params: FindUser) -> dict[str, Any]:
        """The user who has an e-mail address: `{id, name, real_name}`."""
        found = (await self._ask("users.lookupByEmail", {"email": params.email}))["user"]
        return {"id": found["id"], "name": found.get("name"), "real_name": found.get("real_name")}

    @action(title="Add a reaction", effect="idempotent")
    async def react(self, params: React) -> dict[str, Any]:
        """React to a message; one that is there already is as good."""
        body = {"channel": params.channel, "timestamp": params.ts, "name": params.name}
        try:
            await self._say("reactions.add", body)
        except NodeError as error:
            if error.code != "slack_already_reacted":
                raise
        return {"channel": params.channel, "ts": params.ts}

    async def test(self) -> str:
        """Asks who the bot is."""
        told = await self._say("auth.test", {})
        return f"signed in to {told.get('team')} as {told.get('user')}"

    async def _say(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        content_type = {"content-type": "application/json; charset=utf-8"}
        return _accepted(
            await self.call("POST", f"{self.config.base_url}/{method}", json_body=body, headers=content_type)
        )

    async def _ask(self, method: str, query: dict[str, str]) -> dict[str, Any]:
        return _accepted(await self.call("GET", f"{self.config.base_url}/{method}", query=query))


def _accepted(answer: Any) -> dict[str, Any]:
    """Slack answers with status 200 whatever happened."""
    if not isinstance(answer, dict) or "ok" not in answer:
        raise NodeError("Slack's answer has an unexpected form", code="bad_response")
    if not answer["ok"]:
        code = PROCESS.shown(str(answer.get("error", "unknown")), 100)
        messages = (answer.get("response_metadata") or {}).get("messages", [])
        raise NodeError(
            f"Slack refused: {code}",
            code=f"slack_{code}",
            details={"messages": messages} if messages else None,
            retryable=code in _RETRYABLE,
        )
    return answer
