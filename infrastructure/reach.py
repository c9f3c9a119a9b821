"""What nodes may reach in AWS: a role that is assumed to run them, granted only what the deployer names."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from infrastructure.functions import Function
from infrastructure.named_resources import actions_on


class Reach(Construct):
    """The role, and what it may do."""

    def __init__(
        self, scope: Construct, construct_id: str, *, resources: Sequence[str], used_by: Sequence[Function]
    ) -> None:
        super().__init__(scope, construct_id)
        principals = [iam.ArnPrincipal(function.role.role_arn) for function in used_by]
        self.role = iam.Role(self, "Role", assumed_by=iam.CompositePrincipal(*principals))
        statements = [iam.PolicyStatement(actions=list(actions_on(arn)), resources=[arn]) for arn in resources]
        if statements:
            iam.Policy(self, "Policy", statements=statements, roles=[self.role])
        assume = iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[self.role.role_arn])
        for function in used_by:
            function.policy.add_statements(assume)
            function.function.add_environment("MAINSPRING_REACH_ROLE_ARN", self.role.role_arn)
