"""Credentials for HTTP APIs of any kind: basic, bearer, API key."""

from __future__ import annotations

import base64
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr

from engine.errors import NodeError
from engine.integrations.base import BaseIntegration, Credentials, IntegrationConfig
from engine.integrations.http_common import check_header_name
from engine.security.hosts import Binding, HostPattern
from engine.security.tls import CaCertificate

Secret = Annotated[SecretStr, Field(min_length=1, max_length=3_000)]
_WORD = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"


class HostsConfig(IntegrationConfig):
    """The hosts to which the secrets may be sent."""

    hosts: list[HostPattern] = Field(
        min_length=1, max_length=20, description="The secrets go to these hosts only. `*.` stands for any subdomain."
    )
    plain_http: bool = Field(default=False, description="Whether they may also be sent without TLS.")
    ca_certificate: CaCertificate | None = Field(
        default=None, description="Your own CA for the servers' certificates, as PEM."
    )


class HttpAuth(BaseIntegration):
    """Base of the types whose one use is to sign requests of `http` nodes."""

    group: ClassVar[str] = "Web"
    icon: ClassVar[str] = "key-round"

    @classmethod
    def binding(cls, config: Any) -> Binding:
        """As the config says."""
        return Binding(config.hosts, config.plain_http, config.ca_certificate or "")


class BasicConfig(HostsConfig):
    """User and password."""

    username: str = Field(max_length=300, pattern=r"^[^:\x00-\x1f\x7f]*$", description="The user name.")
    password: Secret = Field(description="The password. Kept encrypted; it cannot be read again.")


class BasicAuth(HttpAuth):
    """User and password, sent as HTTP Basic."""

    Config = BasicConfig
    title: ClassVar[str] = "HTTP basic"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"hosts": ["shop.example"], "username": "reports", "password": "…"},
    )

    async def credentials(self) -> Credentials:
        """The header."""
        pair = f"{self.config.username}:{self.config.password.get_secret_value()}"
        encoded = base64.b64encode(pair.encode()).decode()
        self.runtime.reveal(encoded)
        return Credentials({"authorization": f"Basic {encoded}"})


class BearerConfig(HostsConfig):
    """A token."""

    token: Secret = Field(description="The token. Kept encrypted; it cannot be read again.")


class BearerAuth(HttpAuth):
    """A token, sent as `Authorization: Bearer`."""

    Config = BearerConfig
    title: ClassVar[str] = "HTTP bearer token"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"hosts": ["api.shop.example"], "token": "…"},)

    async def credentials(self) -> Credentials:
        """The header."""
        return Credentials({"authorization": f"Bearer {header_value(self.config.token)}"})


class ApiKeyConfig(HostsConfig):
    """A key, and its place in the request."""

    place: Literal["header", "query"] = Field(
        default="header", description="Whether the key goes into a header or into the query."
    )
    name: Annotated[str, AfterValidator(check_header_name)] = Field(
        default="x-api-key", max_length=100, pattern=_WORD, description="Name of the header or parameter."
    )
    prefix: str = Field(
        default="", max_length=50, pattern=r"^[\x20-\x7e]*$", description="Text before the key in a header."
    )
    key: Secret = Field(description="The key. Kept encrypted; it cannot be read again.")


class ApiKeyAuth(HttpAuth):
    """An API key, sent in a header or in the query."""

    Config = ApiKeyConfig
    title: ClassVar[str] = "HTTP API key"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"hosts": ["api.weather.example"], "place": "query", "name": "appid", "key": "…"},
    )

    async def credentials(self) -> Credentials:
        """The header, or the parameter."""
        if self.config.place == "query":
            return Credentials(query={self.config.name: self.config.key.get_secret_value()})
        return Credentials({self.config.name: self.config.prefix + header_value(self.config.key)})


def header_value(secret: SecretStr) -> str:
    """A secret as it may stand in a header.

    Raises:
        NodeError: it holds what no header may.
    """
    value = secret.get_secret_value()
    if not value.isprintable() or not value.isascii():
        raise NodeError("the secret holds characters that no HTTP header may hold", code="config")
    return value
