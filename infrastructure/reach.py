"""What nodes may reach in AWS: a role that is assumed to run them, granted only what the deployer names."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from infrastructure.acknowledge import acknowledge
from infrastructure.functions import Function
from infrastructure.named_resources import actions_on, service_of

_ACTIONS_OF_EMULATOR = {"bedrock": ["bedrock:Converse"]}
"""On AWS Converse is allowed by `bedrock:InvokeModel`; the emulator asks for an action of that name."""
_NAMELESS = frozenset({"ses", "bedrock"})
"""Services whose resources the emulator does not know when it evaluates policies."""


class Reach(Construct):
    """The role, and what it may do."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        resources: Sequence[str],
        used_by: Sequence[Function],
        is_local: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        principals = [iam.ArnPrincipal(function.role.role_arn) for function in used_by]
        self.role = iam.Role(self, "Role", assumed_by=iam.CompositePrincipal(*principals))
        statements = [
            iam.PolicyStatement(
                actions=[*actions_on(arn), *(_ACTIONS_OF_EMULATOR.get(service_of(arn), ()) if is_local else ())],
                resources=["*" if is_local and service_of(arn) in _NAMELESS else arn],
            )
            for arn in resources
        ]
        if statements:
            policy = iam.Policy(self, "Policy", statements=statements, roles=[self.role])
            if is_local:
                acknowledge(policy, "AwsSolutions-IAM5[Resource::*]", "Only in the emulator, which knows no better.")
        assume = iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[self.role.role_arn])
        for function in used_by:
            function.policy.add_statements(assume)
            function.function.add_environment("MAINSPRING_REACH_ROLE_ARN", self.role.role_arn)
