"""The AWS clients and repositories that handlers share: made once for each worker, on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from engine.clock import SystemClock
from engine.settings import Settings
from engine.storage.table import Table

if TYPE_CHECKING:
    from engine.services.admission import Admission
    from engine.services.auth_service import AuthService
    from engine.services.closing import Closing
    from engine.services.conductor import Conductor
    from engine.services.execution_service import ExecutionService
    from engine.services.signal_service import SignalService
    from engine.services.starting import Starter
    from engine.services.state_machine import StateMachine
    from engine.services.sweeper import Sweeper
    from engine.services.workflow_service import WorkflowService
    from engine.storage.stores import Stores
    from engine.storage.users import UserRepository

settings = Settings.from_environment()
clock = SystemClock()

_config = Config(
    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=3, read_timeout=10, max_pool_connections=50
)
_KEYS_SECONDS = 300


_wanted: dict[str, Callable[[Any], None]] = {}


@cache
def client(service: str) -> Any:
    """The worker's client of an AWS service."""
    make: Any = boto3.client  # which of four hundred overloads it is does not matter here
    made = make(service, config=_config)
    if service in _wanted:
        _wanted[service](made)
    return made


def when_made(service: str, use: Callable[[Any], None]) -> None:
    """Do something with a client once it is made, which for most services is only when it is needed."""
    _wanted[service] = use


def users() -> UserRepository:
    """The Identity table's repository."""
    from engine.storage.users import UserRepository

    return UserRepository(Table(client("dynamodb"), settings.identity_table))


@cache
def stores() -> Stores:
    """The repositories of the Automation table."""
    from engine.storage.stores import Stores

    table = Table(client("dynamodb"), settings.automation_table)
    return Stores.of(table, lambda: client("s3"), settings.payload_bucket, settings.retention_days)


@cache
def machine() -> StateMachine:
    """The state machines."""
    from engine.services.state_machine import StateMachine

    return StateMachine(client("stepfunctions"), settings.state_machine_arn, settings.fan_out_machine_arn)


@cache
def _admission() -> Admission:
    from engine.services.admission import Admission

    return Admission(stores(), machine(), clock)


@cache
def _starter() -> Starter:
    from engine.services.starting import Starter

    return Starter(stores(), _admission(), machine(), clock)


@cache
def _closing() -> Closing:
    from engine.services.closing import Closing

    return Closing(stores(), _admission(), _starter(), machine(), clock)


@cache
def conductor() -> Conductor:
    """What starts and drives on executions."""
    from engine.services.conductor import Conductor

    return Conductor(stores(), _starter(), _closing(), machine(), clock)


@cache
def sweeper() -> Sweeper:
    """What looks after executions."""
    from engine.services.sweeper import Sweeper

    return Sweeper(stores(), _admission(), _closing(), conductor(), machine(), clock)


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

    return WorkflowService(stores().workflows, NodeExecutorFactory(), clock)


@cache
def execution_service() -> ExecutionService:
    """Executions."""
    from engine.services.execution_service import ExecutionService

    return ExecutionService(stores(), _starter(), _closing())


@cache
def signal_service() -> SignalService:
    """Answers to what waits."""
    from engine.services.signal_service import SignalService

    return SignalService(stores(), _closing(), clock)
