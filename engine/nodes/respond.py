"""`respond`: answers the caller of the webhook that started the execution, which goes on."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Annotated, Any, ClassVar

from pydantic import Field, JsonValue, field_validator, model_validator

from engine import limits
from engine.json_value import dumps
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")]
HeaderValue = Annotated[str, Field(max_length=4_096, pattern=r"^[\t\x20-\x7e]*$")]

_OURS = frozenset(
    {
        "alt-svc",
        "clear-site-data",
        "connection",
        "content-length",
        "content-security-policy",
        "keep-alive",
        "nel",
        "proxy-authenticate",
        "proxy-authorization",
        "report-to",
        "reporting-endpoints",
        "server",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-content-type-options",
    }
)
"""Headers that an answer cannot set: they belong to the connection, or keep users' pages apart from the platform."""


class RespondConfig(NodeConfig):
    """An HTTP answer."""

    status: int = Field(default=200, ge=200, le=599, description="Status code of the answer.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, max_length=50, description="Headers of the answer, by name."
    )
    body: JsonValue = Field(
        default=None, description="Body of the answer; text is sent as it is, anything else as JSON."
    )
    base64: str | None = Field(default=None, description="Bytes as base64, instead of `body`.")

    @field_validator("headers")
    @classmethod
    def _free(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers:
            if name.lower() in _OURS:
                raise ValueError(f"an answer cannot set the header {name}")
        return headers

    @field_validator("base64")
    @classmethod
    def _bytes(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                size = len(b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                raise ValueError("it is not base64") from None
            if size > limits.MAX_ANSWER_BYTES:
                raise ValueError(f"an answer has at most {limits.MAX_ANSWER_BYTES} bytes")
        return text

    @model_validator(mode="after")
    def _one_body(self) -> RespondConfig:
        if self.base64 is not None and self.body is not None:
            raise ValueError("an answer has `body` or `base64`, not both")
        if len(dumps(self.body).encode()) > limits.MAX_ANSWER_BYTES:
            raise ValueError(f"an answer has at most {limits.MAX_ANSWER_BYTES} bytes")
        return self


class RespondNode(BaseNode):
    """Answers the caller of the webhook. The first answer counts; the execution continues."""

    Config = RespondConfig
    title: ClassVar[str] = "Respond to the webhook"
    group: ClassVar[str] = "Web"
    icon: ClassVar[str] = "reply"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"status": 201, "body": {"taken": True}},)
    outermost_only: ClassVar[bool] = True

    async def execute(self, context: NodeContext) -> NodeResult:
        """The answer is the output; that it is in the history is what whoever waits for it looks for."""
        config = context.config(RespondConfig, self.raw_config)
        answer = {"status": config.status, "headers": config.headers}
        if config.base64 is not None:
            return Completed({**answer, "base64": config.base64})
        return Completed({**answer, "body": config.body})
