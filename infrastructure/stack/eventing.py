"""What starts workflows automatically and publishes events: buses, schedules, queues, and their targets."""

from __future__ import annotations

from hashlib import sha256

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from engine.aws.event_bus import HEARD_MARK
from infrastructure.stack.functions import Function, Grants
from infrastructure.stack.nag_findings import acknowledge
from infrastructure.stack.storage import LOST_PREFIX, Storage

_OPEN = ["pending", "running", "waiting"]
_ENDED = ["succeeded", "failed", "cancelled", "timed_out"]
_RECORD_AGE = Duration.hours(12)
_STREAM_TRIES = 20
_ENDED_TRIES = 1_000
"""Nothing else reports ended executions, so a record is retried as long as it may be old. The function itself sends
records that can never be published to the dead letters, so that they block nothing."""
_BATCH = 100
DISPATCH_SECONDS = 60


class Eventing(Construct):
    """The bus, the group of schedules, the dead-letter queue, and the inbox for messages.

    They are passed to the functions, which are created later; `connect` then sets the targets.
    """

    def __init__(self, scope: Construct, construct_id: str, *, is_local: bool) -> None:
        super().__init__(scope, construct_id)
        self._stack = Stack.of(self)
        self._is_local = is_local
        self.bus = events.EventBus(self, "Bus", event_bus_name=f"{self._stack.stack_name}-events")
        self.group_name = f"{self._stack.stack_name}-schedules"
        self.group = scheduler.CfnScheduleGroup(self, "Schedules", name=self.group_name)
        self.rule_prefix = f"ms{sha256(self._stack.stack_name.encode()).hexdigest()[:8]}-"
        self.dead_letters = self._queue("DeadLetters", retention=Duration.days(14), enforce_ssl=not is_local)
        acknowledge(self.dead_letters, "AwsSolutions-SQS3", "This is where dead letters are.")
        self.inbox = self._queue(
            "Inbox",
            retention=Duration.days(4),
            enforce_ssl=not is_local,
            visibility_timeout=Duration.seconds(6 * DISPATCH_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=10, queue=self.dead_letters),
        )
        for queue in (self.dead_letters, self.inbox):
            if is_local:
                acknowledge(queue, "AwsSolutions-SQS4", "The emulator listens on loopback, without TLS.")
        self.scheduler_role = iam.Role(
            self,
            "SchedulerRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self._stack.account}}
            ),
        )

    def _queue(
        self,
        construct_id: str,
        *,
        retention: Duration,
        enforce_ssl: bool,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            retention_period=retention,
            enforce_ssl=enforce_ssl,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
            removal_policy=RemovalPolicy.RETAIN,
        )

    # -- permissions of functions ------------------------------------------------------------------------------

    def publishes(self, grants: Grants) -> Grants:
        """Allow publishing on the platform's bus."""
        return grants.on(self.bus.event_bus_arn, "events:PutEvents")

    def reads_stream(self, grants: Grants, table: dynamodb.Table) -> Grants:
        """Allow reading the stream of a table; failed batches are stored, with their records, in the bucket.

        A queue would get only their numbers, and the stream drops records after a day. The function itself sends single
        records that it can never accept to the dead letters.
        """
        bucket = grants.storage.payloads
        return (
            grants.on(
                table.table_stream_arn or "",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:DescribeStream",
            )
            .on("*", "dynamodb:ListStreams")
            .on(self.dead_letters.queue_arn, "sqs:SendMessage")
            .on(bucket.arn_for_objects(f"{LOST_PREFIX}*"), "s3:PutObject")
            .on(bucket.bucket_arn, "s3:ListBucket")
        )

    def reconciles(self, grants: Grants) -> Grants:
        """Allow managing schedules, and rules on the account's bus."""
        # The emulator identifies schedules by their names alone.
        group = "default" if self._is_local else self.group_name
        return (
            grants.on(
                self._arn("scheduler", "schedule", f"{group}/*"),
                *(f"scheduler:{verb}Schedule" for verb in ("Create", "Get", "Update", "Delete")),
            )
            .on("*", "scheduler:ListSchedules", "events:ListRules")
            .on(self.scheduler_role.role_arn, "iam:PassRole")
            .on_all(
                self._rules(),
                *(f"events:{verb}Rule" for verb in ("Put", "Describe", "Delete")),
                "events:PutTargets",
                "events:RemoveTargets",
                "events:ListTargetsByRule",
            )
        )

    def default_bus_arn(self) -> str:
        """Return the ARN of the account's default bus."""
        return self._arn("events", "event-bus", "default")

    def acknowledge_reconciler(self, function: Function) -> None:
        """Accept the wildcards in the permissions for schedules and rules, which are created at run time."""
        reason = "Schedules and rules are named after what users make; the group or prefix is ours."
        prefix = "<AWS::Partition>", "<AWS::Region>", "<AWS::AccountId>"
        partition, region, account = prefix
        group = "default" if self._is_local else self.group_name
        for resource in (
            f"arn:{partition}:scheduler:{region}:{account}:schedule/{group}/*",
            f"arn:{partition}:events:{region}:{account}:rule/{self.rule_prefix}*",
            f"arn:{partition}:events:{region}:{account}:rule/default/{self.rule_prefix}*",
        ):
            acknowledge(function, f"AwsSolutions-IAM5[Resource::{resource}]", reason)

    # -- targets -----------------------------------------------------------------------------------------------

    def connect(self, *, storage: Storage, dispatcher: Function, reconciler: Function, publisher: Function) -> None:
        """Set the targets of the stream, schedules, rules and the inbox."""
        table, self._lost = storage.automation, storage.payloads
        self._connect_stream(
            "Workflows",
            table,
            reconciler,
            {"dynamodb": {"Keys": {"PK": {"S": [{"prefix": "WORKFLOW#"}]}, "SK": {"S": ["META"]}}}},
            {"eventName": ["REMOVE"], "dynamodb": {"Keys": {"PK": {"S": [{"prefix": "RULE#"}]}}}},
            tries=_STREAM_TRIES,  # a workflow that keeps failing is left to the daily reconciliation
        )
        self._connect_stream(
            "Ended",
            table,
            publisher,
            {
                "dynamodb": {
                    "Keys": {"PK": {"S": [{"prefix": "EXECUTION#"}]}, "SK": {"S": ["META"]}},
                    "OldImage": {"status": {"S": _OPEN}},
                    "NewImage": {"status": {"S": _ENDED}, "workspace_key": {"S": [{"exists": True}]}},
                }
            },
            {"eventName": ["INSERT"], "dynamodb": {"Keys": {"PK": {"S": [{"prefix": "MAIL#"}]}}}},
            {
                "eventName": ["INSERT"],  # an approval that asks by mail
                "dynamodb": {
                    "Keys": {"PK": {"S": [{"prefix": "APPROVALS#"}]}},
                    "NewImage": {"check_shard": {"S": [{"exists": True}]}},
                },
            },
            tries=_ENDED_TRIES,
            parallel=4,
        )
        self._connect_dispatch(dispatcher)
        events.Rule(
            self,
            "EachDay",
            schedule=events.Schedule.rate(Duration.days(1)),
            targets=[
                targets.LambdaFunction(
                    reconciler.function, event=events.RuleTargetInput.from_object({"reconcile": {}}), retry_attempts=2
                )
            ],
        )

    def _connect_stream(
        self,
        construct_id: str,
        table: dynamodb.Table,
        function: Function,
        *patterns: dict[str, object],
        tries: int,
        parallel: int = 1,
    ) -> None:
        mapping = lambda_.EventSourceMapping(
            self,
            construct_id,
            target=function.function,
            event_source_arn=table.table_stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=_BATCH,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            parallelization_factor=parallel,  # records of one item stay in order
            retry_attempts=tries,
            max_record_age=_RECORD_AGE,
            filters=[lambda_.FilterCriteria.filter(pattern) for pattern in patterns],
            on_failure=sources.S3OnFailureDestination(self._lost),  # the emulator drops records that fail too often
        )
        mapping.node.add_dependency(function.policy)

    def _connect_dispatch(self, dispatcher: Function) -> None:
        function = dispatcher.function
        policy = iam.Policy(
            self,
            "SchedulerPolicy",
            roles=[self.scheduler_role],
            statements=[
                iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]),
                iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.dead_letters.queue_arn]),
            ],
        )
        function.node.add_dependency(self.group)
        del policy
        # Events without a listener lack that mark and start no function; see engine/services/triggers/listeners.py.
        events.Rule(
            self,
            "Heard",
            event_bus=self.bus,
            event_pattern=events.EventPattern(resources=[HEARD_MARK]),
            targets=[targets.LambdaFunction(function, dead_letter_queue=self.dead_letters)],
        )
        function.add_permission(
            "ByRulesOfDefaultBus",
            principal=iam.ServicePrincipal("events.amazonaws.com"),
            source_arn=self._rules_arn(),
        )
        self.dead_letters.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Rules",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.dead_letters.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": self._rules_arn()}},
            )
        )
        lambda_.EventInvokeConfig(
            self,
            "FiringRetries",
            function=function,
            retry_attempts=2,
            max_event_age=Duration.hours(6),
            on_failure=destinations.SqsDestination(self.dead_letters),
        )
        messages = lambda_.EventSourceMapping(
            self,
            "Messages",
            target=function,
            event_source_arn=self.inbox.queue_arn,
            batch_size=10,
            report_batch_item_failures=True,
        )
        messages.node.add_dependency(dispatcher.policy)

    def _rules(self) -> list[str]:
        """Return the ARNs of the platform's rules on the default bus. The emulator forms some of them differently."""
        if not self._is_local:
            return [self._rules_arn()]
        on_default = self._arn("events", "rule", f"default/{self.rule_prefix}*")
        return [self._rules_arn(), on_default, self.default_bus_arn()]

    def _rules_arn(self) -> str:
        return self._arn("events", "rule", f"{self.rule_prefix}*")

    def _arn(self, service: str, resource: str, name: str) -> str:
        return self._stack.format_arn(
            service=service, resource=resource, resource_name=name, arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )
