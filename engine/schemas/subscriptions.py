"""Bodies of subscriptions and their deliveries."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from engine.schemas.common import Answer, Body, Description

Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
EventTypes = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=64)]], Field(min_length=1, max_length=20)
]


class SubscriptionBody(Body):
    """Where to send which events."""

    url: Url
    events: EventTypes = Field(description="Types, or beginnings with a `*`: `execution.failed`, `execution.*`, `*`.")
    description: Description | None = None


class SubscriptionChange(Body):
    """What to change."""

    url: Url | None = None
    events: EventTypes | None = None
    description: Description | None = None
    is_enabled: bool | None = None


class SubscriptionAnswer(Answer):
    """A subscription."""

    id: str
    url: str
    events: list[str]
    description: str | None
    is_enabled: bool
    disabled_reason: str | None
    failing_since: str | None
    paused_until: str | None = Field(
        description="Behind several failed attempts nothing is sent until then; then one attempt finds out."
    )
    created_at: str
    updated_at: str


class SubscriptionWithSecret(SubscriptionAnswer):
    """A subscription and its secret, which is told this once."""

    secret: str = Field(description="Of Standard Webhooks: `whsec_` and base64.")


class SubscriptionList(Answer):
    """All subscriptions of the workspace."""

    items: list[SubscriptionAnswer]
    next_cursor: str | None


class AttemptAnswer(Answer):
    """One attempt to send."""

    at: str
    status: int | None
    error: str | None
    milliseconds: int


class DeliverySummary(Answer):
    """One event for one subscription: `pending`, `delivered` or `failed`."""

    id: str
    type: str
    status: str
    created_at: str
    next_at: str | None = Field(description="When the next attempt is due.")
    attempts: list[AttemptAnswer]


class DeliveryAnswer(DeliverySummary):
    """A delivery with what was sent."""

    body: str


class DeliveryList(Answer):
    """A page of deliveries, the newest first."""

    items: list[DeliverySummary]
    next_cursor: str | None
