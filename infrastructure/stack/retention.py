"""The function that removes expired executions: a separate one, as no other function may remove their data."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infrastructure.stack.functions import Code, Function, Grants
from infrastructure.stack.storage import DRAFT_PREFIX, PAYLOAD_PREFIX, Storage

RETENTION_SECONDS = 900


class Retention(Construct):
    """The retention function, and the rules that call it. What a lost call leaves is due at the next one."""

    def __init__(self, scope: Construct, construct_id: str, *, storage: Storage, code: Code) -> None:
        super().__init__(scope, construct_id)
        grants = (
            Grants(storage)
            .table(
                storage.automation, "GetItem", "BatchGetItem", "Query", "UpdateItem", "DeleteItem",
                "BatchWriteItem", indexes=["by-check"],
            )
            .payloads("DeleteObject")
            .drafts("DeleteObject")
        )  # fmt: skip
        listed = iam.PolicyStatement(actions=["s3:ListBucket"], resources=[storage.payloads.bucket_arn])
        listed.add_condition("StringLike", {"s3:prefix": [f"{PAYLOAD_PREFIX}*", f"{DRAFT_PREFIX}*"]})
        grants.statements.append(listed)
        self.function = Function(
            scope,
            "retention",
            code=code,
            grants=grants,
            environment={
                "MAINSPRING_AUTOMATION_TABLE": storage.automation.table_name,
                "MAINSPRING_PAYLOAD_BUCKET": storage.payloads.bucket_name,
            },
            timeout=RETENTION_SECONDS,
        )
        self._call("Purge", Duration.minutes(15), "purge")
        self._call("Orphans", Duration.days(1), "orphans")

    def _call(self, construct_id: str, every: Duration, what: str) -> None:
        events.Rule(
            self,
            construct_id,
            schedule=events.Schedule.rate(every),
            targets=[
                targets.LambdaFunction(
                    self.function.function, event=events.RuleTargetInput.from_object({what: {}}), retry_attempts=2
                )
            ],
        )
