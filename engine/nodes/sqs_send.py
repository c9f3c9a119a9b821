"""`sqs_send`: sends a message to an Amazon SQS queue."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, ClassVar

from pydantic import Field, JsonValue

from engine.nodes.aws_call import AwsConfig, AwsNode, message_attributes, message_text
from engine.nodes.base import Completed, NodeResult
from engine.nodes.context import NodeContext


class SqsSendConfig(AwsConfig):
    """The queue and the message."""

    queue_url: str = Field(min_length=1, max_length=1_000, description="URL of the queue.")
    message: JsonValue = Field(description="The message; anything but a text is sent as JSON.")
    attributes: dict[str, str] = Field(default_factory=dict, max_length=10, description="Message attributes, by name.")
    delay_seconds: int | None = Field(
        default=None, ge=0, le=900, description="Seconds before receivers can see the message."
    )
    group_id: str | None = Field(default=None, min_length=1, max_length=128, description="For FIFO queues.")


class SqsSendNode(AwsNode):
    """Sends a message; gives `{message_id}`. On a FIFO queue an attempt that is made again sends nothing twice."""

    Config = SqsSendConfig
    title: ClassVar[str] = "SQS message"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "queue_url": "https://sqs.eu-central-1.amazonaws.com/111122223333/orders",
            "message": {"order": "{{ trigger.body.id }}"},
        },
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Send it. Raises NodeError as AWS calls do."""
        config = context.config(SqsSendConfig, self.raw_config)
        params: dict[str, Any] = {"QueueUrl": config.queue_url, "MessageBody": message_text(config.message)}
        params |= message_attributes(config.attributes)
        if config.delay_seconds is not None:
            params["DelaySeconds"] = config.delay_seconds
        if config.group_id is not None:
            params["MessageGroupId"] = config.group_id
            params["MessageDeduplicationId"] = sha256(context.idempotency_key.encode()).hexdigest()
        answer = await self.call(context, config, "sqs", "send_message", params)
        return Completed({"message_id": answer["MessageId"]})
