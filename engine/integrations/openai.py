"""A model endpoint that speaks OpenAI's chat completions: OpenAI itself, vLLM, Ollama, Groq and others."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, JsonValue

from engine.errors import NodeError
from engine.integrations.base import Params, action
from engine.integrations.http_auth import Secret
from engine.integrations.rest import BaseUrl, BearerIntegration, RestConfig


class OpenaiConfig(RestConfig):
    """The endpoint of the models, and their prices."""

    base_url: BaseUrl = Field(
        default="https://api.openai.com/v1",
        description="URL of the API; another one for a service with the same protocol.",
    )
    api_key: Secret = Field(description="The key. Kept encrypted; it cannot be read again.")
    token_limit: Literal["max_tokens", "max_completion_tokens"] | None = Field(
        default=None, description="Name of the token limit at the endpoint. Default: OpenAI's there, else `max_tokens`."
    )
    dollars_per_million_input: float = Field(default=0, ge=0, le=10_000, description="Of tokens; for the run's bill.")
    dollars_per_million_output: float = Field(
        default=0, ge=0, le=10_000, description="What a million tokens of answers cost, for the bill of executions."
    )


class ChatCompletion(Params):
    """The request, as the endpoint accepts it."""

    model: str = Field(min_length=1, max_length=200, description="Name of the model.")
    messages: list[dict[str, JsonValue]] = Field(
        min_length=1, max_length=500, description="The conversation so far: objects with `role` and `content`."
    )
    options: dict[str, JsonValue] = Field(default_factory=dict, description="`temperature`, `tools` and the like.")


class Openai(BearerIntegration):
    """Models behind an OpenAI-compatible endpoint. The `ai_chat` node uses it."""

    Config = OpenaiConfig
    title: ClassVar[str] = "OpenAI-compatible models"
    signs_with: ClassVar[str] = "api_key"
    group: ClassVar[str] = "AI"
    icon: ClassVar[str] = "sparkles"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"base_url": "https://api.openai.com/v1", "api_key": "…"},)

    @property
    def token_limit(self) -> str:
        """The name of the option that bounds an answer. OpenAI's newer models know only the second one."""
        is_openai = urlsplit(self.config.base_url).hostname == "api.openai.com"
        return str(self.config.token_limit or ("max_completion_tokens" if is_openai else "max_tokens"))

    @action(title="Complete a chat", effect="read")
    async def complete(self, params: ChatCompletion) -> dict[str, JsonValue]:
        """One request; gives the endpoint's answer as it is."""
        body = {**params.options, "model": params.model, "messages": params.messages}
        answer = await self.call("POST", f"{self.config.base_url}/chat/completions", json_body=body)
        if not isinstance(answer, dict) or not answer.get("choices"):
            raise NodeError("the model endpoint's answer has an unexpected form", code="bad_response")
        return answer

    async def test(self) -> str:
        """Asks for the models."""
        answer = await self.call("GET", f"{self.config.base_url}/models")
        names = [str(one.get("id")) for one in answer.get("data", [])] if isinstance(answer, dict) else []
        return f"there are {len(names)} models, such as {', '.join(names[:3])}"
