"""`http`: calls an HTTP API, through the egress guard."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Base64Bytes, Field, JsonValue, field_validator, model_validator

from engine import limits
from engine.context import IntegrationName, NodeContext
from engine.errors import NodeError
from engine.integrations.base import BaseIntegration, Credentials
from engine.jsonvalue import dumps
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.outgoing import read_body, status_error
from engine.parsing.json_text import read_json

if TYPE_CHECKING:
    import httpx2

MAX_REDIRECTS = 10
_BODIES = ("json", "form", "text", "base64")
# The other side names the charset, and Python knows some (punycode, unicode-escape) that are slow or no text at all.
_CHARSETS = re.compile(
    r"utf-?(8|16|32)(-?(le|be|sig))?|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?1|(windows-|cp)125\d|koi8-[ru]"
    r"|shift-?jis|euc-(jp|kr)|gb2312|gbk|gb18030|big5|iso-2022-jp"
)
_HARMLESS_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})

Scalar = str | int | float | bool | None


class HttpConfig(NodeConfig):
    """A request, and what of its answer counts as success."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    url: str = Field(min_length=1, max_length=8_192, description="Absolute, http or https.")
    query: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict, description="Added to the URL.")
    headers: dict[Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")], str] = Field(default_factory=dict)
    json_body: JsonValue = Field(default=None, alias="json", description="A body of JSON.")
    form: dict[str, Scalar | list[Scalar]] | None = Field(default=None, description="A body as HTML forms send it.")
    text: str | None = Field(default=None, description="A body of text.")
    base64: Base64Bytes | None = Field(default=None, description="A body of bytes.")
    accept_statuses: list[Annotated[int, Field(ge=100, le=599)]] = Field(
        default_factory=list, description="Statuses of 400 and above that are not a failure."
    )
    follow_redirects: bool = True
    integration: IntegrationName | None = Field(
        default=None, description="Signs the request; its secrets go to the hosts that they are for, and nowhere else."
    )
    max_response_bytes: int = Field(default=limits.MAX_OUTPUT_BYTES, ge=1, le=limits.MAX_OUTPUT_BYTES)
    response: Literal["auto", "json", "text", "base64"] = Field(
        default="auto", description="How the body is given; `auto` goes by its content type."
    )

    @field_validator("url")
    @classmethod
    def _http_only(cls, url: str) -> str:
        if "{{" not in url:
            check_url(url)
        return url

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if any(character in value for character in "\r\n\0"):
                raise ValueError(f"the header {name} holds a line break")
        return headers

    @model_validator(mode="after")
    def _one_body(self) -> HttpConfig:
        given = [name for name in _BODIES if ("json_body" if name == "json" else name) in self.model_fields_set]
        if len(given) > 1:
            raise ValueError(f"give one body, not {' and '.join(f'`{name}`' for name in given)}")
        return self


class HttpNode(BaseNode):
    """Calls an HTTP API; the output is `{status, headers, body}`.

    A status of 400 or above is a failure unless it is accepted. The request carries an `Idempotency-Key` that is
    the same on every attempt. Redirects are followed up to ten times, without credentials to another origin.
    """

    Config = HttpConfig
    title: ClassVar[str] = "HTTP request"
    integrations: ClassVar[tuple[str, ...]] = ("*",)
    group: ClassVar[str] = "Web"
    icon: ClassVar[str] = "globe"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"method": "GET", "url": "https://shop.example/orders/{{ trigger.body.order_id }}"},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Send the request and read the answer within the bounds.

        Raises:
            NodeError: `connection_failed`, `http_status`, `response_too_large`, `too_many_redirects`,
                `egress_refused` or `config`; what may work next time is retryable.
        """
        config = context.config(HttpConfig, self.raw_config)
        if context.services.http is None:
            raise NodeError("this engine runs without access to the network", code="config")
        client = await context.services.http()
        integration, credentials = None, Credentials()
        if config.integration is not None:
            integration = await context.integration(config.integration)
            if not integration.binding(integration.config).allows(config.url):
                raise _elsewhere(config, integration)
            credentials = await integration.credentials()
        request = _build(client, config, credentials, context.idempotency_key)
        async with _sent(client, request, _private_headers(config, credentials), config) as response:
            body = await read_body(response, config.max_response_bytes)
        output = {
            "status": response.status_code,
            "headers": {name.lower(): value for name, value in response.headers.items()},
            "body": _decode(response, body, config.response),
        }
        context.log(  # the host only: the path of a webhook's URL is its secret
            f"{request.method} {response.url.host} gave {response.status_code}",
            status=response.status_code,
            bytes=len(body),
        )
        is_refused = response.status_code == 401  # noqa: PLR2004
        if is_refused and integration is not None and await integration.refused():
            raise NodeError("the token was not accepted; it is renewed", code="token_refused", retryable=True)
        if response.status_code >= 400 and response.status_code not in config.accept_statuses:  # noqa: PLR2004
            raise status_error(response, output["body"])
        return Completed(output)


def check_url(url: str) -> None:
    """Refuse what is not an absolute http or https URL.

    Raises:
        ValueError: says what is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("the URL must begin with http:// or https://")
    if not parts.hostname:
        raise ValueError("the URL names no host")
    if parts.username is not None:
        raise ValueError("the URL holds a user name; send credentials in a header")


def _elsewhere(config: HttpConfig, integration: BaseIntegration) -> NodeError:
    host = urlsplit(config.url).netloc.rpartition("@")[2]
    binding = integration.binding(integration.config)
    if urlsplit(config.url).scheme == "http" and not binding.plain_http:
        return NodeError("config.url: the integration's secrets are sent by https only", code="credentials_elsewhere")
    return NodeError(
        f"config.url: the integration {config.integration!r} is for {binding}, not for {host[:200]}",
        code="credentials_elsewhere",
    )


def _private_headers(config: HttpConfig, credentials: Credentials) -> set[str]:
    """The headers that another origin must not see: any that the author gave may be a secret meant for the first."""
    return ({*_lower(config.headers)} - _HARMLESS_HEADERS) | {*_lower(credentials.headers)}


def _build(
    client: httpx2.AsyncClient, config: HttpConfig, credentials: Credentials, idempotency_key: str
) -> httpx2.Request:
    import httpx2

    try:
        check_url(config.url)
        headers = {"user-agent": "Mainspring", "idempotency-key": idempotency_key, **_lower(config.headers)}
        headers |= _lower(credentials.headers)
        body: dict[str, Any] = {}
        if "json_body" in config.model_fields_set:
            headers.setdefault("content-type", "application/json")
            body["content"] = dumps(config.json_body).encode()
        elif config.form is not None:
            body["data"] = config.form
        elif config.text is not None:
            headers.setdefault("content-type", "text/plain; charset=utf-8")
            body["content"] = config.text.encode()
        elif config.base64 is not None:
            headers.setdefault("content-type", "application/octet-stream")
            body["content"] = config.base64
        url = httpx2.URL(config.url)
        query = {name: _query(value) for name, value in config.query.items()} | dict(credentials.query)
        if query:
            url = url.copy_merge_params(query)
        return client.build_request(config.method, url, headers=headers, timeout=None, **body)
    except (ValueError, TypeError, httpx2.InvalidURL) as error:
        raise NodeError(f"config.url: {error}", code="config") from None


@asynccontextmanager
async def _sent(
    client: httpx2.AsyncClient, request: httpx2.Request, private: set[str], config: HttpConfig
) -> AsyncIterator[httpx2.Response]:
    """The answer, its body not read yet, after as many redirects as are allowed."""
    import httpx2

    try:
        response = await client.send(request, stream=True)
        redirects = 0
        while config.follow_redirects and (following := response.next_request) is not None:
            await response.aclose()
            redirects += 1
            if redirects > MAX_REDIRECTS:
                raise NodeError(f"there were more than {MAX_REDIRECTS} redirects", code="too_many_redirects")
            check_url(str(following.url))
            if _origin(following.url) != _origin(request.url):
                for name in private:
                    following.headers.pop(name, None)
            response = await client.send(following, stream=True)
        try:
            yield response
        finally:
            await response.aclose()
    except httpx2.TransportError as error:
        reason = str(error) or type(error).__name__
        raise NodeError(
            f"no answer from {request.url.netloc.decode()}: {reason}", code="connection_failed", retryable=True
        ) from error
    except (ValueError, httpx2.InvalidURL, httpx2.DecodingError) as error:
        raise NodeError(f"the answer cannot be used: {error}", code="bad_response") from error


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _decode(response: httpx2.Response, body: bytes, wanted: str) -> Any:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    if wanted == "json" or (wanted == "auto" and is_json):
        if not body:
            return None
        try:
            text = body.decode(json.detect_encoding(body))
        except UnicodeDecodeError as error:
            raise NodeError(f"the response body is not JSON: {error}", code="bad_response") from None
        return read_json(text, "the response body", "bad_response")
    is_text = kind.startswith("text/") or kind in ("", "application/xml", "application/x-www-form-urlencoded")
    if wanted == "text" or (wanted == "auto" and (is_text or kind.endswith("+xml"))):
        charset = (response.charset_encoding or "utf-8").lower().replace("_", "-")
        try:
            if _CHARSETS.fullmatch(charset):
                return body.decode(charset, errors="replace" if wanted == "text" else "strict")
        except (UnicodeDecodeError, LookupError):
            pass  # it is not what it says: given as bytes
    return base64.b64encode(body).decode()


def _query(value: Scalar | list[Scalar]) -> str | list[str]:
    if isinstance(value, list):
        return [str(_query(item)) for item in value]
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return str(value)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
