"""`sns_publish`: publishes to an Amazon SNS topic."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, JsonValue

from engine.nodes.aws_call import AwsConfig, AwsNode, message_attributes, message_text
from engine.nodes.base import Completed, NodeResult
from engine.nodes.context import NodeContext


class SnsPublishConfig(AwsConfig):
    """The topic and the message."""

    topic_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$", description="ARN of the topic."
    )
    message: JsonValue = Field(description="The message; anything but a text is sent as JSON.")
    subject: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        pattern=r"^[\x20-\x7e]+$",
        description="Subject for subscribers by e-mail.",
    )
    attributes: dict[str, str] = Field(default_factory=dict, max_length=10, description="Message attributes, by name.")


class SnsPublishNode(AwsNode):
    """Publishes a message to all who have subscribed to a topic; gives `{message_id}`."""

    Config = SnsPublishConfig
    title: ClassVar[str] = "SNS message"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"topic_arn": "arn:aws:sns:eu-central-1:111122223333:alerts", "message": "{{ nodes.check.text }}"},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Publish it. Raises NodeError as AWS calls do."""
        config = context.config(SnsPublishConfig, self.raw_config)
        params: dict[str, Any] = {"TopicArn": config.topic_arn, "Message": message_text(config.message)}
        params |= message_attributes(config.attributes)
        if config.subject is not None:
            params["Subject"] = config.subject
        answer = await self.call(context, config, "sns", "publish", params)
        return Completed({"message_id": answer["MessageId"]})
