"""Everything that reaches out of Mainspring, made once per worker: guarded client, integrations, node services."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from functions import container

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from engine.aws.node_role import NodeAws
    from engine.integrations.opener import Opener
    from engine.integrations.registry import IntegrationRegistry
    from engine.nodes.context import ToolCall
    from engine.services.approval_notices import ApprovalNotices
    from engine.services.events.delivery import EventDelivery
    from engine.services.integrations import IntegrationService
    from engine.services.mail.sending import MailSender
    from engine.services.oauth_consent import OAuthConsent
    from engine.storage.data_tables import DataTables
    from engine.storage.files import WorkspaceFiles

_clients: dict[str | None, AsyncClient] = {}
_MOST_CLIENTS = 20


async def http(ca_certificate: str | None = None) -> AsyncClient:
    """The client whose every connection passes the egress guard; one that trusts a CA of somebody's own besides."""
    if ca_certificate not in _clients:
        from engine.security.egress import guarded_client, parse_networks

        if len(_clients) >= _MOST_CLIENTS:  # the oldest may be in use: its connections end with it
            _clients.pop(next(iter(_clients)))
        networks = parse_networks(container.settings.allowed_networks)
        _clients[ca_certificate] = guarded_client(networks, ca_certificate=ca_certificate)
    return _clients[ca_certificate]


async def addresses(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, once the egress guard has passed all of them."""
    from engine.security.egress import checked_addresses, parse_networks

    return await checked_addresses(host, port, parse_networks(container.settings.allowed_networks))


@cache
def registry() -> IntegrationRegistry:
    """The integration types."""
    from engine.integrations.registry import IntegrationRegistry

    return IntegrationRegistry()


def files(workspace_id: str) -> WorkspaceFiles:
    """The files of a workspace."""
    from engine.storage.files import WorkspaceFiles

    return WorkspaceFiles(lambda: container.client("s3"), container.settings.payload_bucket, workspace_id)


@cache
def node_aws() -> NodeAws:
    """The adapter that calls AWS for nodes."""
    from engine.aws.node_role import NodeAws

    return NodeAws(lambda: container.client("sts"), container.settings.node_role_prefix, container.clock)


@cache
def tables() -> DataTables:
    """The workspaces' own tables."""
    from engine.storage.data_tables import DataTables
    from engine.storage.dynamodb.table import Table

    return DataTables(Table(container.client("dynamodb"), container.settings.automation_table), container.clock.now)


async def sandbox(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Run an author's code in the sandbox.

    Raises:
        NodeError: code `sandbox_unavailable`.
    """
    from engine.errors import NodeError

    answer = await asyncio.to_thread(container.call_now, container.settings.sandbox_function, asked)
    if not isinstance(answer, dict):
        raise NodeError("the sandbox did not answer", code="sandbox_unavailable", retryable=True)
    if answer.get("runtime") == "pulley":
        _count_interpreted()
    return answer


def _count_interpreted() -> None:
    """Count code that wasmtime interpreted, ten times as slow, since its machine code did not load."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    with single_metric(name="SandboxInterpreted", unit=MetricUnit.Count, value=1, namespace="Mainspring"):
        pass


async def tool(call: ToolCall) -> Any:
    """Run a workflow that a model has called."""
    from engine.services.executions.tool_calls import ToolRunner

    def start(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        told = container.call_now(container.settings.supervisor_function, asked)
        refused = {"error": {"code": "unavailable", "message": "the workflow could not be started"}}
        return told if isinstance(told, dict) else refused

    return await ToolRunner(container.repositories().executions, start).run(call)


@cache
def opener() -> Opener:
    """The opener of integrations."""
    from engine.integrations.opener import Opener
    from engine.security.secrets import SecretBox

    box = SecretBox(lambda: container.client("kms"), container.settings.key_id, seconds=0)
    return Opener(
        container.repositories().integrations,
        registry(),
        box,
        http,
        addresses,
        container.clock,
        files=files,
        aws=node_aws(),
    )


@cache
def integration_service() -> IntegrationService:
    """Integrations."""
    from engine.services.integrations import IntegrationService

    return IntegrationService(container.repositories(), registry(), container.box(), opener(), container.clock)


@cache
def oauth_consent() -> OAuthConsent:
    """The OAuth 2 authorization code flow."""
    from engine.services.oauth_consent import OAuthConsent

    return OAuthConsent(container.repositories(), registry(), opener(), container.settings.api_url, container.clock)


@cache
def mail_sender() -> MailSender:
    """The sender of mail to people."""
    from engine.services.mail.sending import MailSender

    return MailSender(
        container.repositories(),
        container.box(),
        opener,
        lambda: container.client("sesv2"),
        container.settings.mail_sender,
        container.clock,
    )


@cache
def approval_notices() -> ApprovalNotices:
    """What records the mails of approvals."""
    from engine.services.approval_notices import ApprovalNotices

    return ApprovalNotices(
        container.repositories(),
        container.outbox(),
        container.people(),
        container.settings.api_url,
        container.clock,
    )


@cache
def delivering() -> EventDelivery:
    """The sender of outgoing webhooks."""
    from engine.services.events.delivery import EventDelivery
    from engine.services.events.publish import Publisher

    # Its events are left to recovery: a function that calls itself would need a grant on itself.
    announces = Publisher(container.repositories(), container.bus(), lambda _: None, container.clock)
    return EventDelivery(container.repositories(), container.box(), announces, http, container.clock)
