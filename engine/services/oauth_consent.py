"""Connecting somebody's account: a page asks, the browser goes to the provider, and comes back with what it brought.

What begins in one browser ends there: a cookie says which. So nobody's account is connected to the workspace of
somebody who has sent them a link, unless they have read whose it is and gone on.
"""

from __future__ import annotations

import asyncio
import html
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Literal
from urllib.parse import quote, urlsplit

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, MainspringError
from engine.integrations.oauth2 import AuthorizationCode
from engine.integrations.opener import Opener
from engine.integrations.registry import IntegrationRegistry
from engine.security.redaction import Redactor
from engine.services.principal import Principal
from engine.storage.integrations import Integration
from engine.storage.oauth_consents import Consent, ConsentRepository
from engine.storage.repositories import Repositories

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Mainspring</title>
<style>body{{font:16px system-ui;margin:4em auto;max-width:32em;padding:0 1em}}</style>
<h1>{title}</h1><p>{message}</p>{further}</html>"""
_NOT_GOOD = "This link is not good any more, or was begun in another browser. Begin to connect the account anew."


class OAuthConsent:
    """The OAuth 2 authorization code flow."""

    def __init__(
        self, repositories: Repositories, registry: IntegrationRegistry, opener: Opener, api_url: str, clock: Clock
    ) -> None:
        self._integrations = repositories.integrations
        self._consents: ConsentRepository = repositories.consents
        self._registry = registry
        self._opener = opener
        self._api_url = api_url
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
        """The link of the page that asks whether to go on, and until when.

        Raises:
            NotFound: there is no such integration.
            Conflict: it is of a type that needs no consent.
        """
        integration = self._integrations.get(principal.workspace_id, integration_id)
        opened = self._opener.opened(integration, Redactor(), "")
        if not isinstance(opened, AuthorizationCode):
            raise Conflict(f"an integration of type {integration.type} is not connected by a consent")
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        expires = self._clock.now() + timedelta(seconds=limits.CONNECT_SECONDS)
        asked_by = principal.email or principal.user_id
        consent = Consent(
            _digest(state), principal.workspace_id, integration.id, verifier, asked_by, int(expires.timestamp())
        )
        self._consents.create(consent)
        return f"{self._api_url}/api/oauth/start?state={state}", format_time(expires)

    def ask(self, state: str) -> tuple[int, str]:
        """The page that says who gets what by going on; gives a status and the page.

        Whoever is sent a link by somebody else learns here that it is not for an account of their own workspace.
        """
        found = self._begun(state)
        if found is None:
            return 400, _page("That did not work", _NOT_GOOD)
        consent, integration, opened = found
        message = (
            f"{consent.asked_by} asks to connect an account to the integration “{integration.name}” of the workspace "
            f"{consent.workspace_id}. Whoever works in that workspace can then act with the account at "
            f"{opened.binding(opened.config)}. Go on only if you have asked for this yourself."
        )
        host = urlsplit(opened.config.authorize_url).netloc
        return 200, _page("Connect an account?", message, link=f"go?state={quote(state)}", label=f"Go on to {host}")

    def go(self, state: str, cookie: str) -> tuple[str, str] | None:
        """Where the browser goes to agree, and the cookie that it is known by; None if that link is not for it."""
        found = self._begun(state)
        cookie = cookie or secrets.token_urlsafe(32)
        if found is None or not self._consents.bind(_digest(state), _digest(cookie)):
            return None
        consent, _, opened = found
        return opened.consent_url(self._redirect_uri, state, consent.verifier), cookie

    async def finish(self, state: str, code: str, error: str, cookie: str) -> tuple[int, str]:
        """Take what the browser has brought back; gives a status and a page."""
        consent = (
            await asyncio.to_thread(self._consents.take, _digest(state), _digest(cookie), self._clock.now())
            if cookie
            else None
        )
        if consent is None:
            return 400, _page("That did not work", _NOT_GOOD)
        if error or not code:
            return 400, _page("Not connected", f"The provider said: {error or 'nothing'}.")
        try:
            integration = await asyncio.to_thread(self._integrations.get, consent.workspace_id, consent.integration_id)
            opened = await asyncio.to_thread(self._opener.opened, integration, Redactor(), "")
            if not isinstance(opened, AuthorizationCode) or opened.runtime.tokens is None:
                return 400, _page("Not connected", "The integration is of another type now.")
            async with asyncio.timeout(limits.ANSWER_SECONDS):
                grant = await opened.exchange(code, self._redirect_uri, consent.verifier)
                await opened.runtime.tokens.keep(grant)
        except TimeoutError:
            return 400, _page("Not connected", "The provider did not answer in time.")
        except MainspringError as problem:
            return 400, _page("Not connected", problem.message)
        return 200, _page("Connected", f"“{integration.name}” can be used now. You may close this window.")

    def _begun(self, state: str) -> tuple[Consent, Integration, AuthorizationCode] | None:
        consent = self._consents.find(_digest(state), self._clock.now())
        if consent is None:
            return None
        try:
            integration = self._integrations.get(consent.workspace_id, consent.integration_id)
            opened = self._opener.opened(integration, Redactor(), "")
        except MainspringError:
            return None
        return (consent, integration, opened) if isinstance(opened, AuthorizationCode) else None


def _digest(state: str) -> str:
    return sha256(state.encode()).hexdigest()


def _page(title: str, message: str, link: str = "", label: str = "") -> str:
    further = f'<p><a href="{html.escape(link)}">{html.escape(label)}</a></p>' if link else ""
    return _PAGE.format(title=html.escape(title), message=html.escape(message), further=further)
