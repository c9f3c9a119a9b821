"""The AWS clients and repositories that handlers share: made once for each worker, on first use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from engine.clock import SystemClock
from engine.settings import Settings
from engine.storage.table import Table

if TYPE_CHECKING:
    from engine.services.auth_service import AuthService
    from engine.services.execution_service import ExecutionService
    from engine.services.workflow_service import WorkflowService
    from engine.storage.executions import ExecutionRepository
    from engine.storage.users import UserRepository
    from engine.storage.workflows import WorkflowRepository

settings = Settings.from_environment()
clock = SystemClock()

_config = Config(
    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=3, read_timeout=10, max_pool_connections=50
)
_KEYS_SECONDS = 300


@cache
def client(service: str) -> Any:
    """The worker's client of an AWS service."""
    make: Any = boto3.client  # which of four hundred overloads it is does not matter here
    return make(service, config=_config)


def users() -> UserRepository:
    """The Identity table's repository."""
    from engine.storage.users import UserRepository

    return UserRepository(Table(client("dynamodb"), settings.identity_table))


def workflows() -> WorkflowRepository:
    """The repository of workflows."""
    from engine.storage.workflows import WorkflowRepository

    return WorkflowRepository(Table(client("dynamodb"), settings.automation_table))


def executions() -> ExecutionRepository:
    """The repository of executions."""
    from engine.storage.executions import ExecutionRepository
    from engine.storage.payloads import PayloadStore

    payloads = PayloadStore(lambda: client("s3"), settings.payload_bucket)
    return ExecutionRepository(Table(client("dynamodb"), settings.automation_table), payloads, settings.retention_days)


def signing_keys() -> Mapping[str, str]:
    """The keys that sign access tokens, by id; see `engine.security.tokens`."""
    keys: Mapping[str, str] = _secrets().get(settings.signing_secret, max_age=_KEYS_SECONDS, transform="json")
    return keys


def fresh_signing_keys() -> Mapping[str, str]:
    """The keys read anew, at most once in ten seconds, so that forged key ids cannot make us ask each time."""
    return _fetch_keys(int(clock.now().timestamp()) // 10)


@lru_cache(maxsize=1)
def _fetch_keys(_moment: int) -> Mapping[str, str]:
    keys: Mapping[str, str] = _secrets().get(settings.signing_secret, transform="json", force_fetch=True)
    return keys


@cache
def _secrets() -> Any:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return SecretsProvider(boto3_client=client("secretsmanager"))


@cache
def auth_service() -> AuthService:
    """Sign-in and users."""
    from engine.services.auth_service import AuthService

    return AuthService(users(), signing_keys, clock, open_registration=settings.open_registration)


@cache
def workflow_service() -> WorkflowService:
    """Workflows."""
    from engine.executor import NodeExecutorFactory
    from engine.services.workflow_service import WorkflowService

    return WorkflowService(workflows(), NodeExecutorFactory(), clock)


@cache
def execution_service() -> ExecutionService:
    """Executions."""
    from engine.services.execution_service import ExecutionService, StateMachine

    machine = StateMachine(client("stepfunctions"), settings.state_machine_arn)
    return ExecutionService(executions(), workflows(), machine, clock)
