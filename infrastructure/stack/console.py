"""The function that serves the console: no layer, and a role that may only write its log."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infrastructure.stack.nag_findings import acknowledge

CONSOLE_MB = 256
CONSOLE_SECONDS = 10


class Console(Construct):
    """The console's function, with its log group and role."""

    def __init__(self, scope: Construct, construct_id: str, *, content: Path) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        writing = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
        )
        policy = iam.Policy(self, "Policy", statements=[writing], roles=[self.role])
        self.function = lambda_.Function(
            self,
            "Function",
            handler="functions.console.handler.handler",
            code=lambda_.Code.from_asset(str(content)),
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=CONSOLE_MB,
            timeout=Duration.seconds(CONSOLE_SECONDS),
            role=self.role.without_policy_updates(),
            log_group=log_group,
        )
        self.function.node.add_dependency(policy)
        acknowledge(self, "AwsSolutions-L1", "Python 3.13 is supported until 2029; all functions have it.")
