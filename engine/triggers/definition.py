"""The part of a trigger's definition that all types share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engine import limits
from engine.ids import NODE_ID_PATTERN


class TriggerDefinition(BaseModel):
    """A trigger, which starts a workflow automatically while the workflow is active."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: Annotated[str, Field(pattern=NODE_ID_PATTERN, description="Names the trigger within its workflow.")]
    type: str = Field(min_length=1, max_length=64, description="`schedule`, `webhook` or `event`.")
    name: str | None = Field(default=None, max_length=limits.MAX_NAME_LENGTH, description="For people.")
    config: dict[str, JsonValue] = Field(
        default_factory=dict, description="What its type asks for; see `GET /api/trigger-types`."
    )
