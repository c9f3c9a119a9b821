"""Shared by nodes that call AWS: the role that they use, and values in the form that AWS accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from engine.errors import NodeError
from engine.json_value import dumps
from engine.nodes.base import BaseNode, NodeConfig
from engine.nodes.context import IntegrationName, NodeContext


class AwsConfig(NodeConfig):
    """The role for the call."""

    integration: IntegrationName | None = Field(
        default=None,
        description="A role in your AWS account. Default: the resources that the deployer has named.",
    )


def message_text(message: Any) -> str:
    """Return a message as it is sent: a text as it is, anything else as JSON."""
    return message if isinstance(message, str) else dumps(message)


def message_attributes(attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return message attributes in the form of SQS and SNS; none if there are none."""
    if not attributes:
        return {}
    typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    return {"MessageAttributes": typed}


class AwsNode(BaseNode):
    """Base of the nodes that call AWS."""

    group: ClassVar[str] = "AWS"
    icon: ClassVar[str] = "cloud"
    integrations: ClassVar[tuple[str, ...]] = ("aws_role",)

    async def call(
        self, context: NodeContext, config: AwsConfig, service: str, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make one call to AWS.

        Raises:
            NodeError: `not_granted`, `connection_failed`, or AWS's own code as `aws_…`.
        """
        from engine.integrations.aws_role import AwsRole

        role = None
        if config.integration is not None:
            opened = await context.integration(config.integration, self.integrations)
            if not isinstance(opened, AwsRole):
                raise NodeError("config.integration: an `aws_role` is expected", code="config")
            role = opened.role
        return await context.aws(service, operation, params, role)
