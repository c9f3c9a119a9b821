"""Bodies of integrations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from engine.ids import is_id
from engine.schemas.common import Answer, Body, Description


def _usable(name: str) -> str:
    if is_id(name):
        raise ValueError("a name must not look like an id")
    if "{{" in name or not name.isprintable():
        raise ValueError("a name holds no templates and no control characters")
    return name


IntegrationLabel = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_usable)
]


class IntegrationBody(Body):
    """A new integration."""

    name: IntegrationLabel = Field(description="What nodes call it; each name is there once in a workspace.")
    type: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    description: Description | None = None
    config: dict[str, JsonValue] = Field(description="As the type's schema says, secrets included.")


class IntegrationChange(Body):
    """What to change."""

    name: IntegrationLabel | None = None
    description: Description | None = None
    config: dict[str, JsonValue] | None = Field(
        default=None,
        description="What of the config changes. What is left out stays, null takes away what was given. Secrets stay "
        "unless an address changes to which they may go; then give them again.",
    )


class IntegrationAnswer(Answer):
    """An integration, without its secrets."""

    id: str
    name: str
    type: str
    description: str | None
    config: dict[str, Any]
    secrets: list[str] = Field(description="The names of the secrets that are set.")
    hosts: list[str] = Field(description="Where its secrets may be sent.")
    status: Literal["ready", "not_connected"]
    status_reason: str | None = None
    version: int
    created_at: str
    updated_at: str


class IntegrationList(Answer):
    """All integrations of the workspace."""

    items: list[IntegrationAnswer]
    next_cursor: str | None


class TestAnswer(Answer):
    """Whether an integration works."""

    __test__ = False

    ok: bool
    code: str | None = Field(description="What is wrong, for programs.")
    message: str
    milliseconds: int


class UsingNodeAnswer(Answer):
    """A node that names the integration."""

    id: str
    name: str | None
    type: str


class UsageAnswer(Answer):
    """A workflow whose published or newest version names the integration."""

    workflow_id: str
    name: str
    is_active: bool
    by: Literal["name", "id"]
    nodes: list[UsingNodeAnswer] = Field(description="The nodes that name it, of the first 100 workflows.")


class UsageList(Answer):
    """All of them."""

    items: list[UsageAnswer]
    next_cursor: str | None


class ConsentAnswer(Answer):
    """Where to go in a browser to agree."""

    url: str
    expires_at: str


class ActionAnswer(Answer):
    """An action of an integration type."""

    name: str
    title: str
    description: str
    effect: Literal["none", "read", "idempotent", "write"]
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]


class IntegrationTypeAnswer(Answer):
    """An integration type, as a form or a program needs it."""

    type: str
    title: str
    description: str
    group: str
    icon: str
    is_connected_by_people: bool
    sends_mail: bool = Field(description="Whether a workspace may choose one of it as its `mail_integration`.")
    config_schema: dict[str, Any]
    secrets: list[str]
    actions: list[ActionAnswer]
    examples: list[dict[str, Any]]


class IntegrationTypeList(Answer):
    """All integration types."""

    items: list[IntegrationTypeAnswer]
    next_cursor: str | None
