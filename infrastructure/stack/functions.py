"""The Lambda functions, each with a role of its own that allows what its code does and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infrastructure.stack.nag_findings import acknowledge, logical_id
from infrastructure.stack.storage import DRAFT_PREFIX, FILE_PREFIX, LOST_PREFIX, PAYLOAD_PREFIX, Storage

if TYPE_CHECKING:
    from infrastructure.stack.machine_names import MachineNames

ADVANCE_SECONDS = 300
SUPERVISOR_SECONDS = 60
RECONCILER_SECONDS = 900
ENCRYPT = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey")


@dataclass(frozen=True)
class Code:
    """The code and settings that every function shares."""

    functions: lambda_.Code
    layer: lambda_.ILayerVersion
    architecture: lambda_.Architecture
    runtime: lambda_.Runtime


@dataclass
class Grants:
    """The statements of one function's policy."""

    storage: Storage
    statements: list[iam.PolicyStatement] = field(default_factory=list)
    key_users: list[str] = field(default_factory=lambda: ["dynamodb", "s3"])
    """The services that use the key for the function."""

    def table(self, table: dynamodb.Table, *actions: str, indexes: Sequence[str] = ()) -> Grants:
        """Allow item actions on a table, and Query on some of its indexes."""
        self._allow([f"dynamodb:{action}" for action in actions], [table.table_arn])
        if indexes:
            self._allow(["dynamodb:Query"], [f"{table.table_arn}/index/{index}" for index in indexes])
        return self

    def payloads(self, *actions: str) -> Grants:
        """Allow object actions on large payloads."""
        self._allow(
            [f"s3:{action}" for action in actions], [self.storage.payloads.arn_for_objects(f"{PAYLOAD_PREFIX}*")]
        )
        return self

    def drafts(self, *actions: str) -> Grants:
        """Allow object actions on large drafts."""
        self._allow([f"s3:{action}" for action in actions], [self.storage.payloads.arn_for_objects(f"{DRAFT_PREFIX}*")])
        return self

    def files(self) -> Grants:
        """Allow reading and writing the workspaces' files."""
        objects = self.storage.payloads.arn_for_objects(f"{FILE_PREFIX}*")
        self._allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [objects])
        return self.file_names()

    def file_names(self) -> Grants:
        """Allow listing the workspaces' files."""
        listed = iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.storage.payloads.bucket_arn])
        listed.add_condition("StringLike", {"s3:prefix": f"{FILE_PREFIX}*"})
        self.statements.append(listed)
        return self

    def signing_keys(self) -> Grants:
        """Allow reading the keys that sign access tokens."""
        self._allow(["secretsmanager:GetSecretValue"], [self.storage.signing_secret_arn])
        self.key_users.append("secretsmanager")
        return self

    def secrets(self, kind: str) -> Grants:
        """Allow encrypting and decrypting secrets of one kind, by the encryption context of their place."""
        place = {"StringLike": {"kms:EncryptionContext:workspace": "*", f"kms:EncryptionContext:{kind}": "*"}}
        statement = iam.PolicyStatement(
            actions=["kms:Encrypt", "kms:Decrypt"],
            resources=[self.storage.key.key_arn],
            conditions=None if self.storage.is_local else place,  # the emulator does not have these keys
        )
        self.statements.append(statement)
        return self

    def starting(self, names: MachineNames) -> Grants:
        """Allow starting executions, and stopping another one where that is required."""
        return (
            self.table(self.storage.automation, "GetItem", "PutItem", "UpdateItem", "Query", "DeleteItem")
            .payloads("GetObject", "PutObject")
            .on(names.machine_arn(names.execution), "states:StartExecution")
            .on(names.executions_arn(names.execution), "states:StopExecution")
        )

    def driving(self, names: MachineNames) -> Grants:
        """Allow starting, stopping and resuming executions."""
        # AWS finds the machine of a task token and checks its ARN: refusals name it, though the list of resources
        # has none for this action. The emulator checks no resource for it. The children of a Map are executions of a
        # machine that is named after the Map.
        machines = [
            names.machine_arn(names.execution),
            names.machine_arn(names.distributed_map),
            names.map_workers_arn(),
        ]
        for arn in ["*"] if self.storage.is_local else machines:
            self.on(arn, "states:SendTaskSuccess")
        return (
            self.payloads("GetObject", "PutObject")
            .on(names.machine_arn(names.execution), "states:StartExecution")
            .on(names.executions_arn(names.execution), "states:StopExecution")
            .on(names.executions_arn(names.distributed_map), "states:StopExecution")
        )

    def mailing(self, identities: Sequence[str]) -> Grants:
        """Allow sending mail as these identities of SES, where there are any."""
        if identities:
            self._allow(["ses:SendEmail", "ses:SendRawEmail"], list(identities))
        return self

    def on(self, resource: str, *actions: str) -> Grants:
        """Allow actions on one resource."""
        self._allow(list(actions), [resource])
        return self

    def on_all(self, resources: list[str], *actions: str) -> Grants:
        """Allow the same actions on several resources."""
        self._allow(list(actions), resources)
        return self

    def _allow(self, actions: list[str], resources: list[str]) -> None:
        self.statements.append(iam.PolicyStatement(actions=actions, resources=resources))


class Function(Construct):
    """One function with its log group and role."""

    def __init__(  # noqa: PLR0913 - what makes functions different
        self,
        scope: Construct,
        name: str,
        *,
        code: Code,
        grants: Grants,
        environment: dict[str, str],
        memory: int = 512,
        timeout: int = 29,
        disk: Size | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
    ) -> None:
        super().__init__(scope, name.capitalize())
        log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        statements = [
            *grants.statements,
            key_through(grants.storage.key, *grants.key_users),
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
            ),
            iam.PolicyStatement(actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"]),
        ]
        self.policy = iam.Policy(self, "Policy", statements=statements, roles=[self.role])
        _acknowledge(self, grants)
        self.function = lambda_.Function(
            self,
            "Function",
            handler=f"functions.{name}.handler.handler",
            code=code.functions,
            layers=[code.layer, *layers],
            runtime=code.runtime,
            architecture=code.architecture,
            memory_size=memory,
            timeout=Duration.seconds(timeout),
            ephemeral_storage_size=disk,
            role=self.role.without_policy_updates(),
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            environment={
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **environment,
            },
        )
        self.function.node.add_dependency(self.policy)


def key_through(key: kms.IKey, *services: str) -> iam.PolicyStatement:
    """Allow services that store encrypted data to use the key, and nobody to use it directly."""
    stack = Stack.of(key)
    through = [f"{service}.{stack.region}.{stack.url_suffix}" for service in services]
    return iam.PolicyStatement(
        actions=list(ENCRYPT), resources=[key.key_arn], conditions={"StringEquals": {"kms:ViaService": through}}
    )


def _acknowledge(function: Function, grants: Grants) -> None:
    acknowledge(
        function,
        "AwsSolutions-IAM5[Resource::*]",
        "X-Ray's actions have no resources: their policies must name *.",
    )
    stack_bucket = grants.storage.payloads
    acknowledge(
        function,
        f"AwsSolutions-IAM5[Resource::<{logical_id(stack_bucket)}.Arn>/{PAYLOAD_PREFIX}*]",
        "The names of payload objects are hashes of their content; the prefix is all that can be named.",
    )
    acknowledge(
        function,
        f"AwsSolutions-IAM5[Resource::<{logical_id(stack_bucket)}.Arn>/{DRAFT_PREFIX}*]",
        "Drafts are of all workflows and people; the prefix is all that can be named.",
    )
    acknowledge(
        function,
        f"AwsSolutions-IAM5[Resource::<{logical_id(stack_bucket)}.Arn>/{FILE_PREFIX}*]",
        "Files have the names that users give them, each below its workspace's prefix.",
    )
    acknowledge(
        function,
        f"AwsSolutions-IAM5[Resource::<{logical_id(stack_bucket)}.Arn>/{LOST_PREFIX}*]",
        "Lambda names what a reader of a stream could not take.",
    )
    acknowledge(
        function, "AwsSolutions-L1", "Python 3.13 is supported until 2029; the layer's wheels are built for it."
    )
