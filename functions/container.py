"""The AWS clients and repositories that handlers share: made once for each worker, on first use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from threading import RLock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from engine import limits
from engine.clock import SystemClock
from engine.storage.dynamodb.table import Table
from functions.settings import Settings

if TYPE_CHECKING:
    from engine.aws.event_bus import Bus
    from engine.aws.step_functions import StateMachine
    from engine.security.secrets import SecretBox
    from engine.services.auth import AuthService
    from engine.services.events.publish import Publisher
    from engine.services.executions.concurrency import ConcurrencyLimits
    from engine.services.executions.finalization import Finalization
    from engine.services.executions.recovery import Recovery
    from engine.services.executions.retention import Retention
    from engine.services.executions.start import Starter
    from engine.services.executions.supervisor import Supervisor
    from engine.services.invitations import InvitationService
    from engine.services.mail.outbox import Outbox
    from engine.services.passwords import PasswordService
    from engine.services.people import People
    from engine.services.triggers.dispatch import Dispatcher
    from engine.services.triggers.listeners import ListenerIndex
    from engine.services.triggers.reconcile import Reconciler
    from engine.services.triggers.webhook_response import WebhookResponder
    from engine.services.triggers.webhooks import WebhookService
    from engine.storage.api_keys import ApiKeyRepository
    from engine.storage.repositories import Repositories
    from engine.storage.users import UserRepository
    from engine.storage.workspaces import WorkspaceRepository

settings = Settings.from_environment()
clock = SystemClock()

_config = Config(
    retries={"mode": "standard", "max_attempts": 5},
    connect_timeout=3,
    read_timeout=10,
    max_pool_connections=limits.MAX_CONNECTIONS,
)
_signed = _config.merge(
    Config(
        signature_version="s3v4",
        s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
    )
)
"""Addresses of S3 would be signed in the old way otherwise, which objects that KMS encrypts do not take; and they would
be those of all regions, which redirect to the bucket's: browsers follow no redirect of what another origin gets."""
_patient = _config.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=90))
_KEYS_SECONDS = 300


_wanted: dict[str, Callable[[Any], None]] = {}
_clients: dict[str, Any] = {}
_making = RLock()


def client(service: str) -> Any:
    """Return the worker's client of an AWS service."""
    return _made(service, _signed if service == "s3" else _config)


def _made(name: str, config: Config) -> Any:
    """Return the one client of this name, however many threads ask for it first: boto3 must make one at a time."""
    if name not in _clients:
        with _making:
            if name not in _clients:
                make: Any = boto3.client  # which of four hundred overloads it is does not matter here
                made = make(name.partition(" ")[0], config=config)
                if name in _wanted:
                    _wanted[name](made)
                _clients[name] = made
    return _clients[name]


def when_made(service: str, use: Callable[[Any], None]) -> None:
    """Call `use` with a client once it is made, which for most services is only when it is needed."""
    _wanted[service] = use


def users() -> UserRepository:
    """The Identity table's repository."""
    from engine.storage.users import UserRepository

    return UserRepository(Table(client("dynamodb"), settings.identity_table))


def api_keys() -> ApiKeyRepository:
    """The Identity table's repository of API keys and service accounts."""
    from engine.storage.api_keys import ApiKeyRepository

    return ApiKeyRepository(Table(client("dynamodb"), settings.identity_table))


@cache
def repositories() -> Repositories:
    """The repositories of the Automation table."""
    from engine.storage.repositories import Repositories

    table = Table(client("dynamodb"), settings.automation_table)
    return Repositories.of(table, lambda: client("s3"), settings.payload_bucket, settings.retention_days)


@cache
def machine() -> StateMachine:
    """The state machines."""
    from engine.aws.step_functions import StateMachine

    return StateMachine(client("stepfunctions"), settings.state_machine_arn, settings.map_machine_arn)


@cache
def concurrency_limits() -> ConcurrencyLimits:
    """The concurrency limits of workflows."""
    from engine.services.executions.concurrency import ConcurrencyLimits

    return ConcurrencyLimits(repositories(), machine(), clock)


@cache
def starter() -> Starter:
    """The starter of executions."""
    from engine.services.executions.start import Starter

    return Starter(repositories(), concurrency_limits(), machine(), clock)


@cache
def finalization() -> Finalization:
    """The finalization of executions."""
    from engine.services.executions.finalization import Finalization

    return Finalization(repositories(), concurrency_limits(), starter(), machine(), clock)


@cache
def supervisor() -> Supervisor:
    """The supervisor."""
    from engine.services.executions.supervisor import Supervisor

    return Supervisor(repositories(), starter(), finalization(), machine(), clock)


@cache
def recovery() -> Recovery:
    """Recovery."""
    from engine.services.executions.recovery import Recovery
    from engine.services.triggers.health import TriggerHealth

    others = {"WORKFLOW": TriggerHealth(repositories(), publisher(), clock).check}
    threads = limits.RECOVERY_THREADS
    return Recovery(
        repositories(), concurrency_limits(), finalization(), supervisor(), machine(), clock, others, threads=threads
    )


# -- triggers and events -----------------------------------------------------------------------------------


@cache
def box() -> SecretBox:
    """The encryption of secrets, with a short-lived cache of decrypted ones."""
    from engine.security.secrets import SecretBox

    return SecretBox(lambda: client("kms"), settings.key_id)


@cache
def bus() -> Bus:
    """The platform's own event bus."""
    from engine.aws.event_bus import Bus

    return Bus(client("events"), settings.event_bus, listener_index().have_listeners)


@cache
def listener_index() -> ListenerIndex:
    """The index of triggers that listen to events on the platform's own bus."""
    from engine.services.triggers.listeners import ListenerIndex

    return ListenerIndex(repositories().listeners)


@cache
def account_bus() -> Bus:
    """The account's default event bus."""
    from engine.aws.event_bus import Bus

    return Bus(client("events"), "default")


def send_deliveries(deliveries: Sequence[tuple[str, str]]) -> None:
    """Send outgoing webhooks at once; if this call is lost, recovery sends them."""
    for start in range(0, len(deliveries), limits.SEND_TOGETHER):
        call_later(settings.deliveries_function, {"deliver": deliveries[start : start + limits.SEND_TOGETHER]})


def call_later(function: str, what: Mapping[str, Any]) -> None:
    """Call another function without waiting for its result."""
    client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(what))


def call_now(function: str, what: Mapping[str, Any]) -> Any:
    """Call another function and wait for its answer; None if it failed.

    Raises:
        Unavailable: Lambda did not accept the call now.
    """
    from engine.aws.errors import translate_aws_errors
    from engine.json_value import dumps

    with translate_aws_errors("the function"):
        answer = _patient_lambda().invoke(FunctionName=function, Payload=dumps(what).encode())
        told = json.loads(answer["Payload"].read() or b"null")
    return None if "FunctionError" in answer else told


@cache
def publisher() -> Publisher:
    """The publisher of domain events."""
    from engine.services.events.publish import Publisher

    return Publisher(repositories(), bus(), send_deliveries, clock, _bury)


def _bury(what: Mapping[str, Any]) -> None:
    """Put what can never be published into the dead-letter queue, with an id, so that an operator can publish it."""
    if settings.dead_letters_url:
        client("sqs").send_message(QueueUrl=settings.dead_letters_url, MessageBody=json.dumps({"untold": what}))


@cache
def dispatcher() -> Dispatcher:
    """The dispatcher of schedules and events."""
    from engine.services.triggers.dispatch import Dispatcher

    return Dispatcher(repositories(), starter(), listener_index(), clock)


@cache
def reconciler() -> Reconciler:
    """The reconciler of EventBridge with the workflows."""
    from engine.aws.event_rules import Rules
    from engine.aws.schedules import Schedules
    from engine.services.triggers.reconcile import Reconciler

    target, dead_letters = settings.dispatch_function_arn, settings.dead_letters_arn
    schedules = Schedules(
        client("scheduler"), settings.schedule_group, target, settings.scheduler_role_arn, dead_letters
    )
    rules = Rules(client("events"), "default", settings.rule_prefix, target, dead_letters)
    return Reconciler(repositories(), schedules, rules, clock, has_zones=settings.scheduler_has_zones)


@cache
def webhook_responder() -> WebhookResponder:
    """The responder to synchronous webhook calls."""
    from engine.services.triggers.webhook_response import WebhookResponder

    return WebhookResponder(repositories(), machine(), _advance)


def _advance(execution_id: str) -> str:
    """Call Advance for an execution, and wait for its decision."""
    answer = _patient_lambda().invoke(
        FunctionName=settings.advance_function,
        Payload=json.dumps({"execution_id": execution_id, "ahead": True}),
    )
    told = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise RuntimeError(f"Advance failed: {told}")
    return str(told["next"])


def _patient_lambda() -> Any:
    """Return a client that waits as long as Advance may take, and never calls it twice by itself."""
    return _made("lambda patient", _patient)


@cache
def webhook_service() -> WebhookService:
    """The service that accepts webhook deliveries."""
    from engine.services.triggers.webhooks import WebhookService

    return WebhookService(repositories(), starter(), webhook_responder(), box(), settings.api_url, clock)


def signing_keys() -> Mapping[str, str]:
    """The keys that sign access tokens, by id; see `engine.security.tokens`."""
    keys: Mapping[str, str] = _secrets().get(settings.signing_secret, max_age=_KEYS_SECONDS, transform="json")
    return keys


def fresh_signing_keys() -> Mapping[str, str]:
    """Read the keys again, at most once in ten seconds, so that forged key ids cannot cause a read each time."""
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
    from engine.services.auth import AuthService

    return AuthService(
        users(), workspaces(), invitation_service(), signing_keys, clock, open_registration=settings.open_registration
    )


@cache
def password_service() -> PasswordService:
    """Passwords and sessions."""
    from engine.services.passwords import PasswordService

    return PasswordService(users(), clock)


@cache
def workspaces() -> WorkspaceRepository:
    """The Identity table's repository of workspaces."""
    from engine.storage.workspaces import WorkspaceRepository

    return WorkspaceRepository(Table(client("dynamodb"), settings.identity_table))


@cache
def invitation_service() -> InvitationService:
    """Invitations to workspaces."""
    from engine.services.invitations import InvitationService

    return InvitationService(workspaces(), users(), clock)


@cache
def people() -> People:
    """The people of workspaces, for approvals."""
    from engine.services.people import People

    return People(users(), workspaces())


@cache
def outbox() -> Outbox:
    """The outbox of mail to people."""
    from engine.services.mail.outbox import Outbox

    return Outbox(repositories(), box(), clock, has_sender=bool(settings.mail_sender))


@cache
def retention() -> Retention:
    """The retention of executions."""
    from engine.services.executions.retention import Retention

    return Retention(repositories(), clock)
