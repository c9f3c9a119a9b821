"""The state machines that drive executions and distributed loops, and the rules for drivers that die."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Aws, Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infrastructure.stack.functions import key_through
from infrastructure.stack.machine_names import MachineNames
from infrastructure.stack.nag_findings import acknowledge

DEFINITION = Path(__file__).parent / "execution.asl.json"
MAP_DEFINITION = Path(__file__).parent / "distributed_map.asl.json"


class ExecutionMachines(Construct):
    """The state machines `execution` and `map`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: MachineNames,
        advance: lambda_.IFunction,
        supervisor: lambda_.IFunction,
        automation: dynamodb.ITable,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self._names = names
        self._called = [advance.function_arn, supervisor.function_arn]
        self._automation, self._key = automation, key
        self._substitutions = {
            "AdvanceFunctionArn": advance.function_arn,
            "SupervisorFunctionArn": supervisor.function_arn,
            "AutomationTable": automation.table_name,
            # The services' own ARNs contain the partition, too: a wrong one fails each step, and nothing catches that.
            "InvokeFunction": f"arn:{Aws.PARTITION}:states:::lambda:invoke",
            "UpdateItemAndWait": f"arn:{Aws.PARTITION}:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken",
        }
        self.machine = self._machine("Machine", names.execution, DEFINITION, [])
        # The children of a Distributed Map are executions that the machine starts itself.
        children = iam.PolicyStatement(
            actions=["states:StartExecution"], resources=[names.machine_arn(names.distributed_map)]
        )
        watched = iam.PolicyStatement(
            actions=["states:DescribeExecution", "states:StopExecution"],
            resources=[names.executions_arn(names.distributed_map)],
        )
        self.distributed_map = self._machine(
            "DistributedMap", names.distributed_map, MAP_DEFINITION, [children, watched]
        )
        acknowledge(
            self,
            f"AwsSolutions-IAM5[Resource::{names.executions_finding(names.distributed_map)}]",
            "A Distributed Map watches the children that it started; their names are made by Step Functions.",
        )
        self._rules(supervisor)

    def _machine(
        self, construct_id: str, name: str, definition: Path, more: list[iam.PolicyStatement]
    ) -> sfn.StateMachine:
        role = iam.Role(self, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        statements = [
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=self._called),
            iam.PolicyStatement(actions=["dynamodb:UpdateItem"], resources=[self._automation.table_arn]),
            key_through(self._key, "dynamodb"),
            iam.PolicyStatement(
                actions=[
                    "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords",
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                ],
                resources=["*"],
            ),
            *more,
        ]
        policy = iam.Policy(self, f"{construct_id}Policy", statements=statements, roles=[role])
        acknowledge(policy, "AwsSolutions-IAM5[Resource::*]", "X-Ray's actions have no resources.")
        machine = sfn.StateMachine(
            self,
            construct_id,
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(definition.read_text()),
            definition_substitutions=self._substitutions,
            role=role.without_policy_updates(),
            tracing_enabled=True,
        )
        machine.node.add_dependency(policy)
        acknowledge(
            machine,
            "AwsSolutions-SF1",
            "The history in DynamoDB is the history; logging all events again would cost more than the run.",
        )
        return machine

    def _rules(self, supervisor: lambda_.IFunction) -> None:
        """Create the rules that report dead drivers, and the ones that call recovery for unreported ones."""
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
            targets=[targets.LambdaFunction(supervisor)],
        )
        events.Rule(
            self,
            "EachMinute",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[
                targets.LambdaFunction(
                    supervisor, event=events.RuleTargetInput.from_object({"recover": {}}), retry_attempts=0
                )
            ],
        )
