"""The AWS permissions of nodes: each workspace has a role that its nodes use, with grants for its named resources.

The roles' names follow from the workspaces' ids, so nodes need no look-up, and IAM itself isolates the workspaces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infrastructure.stack.functions import Function
from infrastructure.stack.nag_findings import acknowledge
from infrastructure.stack.named_resources import actions_on, service_of

_ACTIONS_OF_EMULATOR = {"bedrock": ["bedrock:Converse"]}
"""On AWS `bedrock:InvokeModel` allows Converse; the emulator requires an action of that name."""
_NAMELESS = frozenset({"ses", "bedrock"})
"""Services whose resources the emulator ignores when it evaluates policies."""


class NodeRoles(Construct):
    """The roles and their permissions."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        resources: Mapping[str, Sequence[str]],
        used_by: Sequence[Function],
        is_local: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._is_local = is_local
        self._principals = [iam.ArnPrincipal(function.role.role_arn) for function in used_by]
        name = f"mainspring-{Aws.REGION}-"  # IAM names are global to all regions, and have at most 64 characters
        self.role_prefix = Stack.of(self).format_arn(service="iam", region="", resource="role", resource_name=name)
        roles = [self._role(f"{name}{workspace}", workspace, arns) for workspace, arns in sorted(resources.items())]
        for function in used_by if roles else ():
            function.policy.add_statements(
                iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[role.role_arn for role in roles])
            )
            function.function.add_environment("MAINSPRING_NODE_ROLE_PREFIX", self.role_prefix)

    def _role(self, name: str, workspace: str, arns: Sequence[str]) -> iam.Role:
        role = iam.Role(
            self,
            f"Role{workspace}",
            role_name=name,
            description=f"Runs the nodes of workspace {workspace}",
            assumed_by=iam.CompositePrincipal(*self._principals),
        )
        policy = iam.Policy(self, f"Policy{workspace}", statements=[self._granted(arn) for arn in arns], roles=[role])
        if self._is_local:
            acknowledge(policy, "AwsSolutions-IAM5[Resource::*]", "Only in the emulator, which knows no better.")
        return role

    def _granted(self, arn: str) -> iam.PolicyStatement:
        service = service_of(arn)
        more = _ACTIONS_OF_EMULATOR.get(service, ()) if self._is_local else ()
        return iam.PolicyStatement(
            actions=[*actions_on(arn), *more], resources=["*" if self._is_local and service in _NAMELESS else arn]
        )
