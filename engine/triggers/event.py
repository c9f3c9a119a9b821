"""`event`: starts executions when an event on one of the two buses matches a pattern."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from engine.triggers.config import ExpectedEvery, TriggerConfig
from engine.triggers.patterns import check_pattern


class EventConfig(TriggerConfig):
    """Starts when something happens: an event of yours, of the platform, or of the AWS account."""

    bus: Literal["workspace", "account"] = Field(
        default="workspace",
        description="`workspace`: what is sent to `POST /api/events`, and what Mainspring tells of the executions "
        "here. `account`: the AWS account's default bus, such as uploads to S3; only the administrator may save that.",
    )
    pattern: dict[str, JsonValue] = Field(
        description='Such as `{"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}}`.'
    )
    expected_every_seconds: ExpectedEvery = None

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: dict[str, Any]) -> dict[str, Any]:
        check_pattern(pattern)
        return pattern

    @model_validator(mode="after")
    def _check_bus(self) -> EventConfig:
        branches: Any = self.pattern.get("$or", [])
        if self.bus == "workspace" and any("resources" in one for one in (self.pattern, *branches)):
            raise ValueError("`resources` is taken on the workspace's bus: it says whose event it is")
        return self
