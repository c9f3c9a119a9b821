"""`delay`: waits for some seconds, or until a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from pydantic import AwareDatetime, Field, model_validator

from engine import limits
from engine.clock import format_time
from engine.errors import NodeError
from engine.nodes.base import BaseNode, NodeConfig, NodeResult, WaitUntil
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect


class DelayConfig(NodeConfig):
    """How long to wait: exactly one of the two."""

    seconds: float | None = Field(default=None, ge=0, le=limits.MAX_DELAY, description="Seconds to wait.")
    until: AwareDatetime | None = Field(
        default=None, description="Time until which to wait, in RFC 3339 with an offset: `2026-12-24T18:00:00Z`."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> DelayConfig:
        if (self.seconds is None) == (self.until is None):
            raise ValueError("give either `seconds` or `until`")
        return self


class DelayNode(BaseNode):
    """Waits for some seconds or until a time, at no cost. A time in the past does not wait."""

    Config = DelayConfig
    title: ClassVar[str] = "Wait"
    group: ClassVar[str] = "Flow"
    icon: ClassVar[str] = "timer"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"seconds": 30},
        {"until": "{{ trigger.body.remind_at }}"},
    )
    effect: ClassVar[Effect] = "none"

    async def execute(self, context: NodeContext) -> NodeResult:
        """Wait; the output is `{"until": …}`, the time at which the execution continues."""
        config = context.config(DelayConfig, self.raw_config)
        until = config.until or context.now + timedelta(seconds=config.seconds or 0)
        if until - context.now > timedelta(seconds=limits.MAX_DELAY):
            days = limits.MAX_DELAY // 86_400
            raise NodeError(f"config.until: a delay lasts at most {days} days", code="config")
        return WaitUntil(until, {"until": format_time(until)})
