"""Bodies of what the platform says about itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.schemas.common import Answer


class Health(Answer):
    """It is up."""

    status: Literal["ok"]


class NodeTypeAnswer(Answer):
    """A node type, as a form or a program needs it."""

    type: str
    title: str
    description: str
    ports: list[str]
    group: str = Field(description="Under which heading an editor offers it.")
    icon: str = Field(description="A name of the Lucide icon set.")
    effect: Literal["none", "read", "idempotent", "write"] = Field(
        description="What running it does outside: nothing, it only asks, twice is as once, or it may add up."
    )
    integrations: list[str] = Field(description="Types that `integration` in its config may be of; `*` is any.")
    examples: list[dict[str, Any]] = Field(description="Configs that are right.")
    has_body: bool = Field(description="Whether it is a loop, with nodes of its own in `body`.")
    default_timeout_seconds: float
    config_schema: dict[str, Any] = Field(
        description="With `x-mainspring` for forms beside fields: `widget`, `when`, `advanced`, `literal`, `titles`."
    )
    ports_from: str | None = Field(description="Where in a config further ports are named: `config.cases[].port`.")
    output_schema: dict[str, Any] | None = Field(description="JSON Schema of its outputs, where it is known.")
    output_examples: list[Any]
    retry_schema: dict[str, Any]


class ReferencePage(Answer):
    """A page of the reference."""

    id: str
    title: str
    group: str
    markdown: str


class ReferenceAnswer(Answer):
    """The reference."""

    pages: list[ReferencePage]


class NodeTypeList(Answer):
    """All node types."""

    items: list[NodeTypeAnswer]
    next_cursor: str | None
