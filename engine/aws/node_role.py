"""Calls AWS for nodes, with the role of their workspace, which is limited to the resources that the deployer named.

The function that runs nodes may assume these roles and has none of their grants itself; a workspace without named
resources has no role. A role in a customer's account is assumed from there, with an external id.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.response import StreamingBody

from engine import limits
from engine.clock import Clock
from engine.errors import NodeError
from engine.security.connection_errors import reason_of
from engine.security.redaction import PROCESS

if TYPE_CHECKING:
    from engine.aws.assumed_role import Role

_SPARE_SECONDS = 120
_MOST_CLIENTS = 50
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AccessDeniedError", "UnauthorizedOperation"}
)
_RETRYABLE = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestThrottled",
        "ProvisionedThroughputExceededException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "InternalFailure",
        "InternalError",
        "InternalServerError",
        "InternalServerException",
        "KMSThrottlingException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "TransactionConflictException",
        "RequestLimitExceeded",
    }
)
_PATIENCE = 230
_HINT = (
    "the deployer names what the nodes of a workspace may use, with `resources` in the CDK context or "
    "`mainspring up --resource`"
)
Call = Callable[[str, "Role | None", str, str, Mapping[str, Any]], Any]


class NodeAws:
    """Calls AWS for nodes.

    Args:
        sts: the client that assumes the roles.
        role_prefix: the prefix of the ARNs of workspaces' roles, before the workspace's id; empty if there are
            none.
        clock: compared with the expiry of credentials.
    """

    def __init__(self, sts: Callable[[], Any], role_prefix: str, clock: Clock) -> None:
        self._sts = sts
        self._role_prefix = role_prefix
        self._clock = clock
        self._clients: OrderedDict[tuple[str, str, str], tuple[Any, float]] = OrderedDict()
        self._making = Lock()

    async def call(
        self, workspace_id: str, role: Role | None, service: str, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make one call; return the response without its metadata.

        Args:
            workspace_id: the node's workspace, which also appears in CloudTrail.
            role: a customer's role; None is the role of the workspace.
            service: the service's name in boto3.
            operation: the method of its client.
            params: the method's parameters.

        Raises:
            NodeError: `not_granted`, `config`, `connection_failed`, or AWS's own code as `aws_…`.
        """
        return await asyncio.to_thread(self._call, workspace_id, role, service, operation, params)

    def _call(
        self, workspace_id: str, role: Role | None, service: str, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        if not self._role_prefix:
            raise NodeError(f"{service}: the deployer has named no resources that nodes may use", code="not_granted")
        try:
            with self._making:  # concurrent nodes that need the same client wait until one is created
                client = self._client(workspace_id, role, service)
            answer: dict[str, Any] = getattr(client, operation)(**params)
        except ParamValidationError as error:
            raise NodeError(PROCESS.shown(f"config: {error}", 1_000), code="config") from None
        except ClientError as error:
            raise _failed(error, service, operation) from None
        except BotoCoreError as error:
            raise NodeError(
                f"no answer from AWS {service}: {reason_of(error)}", code="connection_failed", retryable=True
            ) from None
        answer.pop("ResponseMetadata", None)
        return {name: _read(value) if isinstance(value, StreamingBody) else value for name, value in answer.items()}

    def _role_of(self, workspace_id: str, session_name: str) -> Any:
        """Return credentials of the workspace's role.

        Raises:
            NodeError: `not_granted`: the workspace has no role.
        """
        try:
            assumed = self._sts().assume_role(
                RoleArn=f"{self._role_prefix}{workspace_id}", RoleSessionName=session_name
            )
        except ClientError as error:
            if error.response["Error"].get("Code") not in {*_DENIED, "NoSuchEntity"}:
                raise
            raise NodeError(
                f"the workspace {workspace_id} may use no resources of AWS: {_HINT}", code="not_granted"
            ) from None
        return assumed["Credentials"]

    def _client(self, workspace_id: str, role: Role | None, service: str) -> Any:
        whose = f"{role.arn} {role.external_id} {role.region}" if role else ""
        name = workspace_id, whose, service
        known = self._clients.get(name)
        now = self._clock.now().timestamp()
        if known is not None and known[1] > now:
            return known[0]
        session_name = re.sub(r"[^\w+=,.@-]", "-", f"mainspring-{workspace_id}")[:64]
        credentials = self._role_of(workspace_id, session_name)
        if role is not None:
            credentials = _made("sts", credentials, None).assume_role(
                RoleArn=role.arn, RoleSessionName=session_name, ExternalId=role.external_id
            )["Credentials"]
        client = _made(service, credentials, role.region if role else None)
        until = credentials["Expiration"]
        ends = until.timestamp() if hasattr(until, "timestamp") else now + _SPARE_SECONDS
        self._clients[name] = client, ends - _SPARE_SECONDS
        while len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return client


def _read(body: StreamingBody) -> bytes:
    """Read a streamed response, within the bounds of a node's output.

    Raises:
        NodeError: `connection_failed`, `output_too_large`.
    """
    try:
        content: bytes = body.read(limits.MAX_OUTPUT_BYTES + 1)
    except (BotoCoreError, OSError) as error:
        message = f"the answer was cut off: {reason_of(error)}"
        raise NodeError(message, code="connection_failed", retryable=True) from None
    if len(content) > limits.MAX_OUTPUT_BYTES:
        raise NodeError(f"the answer has more than {limits.MAX_OUTPUT_BYTES} bytes", code="output_too_large")
    return content


def _made(service: str, credentials: Mapping[str, Any], region: str | None) -> Any:
    import boto3
    from botocore.config import Config

    # Retries are left to the engine: it knows whether one is allowed, and waits at no cost.
    patient = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=_PATIENCE,
        max_pool_connections=limits.NODE_THREADS,
    )
    session = boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=region,
    )
    return session.client(service, config=patient)  # type: ignore[call-overload]


def _failed(error: ClientError, service: str, operation: str) -> NodeError:
    told = error.response["Error"]
    code, message = str(told.get("Code", "Unknown")), PROCESS.shown(str(told.get("Message", "")), 1_000)
    if code in _DENIED:
        return NodeError(f"AWS {service} {operation} is not allowed: {message}; {_HINT}", code="not_granted")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return NodeError(
        f"AWS {service} {operation} failed: {code}: {message}",
        code=f"aws_{code}"[:100],
        retryable=code in _RETRYABLE or status >= 500,  # noqa: PLR2004
    )
