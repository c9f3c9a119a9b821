"""AWS in memory, with the tables, the bucket, the secret and the state machine that the functions expect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.utilities import dynamo_to_dict

from engine.history.model import Execution
from engine.services.invitations import InvitationService
from engine.storage.dynamodb.table import Table
from engine.storage.executions import ExecutionRepository
from engine.storage.history import HistoryRepository
from engine.storage.indexes import AUTOMATION_INDEXES
from engine.storage.repositories import Repositories
from engine.storage.users import Session, User, UserRepository
from engine.storage.workflows import WorkflowRepository
from engine.storage.workspaces import WorkspaceRepository
from tests.stored import stored_workflow
from tests.unit.invoked import AT, EXECUTION, HASH, SESSION, TRIGGERS, USER, WORKFLOW, WORKSPACE

NOW = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
INDEXES: dict[str, dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "Identity": {"by-list": ("user_list", "id", ())},
    "Automation": AUTOMATION_INDEXES,
}


@dataclass
class FixedClock:
    """A clock that stands still until it is moved."""

    moment: datetime = NOW

    def now(self) -> datetime:
        """The moment."""
        return self.moment

    def pass_time(self, **duration: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**duration)


@dataclass
class Aws:
    """What the functions work on."""

    dynamodb: Any
    s3: Any
    identity: Table
    automation: Table
    clock: FixedClock

    @property
    def users(self) -> UserRepository:
        """The Identity table's repository."""
        return UserRepository(self.identity)

    @property
    def workspaces(self) -> WorkspaceRepository:
        """The Identity table's repository of workspaces."""
        return WorkspaceRepository(self.identity)

    @property
    def invitations(self) -> InvitationService:
        """The service of invitations."""
        return InvitationService(self.workspaces, self.users, self.clock)

    @property
    def repositories(self) -> Repositories:
        """The repositories of the Automation table."""
        return Repositories.of(self.automation, lambda: self.s3, "payloads", 90)

    @property
    def workflows(self) -> WorkflowRepository:
        """The workflows' repository."""
        return self.repositories.workflows

    @property
    def executions(self) -> ExecutionRepository:
        """The executions' repository."""
        return self.repositories.executions

    @property
    def histories(self) -> HistoryRepository:
        """The histories' repository."""
        return self.repositories.histories


def create_table(dynamodb: Any, name: str) -> None:
    attributes = {"PK", "SK", *(key for keys in INDEXES[name].values() for key in keys[:2])}
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in sorted(attributes)],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": partition, "KeyType": "HASH"},
                    {"AttributeName": sort, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(included)}
                if included
                else {"ProjectionType": "KEYS_ONLY"},
            }
            for index, (partition, sort, included) in INDEXES[name].items()
        ],
    )


def items_with(aws: Aws, *attributes: str, without: str = "") -> list[dict[str, Any]]:
    """The items of the Automation table that have these attributes, as they are: nobody calls for them."""
    table = dynamodb_backends[DEFAULT_ACCOUNT_ID][aws.dynamodb.meta.region_name].tables["Automation"]
    every = (item for partition in table.items.values() for item in partition.values())
    found = [item for item in every if without not in item.attrs and all(name in item.attrs for name in attributes)]
    found.sort(key=lambda item: (item.hash_key.cast_value, item.range_key.cast_value))
    return [dynamo_to_dict(dict(item.attrs)) for item in found]


def one_at_a_time(client: Any) -> Any:
    """A client whose calls are atomic, as DynamoDB's are: moto looks at a condition and writes without a lock.

    Only what moto does is locked: a test may hold up a thread before its call, while others go on.
    """
    endpoint = client._endpoint
    send, lock = endpoint.make_request, RLock()

    def locked(*arguments: Any) -> Any:
        with lock:
            return send(*arguments)

    endpoint.make_request = locked
    return client


@pytest.fixture
def aws() -> Iterator[Aws]:
    with aws_in_memory() as found:
        yield found


@contextmanager
def aws_in_memory() -> Iterator[Aws]:
    with mock_aws():
        dynamodb = one_at_a_time(boto3.client("dynamodb"))
        for name in INDEXES:
            create_table(dynamodb, name)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="payloads")
        boto3.client("secretsmanager").create_secret(
            Name="signing", SecretString=json.dumps({"current": "k1", "k1": "x" * 64})
        )
        yield Aws(dynamodb, s3, Table(dynamodb, "Identity"), Table(dynamodb, "Automation"), FixedClock())


@pytest.fixture
def seeded(aws: Aws) -> Aws:
    """Ada, her session, a workflow of hers, and an execution that has not begun."""
    role = boto3.client("iam").create_role(RoleName="states", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    kms, events = boto3.client("kms"), boto3.client("events")
    kms.create_alias(AliasName="alias/platform", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    events.create_event_bus(Name="events")
    boto3.client("scheduler").create_schedule_group(Name="schedules")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    boto3.client("stepfunctions").create_state_machine(name="execution", definition=definition, roleArn=role)
    aws.users.create(User(USER, "ada@example.com", None, HASH, True, True, WORKSPACE, AT), first=True)
    aws.users.add_session(Session(SESSION, USER, WORKSPACE, "hash", "family", 4_000_000_000))
    nodes = [{"id": "a", "type": "transform", "config": {"value": "Hello {{ trigger.body.name }}"}}]
    version = {"nodes": nodes, "triggers": TRIGGERS}
    stored_workflow(aws.workflows, version, WORKSPACE, WORKFLOW)
    execution = Execution(EXECUTION, WORKSPACE, WORKFLOW, 1, "manual", USER, {"body": {"name": "Ada"}}, NOW)
    aws.executions.create(execution, None, "")
    return aws
