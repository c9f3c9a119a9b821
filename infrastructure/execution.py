"""The state machine that drives executions, and what happens when one of its executions dies."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Aws, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infrastructure.acknowledge import acknowledge, logical_id

DEFINITION = Path(__file__).parent / "execution.asl.json"


class ExecutionMachine(Construct):
    """The state machine `execution`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, advance: lambda_.IFunction, abort: lambda_.IFunction
    ) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        invoke = iam.PolicyStatement(
            actions=["lambda:InvokeFunction"], resources=[advance.function_arn, abort.function_arn]
        )
        trace = iam.PolicyStatement(
            actions=[
                "xray:PutTraceSegments",
                "xray:PutTelemetryRecords",
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
            ],
            resources=["*"],
        )
        policy = iam.Policy(self, "Policy", statements=[invoke, trace], roles=[role])
        acknowledge(self, "AwsSolutions-IAM5[Resource::*]", "X-Ray's actions have no resources.")
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            definition_body=sfn.DefinitionBody.from_string(DEFINITION.read_text()),
            definition_substitutions={
                "AdvanceFunctionArn": advance.function_arn,
                "AbortFunctionArn": abort.function_arn,
            },
            role=role.without_policy_updates(),
            tracing_enabled=True,
        )
        self.machine.node.add_dependency(policy)
        acknowledge(
            self.machine,
            "AwsSolutions-SF1",
            "The journal in DynamoDB is the history; logging all events again would cost more than the run.",
        )
        # An execution stopped from outside, or over a limit of Step Functions, never reaches Abort by itself.
        events.Rule(
            self,
            "DriverDied",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                    "stateMachineArn": [self.machine.state_machine_arn],
                },
            ),
            targets=[targets.LambdaFunction(abort)],
        )

    def executions_arn(self) -> str:
        """The ARN of any execution of the machine."""
        region, account = Stack.of(self).region, Stack.of(self).account
        name = self.machine.state_machine_name
        return f"arn:{Aws.PARTITION}:states:{region}:{account}:execution:{name}:*"

    def executions_finding(self) -> str:
        """How cdk-nag writes that ARN."""
        name = logical_id(self.machine)
        return f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<{name}.Name>:*"
