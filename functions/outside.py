"""What reaches out of Mainspring, made once for each worker: the guarded client, integrations, what nodes work with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from functions import resources

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from engine.integrations.registry import IntegrationRegistry
    from engine.services.consenting import Consenting
    from engine.services.integration_service import IntegrationService
    from engine.services.opening import Opener

_clients: list[AsyncClient] = []


async def http() -> AsyncClient:
    """The client whose every connection passes the egress guard."""
    if not _clients:
        from engine.security.egress import guarded_client, parse_networks

        _clients.append(guarded_client(parse_networks(resources.settings.allowed_networks)))
    return _clients[0]


async def addresses(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, once the egress guard has passed all of them."""
    from engine.security.egress import checked_addresses, parse_networks

    return await checked_addresses(host, port, parse_networks(resources.settings.allowed_networks))


@cache
def registry() -> IntegrationRegistry:
    """The integration types."""
    from engine.integrations.registry import IntegrationRegistry

    return IntegrationRegistry()


@cache
def opener() -> Opener:
    """What opens integrations."""
    from engine.security.secrets import SecretBox
    from engine.services.opening import Opener

    box = SecretBox(lambda: resources.client("kms"), resources.settings.key_id, seconds=0)
    return Opener(resources.stores().integrations, registry(), box, http, addresses, resources.clock)


@cache
def integration_service() -> IntegrationService:
    """Integrations."""
    from engine.services.integration_service import IntegrationService

    return IntegrationService(resources.stores(), registry(), resources.box(), opener(), resources.clock)


@cache
def consenting() -> Consenting:
    """The OAuth 2 authorization code flow."""
    from engine.services.consenting import Consenting

    return Consenting(resources.stores(), registry(), opener(), resources.settings.api_url, resources.clock)
