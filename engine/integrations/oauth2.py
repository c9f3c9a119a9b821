"""OAuth 2.0: client credentials, and authorization code with PKCE (RFC 6749, 7636, 9700)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import AfterValidator, Field, JsonValue, SecretStr

from engine.errors import NodeError
from engine.integrations.base import Credentials
from engine.integrations.http_auth import HostsConfig, HttpAuth, Secret, header_value
from engine.integrations.http_common import exchanged
from engine.integrations.oauth_tokens import Grant
from engine.security.hosts import Binding
from engine.security.redaction import PROCESS

_USUAL_SECONDS = 3_600.0
_MOST_BYTES = 256 * 1024


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None or parts.fragment:
        raise ValueError("it is not a URL such as https://login.example.com/oauth/token")
    return url


Endpoint = Annotated[str, Field(max_length=1_000), AfterValidator(_endpoint)]


class OAuth2Config(HostsConfig):
    """A client of an authorization server."""

    token_url: Endpoint = Field(description="URL of the token endpoint.")
    client_id: str = Field(min_length=1, max_length=500, description="Id of this client at the provider.")
    scope: str = Field(default="", max_length=1_000, description="Separated by spaces.")
    parameters: dict[str, str] = Field(
        default_factory=dict, description="More parameters for the token endpoint, such as `audience`."
    )
    client_auth: Literal["basic", "body"] = Field(
        default="basic",
        description="How the client's secret reaches the token endpoint: by HTTP Basic, or in the body.",
    )


class ClientCredentialsConfig(OAuth2Config):
    """A client that acts for itself."""

    client_secret: Secret = Field(description="The client's secret. Kept encrypted; it cannot be read again.")


class AuthorizationCodeConfig(OAuth2Config):
    """A client that acts for the person who consents."""

    authorize_url: Endpoint = Field(description="URL at which people consent to the connection.")
    client_secret: Secret | None = Field(default=None, description="The client's secret; public clients have none.")


class OAuth2(HttpAuth):
    """Base of both flows: a token that is renewed before its end."""

    _token: str | None = None

    async def credentials(self) -> Credentials:
        """The header, with a token that is good for a while yet."""
        if self.runtime.tokens is None:
            raise NodeError("this engine keeps no tokens", code="config")
        self._token = await self.runtime.tokens.access(self._obtain, needs_consent=self.is_connected_by_people)
        self.runtime.reveal(self._token)
        return Credentials({"authorization": f"Bearer {header_value(SecretStr(self._token))}"})

    async def refused(self) -> bool:
        """A token that is not accepted before its end was revoked, so another one is got."""
        if self.runtime.tokens is None or self._token is None:
            return False
        return await self.runtime.tokens.refused(self._token)

    async def test(self) -> str:
        """Gets a token, or sees that there is one."""
        await self.credentials()
        return f"{urlsplit(self.config.token_url).hostname} gives tokens"

    async def _obtain(self, refresh: str | None) -> Grant:
        raise NotImplementedError

    async def ask(self, grant_type: str, **fields: str) -> Grant:
        """Ask the token endpoint.

        Raises:
            NodeError: `invalid_grant` if the consent is no longer good; `token_request_failed`; `connection_failed`.
        """
        url = self.config.token_url
        if not Binding.of_url(url).plain_http or self.config.plain_http:
            client = await self.client()
        else:
            raise NodeError("the token endpoint is asked by https only, unless `plain_http`", code="config")
        body = {"grant_type": grant_type, **self.config.parameters, **fields}
        if self.config.scope and grant_type == "client_credentials":
            body["scope"] = self.config.scope
        headers = {"accept": "application/json", "user-agent": "Mainspring"}
        secret = self.config.client_secret
        if secret is None or self.config.client_auth == "body":
            body["client_id"] = self.config.client_id
            if secret is not None:
                body["client_secret"] = secret.get_secret_value()
        else:
            headers["authorization"] = self._basic(secret)
        request = client.build_request("POST", url, headers=headers, data=body, timeout=15.0)
        response, raw = await exchanged(client, request, _MOST_BYTES)
        return self._granted(response.status_code, raw)

    def _basic(self, secret: SecretStr) -> str:
        from urllib.parse import quote_plus

        pair = f"{quote_plus(self.config.client_id)}:{quote_plus(secret.get_secret_value())}"
        encoded = base64.b64encode(pair.encode()).decode()
        self.runtime.reveal(encoded)
        return f"Basic {encoded}"

    def _granted(self, status: int, raw: bytes) -> Grant:
        try:
            answer = json.loads(raw)
        except ValueError:
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        for name in ("access_token", "refresh_token", "id_token"):
            if isinstance(answer.get(name), str):
                self.runtime.reveal(answer[name])
        access = answer.get("access_token")
        if status >= 400 or not isinstance(access, str) or not access:  # noqa: PLR2004
            reason = answer.get("error_description") or answer.get("error") or f"status {status}"
            code = "invalid_grant" if answer.get("error") == "invalid_grant" else "token_request_failed"
            retryable = status >= 500 or status == 429  # noqa: PLR2004
            message = f"the token endpoint refused: {PROCESS.shown(str(reason), 300)}"
            raise NodeError(message, code=code, retryable=retryable, details={"status": status})
        refresh = answer.get("refresh_token")
        return Grant(access, _seconds(answer.get("expires_in")), refresh if isinstance(refresh, str) else None)


class ClientCredentials(OAuth2):
    """OAuth 2.0 for a program that acts for itself: tokens are got with a client's id and secret."""

    Config = ClientCredentialsConfig
    title: ClassVar[str] = "OAuth 2.0 client credentials"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "hosts": ["api.erp.example"],
            "token_url": "https://login.erp.example/oauth/token",
            "client_id": "mainspring",
            "client_secret": "…",
            "scope": "orders.read",
        },
    )

    async def _obtain(self, refresh: str | None) -> Grant:
        del refresh
        return await self.ask("client_credentials")


class AuthorizationCode(OAuth2):
    """OAuth 2.0 for somebody's account: they agree once in a browser, and the tokens are renewed from then on."""

    Config = AuthorizationCodeConfig
    title: ClassVar[str] = "OAuth 2.0 account"
    is_connected_by_people: ClassVar[bool] = True
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "hosts": ["www.googleapis.com"],
            "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
            "token_url": "https://oauth2.googleapis.com/token",
            "client_id": "mainspring",
            "client_secret": "…",
            "scope": "https://www.googleapis.com/auth/calendar.readonly",
        },
    )

    def consent_url(self, redirect_uri: str, state: str, verifier: str) -> str:
        """Where the browser goes to agree; `verifier` is the secret of RFC 7636, of which this shows the hash."""
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            **({"scope": self.config.scope} if self.config.scope else {}),
        }
        joint = "&" if urlsplit(self.config.authorize_url).query else "?"
        return f"{self.config.authorize_url}{joint}{urlencode(query)}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Grant:
        """The tokens for the code with which the browser came back. Raises NodeError."""
        return await self.ask("authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier)

    async def _obtain(self, refresh: str | None) -> Grant:
        if refresh is None:
            message = "the token has expired and cannot be renewed; connect the integration again"
            raise NodeError(message, code="invalid_grant")
        return await self.ask("refresh_token", refresh_token=refresh)


def _seconds(expires_in: JsonValue) -> float:
    try:
        return max(0.0, min(float(str(expires_in)), 10 * 365 * 86_400.0))
    except ValueError:
        return _USUAL_SECONDS
