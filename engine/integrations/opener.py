"""Opens integrations for those who use them: looks whose they are, decrypts their secrets, tells the redactors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from engine.clock import Clock
from engine.errors import NodeError, NotFound
from engine.integrations.base import BaseIntegration, Runtime
from engine.integrations.oauth_tokens import TokenStore
from engine.integrations.registry import IntegrationRegistry
from engine.security.redaction import PROCESS, Redactor
from engine.security.secrets import SecretBox, integration_context
from engine.storage.integrations import Integration, IntegrationRepository
from engine.threads import SECRETS, in_thread_of
from engine.validation_messages import sentence

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from engine.aws.assumed_role import Role
    from engine.aws.node_role import NodeAws
    from engine.storage.files import WorkspaceFiles


class Opener:
    """Opens integrations.

    Args:
        integrations: where they are.
        registry: their types.
        box: decrypts, and remembers nothing: a secret is in memory only while something uses it.
        http: gives the guarded client.
        addresses: gives the checked addresses of a host.
        clock: tells the time.
        files: gives the files of a workspace; None where there are none.
        aws: calls AWS; None where that is not for here.
    """

    def __init__(
        self,
        integrations: IntegrationRepository,
        registry: IntegrationRegistry,
        box: SecretBox,
        http: Callable[..., Awaitable[AsyncClient]],
        addresses: Callable[[str, int], Awaitable[Sequence[str]]],
        clock: Clock,
        *,
        files: Callable[[str], WorkspaceFiles] | None = None,
        aws: NodeAws | None = None,
    ) -> None:
        self._integrations = integrations
        self._registry = registry
        self._box = box
        self._http = http
        self._addresses = addresses
        self._clock = clock
        self._files = files
        self._aws = aws

    async def open(
        self, workspace_id: str, named: str, redactor: Redactor, idempotency_key: str
    ) -> tuple[str, BaseIntegration]:
        """The type and the integration of a workspace that has this name or id.

        Raises:
            NodeError: code `no_integration`: the workspace has none; or its type is not installed any more.
            Unavailable: KMS did not decrypt.
        """
        found = await in_thread_of(SECRETS, self._integrations.find, workspace_id, named)
        if found is None:
            raise NodeError(f"the workspace has no integration {named!r}", code="no_integration")
        return found.type, await in_thread_of(SECRETS, self.opened, found, redactor, idempotency_key)

    def opened(self, found: Integration, redactor: Redactor, idempotency_key: str) -> BaseIntegration:
        """An integration with its secrets. Raises as `open`."""
        try:
            integration_class = self._registry.integration_class(found.type)
        except NotFound as error:
            raise NodeError(error.message, code="no_integration") from None
        secrets = {}
        context = integration_context(found.workspace_id, found.id)
        if found.sealed is not None:
            secrets = json.loads(self._box.open(bytes(found.sealed), context))

        def reveal(secret: str) -> None:
            redactor.add(secret)
            PROCESS.add(secret)

        for secret in secrets.values():
            reveal(secret)
        try:
            config = integration_class.Config.model_validate({**found.config, **secrets})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            message = f"the integration {found.name!r} does not fit its type any more: {where}: {sentence(first)}"
            raise NodeError(message, code="config") from None
        opened = integration_class(config)
        opened.runtime = Runtime(
            **self._working_on(found.workspace_id, redactor),
            http=self._http,
            addresses=self._addresses,
            reveal=reveal,
            identity=f"{found.id}/{found.version}",
            integration_id=found.id,
            idempotency_key=idempotency_key,
            tokens=TokenStore(self._integrations, self._box, self._clock, found.workspace_id, found.id),
        )
        for secret in opened.secrets():
            reveal(secret)
        return opened

    def _working_on(self, workspace_id: str, redactor: Redactor) -> dict[str, Any]:
        """What works on the workspace's files, and on AWS, as far as that is there."""
        found: dict[str, Any] = {}
        if self._files is not None:
            files = self._files(workspace_id)

            async def read(name: str) -> bytes:
                return await asyncio.to_thread(_content, files, name)

            async def write(name: str, content: bytes) -> dict[str, Any]:
                return await asyncio.to_thread(files.write, name, redactor.content(content))

            found |= {"read_file": read, "write_file": write}
        if self._aws is not None:
            node_aws = self._aws

            async def aws(role: Role, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
                return await node_aws.call(workspace_id, role, service, operation, params)

            found["aws"] = aws
        return found


def _content(files: WorkspaceFiles, name: str) -> bytes:
    with files.opened(name) as content:
        return content.read()
