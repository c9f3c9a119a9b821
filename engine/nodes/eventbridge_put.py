"""`eventbridge_put`: puts an event on an Amazon EventBridge bus."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, JsonValue, field_validator

from engine.errors import NodeError
from engine.json_value import dumps
from engine.nodes.aws_call import AwsConfig, AwsNode
from engine.nodes.base import Completed, NodeResult
from engine.nodes.context import NodeContext


class EventbridgePutConfig(AwsConfig):
    """The bus and the event."""

    bus: str = Field(min_length=1, max_length=1_600, description="ARN of the bus, or its name in this account.")
    source: str = Field(min_length=1, max_length=256, description="Source of the event.")
    detail_type: str = Field(min_length=1, max_length=128, description="What has happened.")
    detail: dict[str, JsonValue] = Field(default_factory=dict, description="The event's content.")
    resources: list[str] = Field(
        default_factory=list, max_length=10, description="ARNs of the resources that the event is about."
    )

    @field_validator("source")
    @classmethod
    def _not_of_aws(cls, source: str) -> str:
        if source.lower().startswith("aws."):
            raise ValueError("sources that begin with `aws.` are reserved by AWS")
        return source


class EventbridgePutNode(AwsNode):
    """Puts an event; gives `{event_id}`."""

    Config = EventbridgePutConfig
    title: ClassVar[str] = "EventBridge event"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"bus": "orders", "source": "shop", "detail_type": "order paid", "detail": {"id": "{{ trigger.body.id }}"}},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Put it.

        Raises:
            NodeError: the event was refused, with EventBridge's own code; and those of AWS calls.
        """
        config = context.config(EventbridgePutConfig, self.raw_config)
        event = {
            "EventBusName": config.bus,
            "Source": config.source,
            "DetailType": config.detail_type,
            "Detail": dumps(config.detail),
            "Resources": config.resources,
        }
        answer = await self.call(context, config, "events", "put_events", {"Entries": [event]})
        entry = answer["Entries"][0]
        if entry.get("ErrorCode"):
            code = str(entry["ErrorCode"])
            is_passing = code in ("ThrottlingException", "InternalFailure")
            raise NodeError(
                f"EventBridge refused the event: {entry.get('ErrorMessage')}", code=f"aws_{code}", retryable=is_passing
            )
        return Completed({"event_id": entry["EventId"]})
