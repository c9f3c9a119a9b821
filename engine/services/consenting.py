"""Connecting somebody's account: the browser goes to the provider with a state that is good once, and comes back."""

from __future__ import annotations

import asyncio
import html
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Literal

from engine import limits
from engine.clock import Clock
from engine.errors import Conflict, MainspringError
from engine.execution import format_time
from engine.integrations.oauth2 import AuthorizationCode
from engine.integrations.registry import IntegrationRegistry
from engine.security.redaction import Redactor
from engine.services.opening import Opener
from engine.services.principal import Permission, Principal
from engine.storage.consents import Consent, ConsentRepository
from engine.storage.integrations import Integration
from engine.storage.stores import Stores

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Mainspring</title>
<style>body{{font:16px system-ui;margin:4em auto;max-width:32em;padding:0 1em}}</style>
<h1>{title}</h1><p>{message}</p></html>"""


class Consenting:
    """The OAuth 2 authorization code flow."""

    def __init__(
        self, stores: Stores, registry: IntegrationRegistry, opener: Opener, api_url: str, clock: Clock
    ) -> None:
        self._integrations = stores.integrations
        self._consents: ConsentRepository = stores.consents
        self._registry = registry
        self._opener = opener
        self._redirect_uri = f"{api_url}/api/oauth/callback"
        self._clock = clock

    def status(self, integration: Integration) -> tuple[Literal["ready", "not_connected"], str | None]:
        """Whether an integration can be used, and why not."""
        installed = integration.type in self._registry.names()
        if not installed or not self._registry.integration_class(integration.type).is_connected_by_people:
            return "ready", None
        connection = integration.connection
        if connection is None or connection.get("broken"):
            return "not_connected", (connection or {}).get("broken") or "nobody has agreed yet"
        return "ready", None

    def begin(self, principal: Principal, integration_id: str) -> tuple[str, str]:
        """The URL at which to agree, and until when.

        Raises:
            NotFound: there is no such integration.
            Conflict: it is of a type that needs no consent.
        """
        principal.require(Permission.WRITE)
        integration = self._integrations.get(principal.workspace_id, integration_id)
        opened = self._opener.opened(integration, Redactor(), "")
        if not isinstance(opened, AuthorizationCode):
            raise Conflict(f"an integration of type {integration.type} is not connected by a consent")
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        expires = self._clock.now() + timedelta(seconds=limits.CONNECT_SECONDS)
        consent = Consent(_digest(state), principal.workspace_id, integration.id, verifier, int(expires.timestamp()))
        self._consents.create(consent)
        return opened.consent_url(self._redirect_uri, state, verifier), format_time(expires)

    async def finish(self, state: str, code: str, error: str) -> tuple[int, str]:
        """Take what the browser has brought back; gives a status and a page."""
        consent = await asyncio.to_thread(self._consents.take, _digest(state))
        if consent is None or consent.expires_at < self._clock.now().timestamp():
            return 400, _page("That did not work", "This link is not good any more. Begin to connect the account anew.")
        if error or not code:
            return 400, _page("Not connected", f"The provider said: {error or 'nothing'}.")
        try:
            integration = await asyncio.to_thread(self._integrations.get, consent.workspace_id, consent.integration_id)
            opened = await asyncio.to_thread(self._opener.opened, integration, Redactor(), "")
            if not isinstance(opened, AuthorizationCode) or opened.runtime.tokens is None:
                return 400, _page("Not connected", "The integration is of another type now.")
            grant = await opened.exchange(code, self._redirect_uri, consent.verifier)
            await opened.runtime.tokens.keep(grant)
        except MainspringError as problem:
            return 400, _page("Not connected", problem.message)
        return 200, _page("Connected", f"“{integration.name}” can be used now. You may close this window.")


def _digest(state: str) -> str:
    return sha256(state.encode()).hexdigest()


def _page(title: str, message: str) -> str:
    return _PAGE.format(title=html.escape(title), message=html.escape(message))
