"""The function that runs users' code: no layer, no settings, and a role without permissions."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infrastructure.stack.nag_findings import acknowledge

SANDBOX_SECONDS = 80
SANDBOX_MB = 1024


class Sandbox(Construct):
    """The sandbox's function. It may not even write its log; the output of code is in the response."""

    def __init__(self, scope: Construct, construct_id: str, *, content: Path) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.function = lambda_.Function(
            self,
            "Function",
            handler="functions.sandbox.handler.handler",
            code=lambda_.Code.from_asset(str(content)),
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=SANDBOX_MB,
            timeout=Duration.seconds(SANDBOX_SECONDS),
            role=self.role.without_policy_updates(),
            log_group=logs.LogGroup(
                self, "Logs", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
            ),
        )
        acknowledge(self, "AwsSolutions-L1", "Python 3.13 is supported until 2029; users' code is checked against it.")
