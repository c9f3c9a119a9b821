"""Creates functions of the stack, with the code and the environment variables that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

from aws_cdk import Size, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infrastructure.stack.eventing import Eventing
from infrastructure.stack.functions import Code, Function, Grants
from infrastructure.stack.machine_names import MachineNames
from infrastructure.stack.storage import Storage


@dataclass(frozen=True)
class Layers:
    """Optional layers: libraries that only nodes need, and the company's own types."""

    nodes: lambda_.ILayerVersion
    extensions: Sequence[lambda_.ILayerVersion]


def identities_of(stack: Stack, sender: str) -> list[str]:
    """Return the ARNs of the identities of SES of which one has to be verified: the sender's address and its domain."""
    address = parseaddr(sender)[1]
    names = address, address.rpartition("@")[2]
    return [stack.format_arn(service="ses", resource="identity", resource_name=name) for name in names]


class FunctionFactory:
    """What the functions of a stack share.

    Args:
        scope: the stack.
        storage: the tables, the bucket and the keys.
        eventing: buses, queues and schedules.
        names: the names of the state machines.
        code: their code, and the layer that all of them have.
        sandbox: the folder with the code of the sandbox.
        layers: layers that only some of them have.
        allowed_networks: private networks that nodes may reach.
        open_registration: whether anybody may register.
        retention_days: of finished executions.
        mail_sender: the address that sends mail to people by SES; empty for none.
        is_local: whether they run in the emulator.
    """

    def __init__(  # noqa: PLR0913 - the parts of a stack
        self,
        scope: Construct,
        *,
        storage: Storage,
        eventing: Eventing,
        names: MachineNames,
        code: Code,
        sandbox: Path,
        layers: Layers,
        allowed_networks: str,
        open_registration: bool,
        retention_days: int,
        mail_sender: str,
        is_local: bool,
    ) -> None:
        self._scope = scope
        self._storage = storage
        self._eventing = eventing
        self._names = names
        self._code = code
        self._sandbox_code = sandbox
        self._layers = layers
        self._is_local = is_local
        self._identity = {"MAINSPRING_IDENTITY_TABLE": storage.identity.table_name}
        self._automation = {"MAINSPRING_AUTOMATION_TABLE": storage.automation.table_name}
        self._signing = {"MAINSPRING_SIGNING_SECRET": storage.signing_secret_arn}
        self._payloads = {
            "MAINSPRING_PAYLOAD_BUCKET": storage.payloads.bucket_name,
            "MAINSPRING_RETENTION_DAYS": str(retention_days),
        }
        self._registration = {"MAINSPRING_OPEN_REGISTRATION": "true" if open_registration else "false"}
        self._networks = {"MAINSPRING_ALLOWED_NETWORKS": allowed_networks}
        self._mail = {"MAINSPRING_MAIL_SENDER": mail_sender} if mail_sender else {}
        self._mail_identities = identities_of(Stack.of(scope), mail_sender) if mail_sender else []
        self._key = {"MAINSPRING_KEY_ID": storage.key.key_id}
        self._bus = {"MAINSPRING_EVENT_BUS": eventing.bus.event_bus_name}
        self._machines = {
            "MAINSPRING_STATE_MACHINE_ARN": names.machine_arn(names.execution),
            "MAINSPRING_MAP_MACHINE_ARN": names.machine_arn(names.distributed_map),
        }

    def _function(
        self,
        name: str,
        *,
        grants: Grants,
        environment: dict[str, str],
        memory: int = 512,
        timeout: int = 29,
        disk: Size | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
    ) -> Function:
        return Function(
            self._scope,
            name,
            code=self._code,
            grants=grants,
            environment=environment,
            memory=memory,
            timeout=timeout,
            disk=disk,
            layers=layers,
        )
