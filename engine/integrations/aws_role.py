"""A role of an AWS account, assumed with an external id that is ours."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from engine.aws.assumed_role import Role
from engine.integrations.base import BaseIntegration, IntegrationConfig


class AwsRoleConfig(IntegrationConfig):
    """The role and its region."""

    role_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}$",
        description="The deployer names it too. Its trust policy names the role of the workspace, whose ARN is the "
        "stack's output `NodeRolePrefix` and the workspace's id, and this integration's id as `sts:ExternalId`.",
    )
    region: str | None = Field(default=None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="Default: the stack's.")


class AwsRole(BaseIntegration):
    """A role in your AWS account, for the nodes that call AWS."""

    Config = AwsRoleConfig
    title: ClassVar[str] = "AWS role"
    group: ClassVar[str] = "AWS"
    icon: ClassVar[str] = "cloud"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"role_arn": "arn:aws:iam::111122223333:role/mainspring", "region": "eu-central-1"},
    )

    @property
    def role(self) -> Role:
        """What to assume."""
        return Role(self.config.role_arn, self.runtime.integration_id, self.config.region)

    async def test(self) -> str:
        """Assumes the role, and asks who it is."""
        answer = await self.runtime.aws(self.role, "sts", "get_caller_identity", {})
        return f"assumed {answer['Arn']}"
