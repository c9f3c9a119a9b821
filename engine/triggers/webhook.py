"""`webhook`: starts executions when a caller sends a request to the trigger's own address."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from engine import limits
from engine.triggers.config import ExpectedEvery, HeaderName, TriggerConfig
from engine.triggers.signatures import Auth, NoAuth

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_ORIGIN = re.compile(r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?")
BodyType = Literal["json", "form", "multipart", "text", "base64"]


def _origin(text: str) -> str:
    if text != "*" and not _ORIGIN.fullmatch(text):
        raise ValueError("an origin is expected, such as https://app.example, without a path; or `*` for all")
    return text.lower()


Origin = Annotated[str, Field(max_length=300), AfterValidator(_origin)]


class WebhookConfig(TriggerConfig):
    """Starts when a form or another system sends something to its address; steps see it as `trigger.body`."""

    methods: list[Method] = Field(
        default=["POST"],
        min_length=1,
        max_length=6,
        description="HEAD is answered with 200 and starts nothing: some services ask so whether the address is there.",
    )
    auth: Annotated[Auth, Field(discriminator="type")] = Field(
        default=NoAuth(type="none"),
        description="Whoever sends shows it with each call. Its secret is no part of the workflow: it is set once the "
        "workflow is published.",
    )
    body: BodyType = Field(
        default="json",
        description="How the body is read, whatever the caller says it is. `base64` keeps its bytes as they are.",
    )
    delivery_id_header: HeaderName | None = Field(
        default=None,
        description="A header that is the same when a delivery is repeated, so that it starts one execution only. "
        "The presets of `auth` know theirs.",
    )
    answer: Literal["accepted", "result", "respond"] = Field(
        default="accepted",
        description="`accepted`: 202 at once; `result`: when the execution has ended; `respond`: what a `respond` "
        "node says.",
    )
    answer_seconds: float = Field(
        default=limits.ANSWER_SECONDS,
        gt=0,
        le=limits.ANSWER_SECONDS,
        description="Where an answer takes longer, it is 202 with the URL where it will be.",
    )
    rate_per_minute: int = Field(
        default=limits.HOOK_RATE, ge=1, le=limits.MAX_HOOK_RATE, description="Calls over this get 429."
    )
    cors_origins: list[Origin] = Field(
        default_factory=list,
        max_length=20,
        description="Web pages of these origins may call it from a browser, such as https://app.example; `*` for all.",
    )
    subpaths: bool = Field(default=False, description="Whether calls below the address are taken; see `trigger.path`.")
    expected_every_seconds: ExpectedEvery = None

    @field_validator("methods")
    @classmethod
    def _distinct(cls, methods: list[str]) -> list[str]:
        if len(set(methods)) < len(methods):
            raise ValueError("each method once")
        if methods == ["HEAD"]:
            raise ValueError("HEAD starts nothing; name another method besides")
        return methods

    @model_validator(mode="after")
    def _signed_needs_body(self) -> WebhookConfig:
        if self.auth.signs_body and "GET" in self.methods:
            raise ValueError(f"`{self.auth.type}` signs a body, which GET has none of")
        return self
