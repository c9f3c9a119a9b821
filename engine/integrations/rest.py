"""Integrations that speak HTTP and JSON: one way to call, within the bounds, to the hosts that they are bound to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from engine import limits
from engine.errors import NodeError
from engine.integrations.base import BaseIntegration, Credentials, IntegrationConfig
from engine.integrations.http_auth import header_value
from engine.integrations.http_common import exchanged, status_error
from engine.parsing.json_text import read_json
from engine.security.hosts import Binding
from engine.security.redaction import PROCESS
from engine.security.tls import CaCertificate

MOST_ANSWER_BYTES = 5 * 1024 * 1024


def check_base_url(url: str) -> str:
    """Where an API is: scheme, host and perhaps a path, without a slash at its end.

    Raises:
        ValueError: it is no such URL.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r:.100} is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("it is not a URL such as https://api.example.com/v1")
    if parts.query or parts.fragment or any(character.isspace() for character in url):
        raise ValueError("the URL must not have a query, a fragment or spaces")
    return url.rstrip("/")


BaseUrl = Annotated[str, Field(max_length=500), AfterValidator(check_base_url)]


class RestConfig(IntegrationConfig):
    """Base of their configs."""

    ca_certificate: CaCertificate | None = Field(
        default=None, description="Your own CA for the server's certificate, as PEM."
    )


class RestIntegration(BaseIntegration):
    """Base of such types: what they send carries their credentials. Their config has a `base_url`."""

    @classmethod
    def binding(cls, config: Any) -> Binding:
        """Where the API is."""
        return Binding.of_url(config.base_url, trust=getattr(config, "ca_certificate", None) or "")

    async def signature(self) -> Credentials:
        """What tells the other side who asks."""
        return await self.credentials()

    async def call(
        self,
        method: str,
        url: str,
        *,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Call the other side; gives its JSON, None where there is none. Redirects are not followed.

        Raises:
            NodeError: `connection_failed`, `http_status`, `token_refused`, `bad_response`, `response_too_large`,
                `egress_refused` or `credentials_elsewhere`.
        """
        import httpx2

        if not self.binding(self.config).allows(url):
            raise NodeError("the integration's secrets are not for that host", code="credentials_elsewhere")
        credentials = await self.signature()
        client = await self.client()
        body: dict[str, Any] = {}
        given = {"user-agent": "Mainspring", "accept": "application/json", **(headers or {}), **credentials.headers}
        if json_body is not None:
            body["content"] = json.dumps(json_body, ensure_ascii=False).encode()
            given.setdefault("content-type", "application/json")
        elif form is not None:
            body["data"] = dict(form)
        elif content is not None:
            body["content"] = content
        params = {**(query or {}), **credentials.query}
        try:
            request = client.build_request(method, url, headers=given, params=params or None, timeout=None, **body)
            response, raw = await exchanged(client, request, MOST_ANSWER_BYTES)
        except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
            raise NodeError(f"the request cannot be sent: {error}", code="config") from None
        answer = _parsed(raw)
        if response.status_code == 401 and await self.refused():  # noqa: PLR2004
            raise NodeError("the token was not accepted; it is renewed", code="token_refused", retryable=True)
        if response.status_code >= 300:  # noqa: PLR2004
            raise status_error(response, answer)
        if isinstance(answer, str) and answer:
            raise NodeError(f"{response.url.host} did not answer with JSON", code="bad_response")
        return answer


class BearerIntegration(RestIntegration):
    """Base of those that show a token as `Authorization: Bearer`."""

    signs_with: ClassVar[str] = "token"
    """Which field of the config it is."""

    async def credentials(self) -> Credentials:
        """The token."""
        return Credentials({"authorization": f"Bearer {header_value(getattr(self.config, self.signs_with))}"})


def _parsed(raw: bytes) -> Any:
    """The JSON; as text where it is none."""
    if not raw:
        return None
    try:
        return read_json(raw.decode(), "the answer", "bad_response")
    except (UnicodeDecodeError, NodeError):
        return PROCESS.shown(raw.decode(errors="replace"), limits.MAX_ERROR_LENGTH)
