"""`http`: calls an HTTP API, through the egress guard."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Base64Bytes, Field, JsonValue, field_validator, model_validator

from engine import limits
from engine.errors import NodeError
from engine.integrations.base import BaseIntegration, Credentials
from engine.integrations.http_common import check_headers, no_answer, read_body, status_error
from engine.json_value import dumps
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import IntegrationName, NodeContext
from engine.nodes.http_response import check_charset, decoded, headers_of, kept
from engine.nodes.sources import Source, in_thread
from engine.security.filenames import FileName
from engine.security.tls import CaCertificate

if TYPE_CHECKING:
    import httpx2

MAX_REDIRECTS = 10
MAX_PARTS = 100
_BODIES = ("json", "form", "multipart", "text", "base64")
_HARMLESS_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
_LONGEST_URL = 16_384
_LONGEST_LABEL = 63
_NO_HOST = re.compile(r"[\x00-\x20\x7f<>^`{|}%\\]")

_CONTENT_TYPE = r'^[\w.+-]+/[\w.+-]+(; ?[\w.+-]+=[\w.+"-]+)*$'

Scalar = str | int | float | bool | None
Part = tuple[str, tuple[str | None, Any, str | None]]


class FilePart(Source):
    """A file of a multipart body: a text, bytes as base64, or a file of the workspace."""

    filename: str | None = Field(
        default=None, max_length=255, description="File name. Default: the name of the file; none for a text or bytes."
    )
    content_type: str | None = Field(default=None, max_length=200, pattern=_CONTENT_TYPE, description="Its media type.")


class HttpConfig(NodeConfig):
    """A request, and which answers count as success."""

    urls: ClassVar[frozenset[str]] = frozenset({"url"})

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = Field(
        default="GET", description="Of the request."
    )
    url: str = Field(
        min_length=1,
        max_length=8_192,
        description="Absolute, http or https. What a template puts into the path or the query is percent-encoded; "
        "one at the very beginning is a URL, or the beginning of one, and is put there as it is.",
    )
    query: dict[str, Scalar | list[Scalar]] = Field(
        default_factory=dict, description="Query parameters, added to the URL."
    )
    headers: dict[Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")], str] = Field(
        default_factory=dict, description="Request headers, except those of the connection, such as Host."
    )
    json_body: JsonValue = Field(default=None, alias="json", description="A body of JSON.")
    form: dict[str, Scalar | list[Scalar]] | None = Field(
        default=None, description="A body of form fields (URL-encoded)."
    )
    multipart: dict[str, FilePart | Scalar | list[FilePart | Scalar]] | None = Field(
        default=None,
        max_length=MAX_PARTS,
        description="A multipart body: a field is a value, `{file}`, `{text}`, `{base64}`, or a list.",
    )
    text: str | None = Field(default=None, description="A body of text.")
    base64: Base64Bytes | None = Field(default=None, description="A body of bytes.")
    accept_statuses: list[Annotated[int, Field(ge=100, le=599)]] = Field(
        default_factory=list, description="Statuses of 400 and above that do not fail the node."
    )
    follow_redirects: bool = Field(
        default=True, description="Whether to follow redirects, with the cookies that they set."
    )
    integration: IntegrationName | None = Field(
        default=None, description="Authenticates the request; its secrets are only sent to their hosts."
    )
    ca_certificate: CaCertificate | None = Field(
        default=None,
        description="A CA of your own, as PEM, that may have signed the server's certificate. With an integration "
        "it is the integration that names it.",
    )
    max_response_bytes: int | None = Field(
        default=None, ge=1, le=limits.MAX_FILE_BYTES, description="Default: 10 MiB; with `save_as` 64 MiB."
    )
    response: Literal["auto", "json", "text", "base64"] = Field(
        default="auto", description="How the body is returned; `auto`: by its content type."
    )
    encoding: Annotated[str, AfterValidator(check_charset)] | None = Field(
        default=None,
        max_length=40,
        description="Encoding of the body, such as windows-1252. Default: as declared by the answer, else UTF-8.",
    )
    save_as: FileName | None = Field(
        default=None,
        description="Save the body of a success as this file of the workspace; the output has `file` and `bytes`.",
    )

    @field_validator("url")
    @classmethod
    def _http_only(cls, url: str) -> str:
        url = url.strip()
        if "{{" not in url:
            check_url(url)
        return url

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        check_headers({name: "" if "{{" in value else value for name, value in headers.items()})
        return headers

    @model_validator(mode="after")
    def _fit_together(self) -> HttpConfig:
        given = [name for name in _BODIES if ("json_body" if name == "json" else name) in self.model_fields_set]
        if len(given) > 1:
            raise ValueError(f"give one body, not {' and '.join(f'`{name}`' for name in given)}")
        if self.save_as is None and (self.max_response_bytes or 0) > limits.MAX_OUTPUT_BYTES:
            raise ValueError(f"`max_response_bytes` over {limits.MAX_OUTPUT_BYTES} needs `save_as`")
        if self.integration is not None and self.ca_certificate is not None:
            raise ValueError("`ca_certificate` is named by the integration, whose secrets are sent")
        return self

    @property
    def most_bytes(self) -> int:
        """How large the body of an answer may be."""
        return self.max_response_bytes or (limits.MAX_FILE_BYTES if self.save_as else limits.MAX_OUTPUT_BYTES)


class HttpNode(BaseNode):
    """Calls an HTTP API; the output is `{status, headers, body}`, or `{status, headers, file, bytes}` with `save_as`.

    A status of 400 or above is a failure unless it is accepted. The request carries an `Idempotency-Key` that is
    the same on every attempt. Redirects are followed up to ten times, with the cookies that are set on the way, and
    without credentials to another origin. The header `set-cookie` of an answer is a list.
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
        integration, credentials = None, Credentials()
        if config.integration is not None:
            integration = await context.integration(config.integration)
            if not integration.binding(integration.config).allows(config.url):
                raise _elsewhere(config, integration)
            credentials = await integration.credentials()
        client = await _client(context, config, integration)
        with ExitStack() as sources:
            parts = await in_thread(lambda: list(_parts(config, context, sources))) if config.multipart else []
            request = _build(client, config, credentials, context.idempotency_key, parts)
            async with _sent(client, request, _private_headers(config, credentials), config) as response:
                output = await self._told(context, config, response)
        context.log(  # the host only: the path of a webhook's URL is its secret
            f"{request.method} {response.url.host} gave {response.status_code}",
            status=response.status_code,
            bytes=response.num_bytes_downloaded,
        )
        is_refused = response.status_code == 401  # noqa: PLR2004
        if is_refused and integration is not None and await integration.refused():
            message = "the token was not accepted; it is renewed"
            raise NodeError(message, code="token_refused", retryable=True, nothing_happened=True)
        if response.status_code >= 400 and response.status_code not in config.accept_statuses:  # noqa: PLR2004
            raise status_error(response, output["body"])
        return Completed(output)

    @staticmethod
    async def _told(context: NodeContext, config: HttpConfig, response: httpx2.Response) -> dict[str, Any]:
        output = {"status": response.status_code, "headers": headers_of(response)}
        if config.save_as is not None and response.is_success:
            return {**output, **await kept(response, context, config.save_as, config.most_bytes)}
        body = await read_body(response, min(config.most_bytes, limits.MAX_OUTPUT_BYTES))
        is_failure = response.status_code >= 400 and response.status_code not in config.accept_statuses  # noqa: PLR2004
        try:
            return {**output, "body": decoded(response, body, config.response, config.encoding)}
        except NodeError:
            if not is_failure:
                raise
            return {**output, "body": body.decode(errors="replace")}  # the status is what went wrong


def check_url(url: str) -> None:
    """Refuse what is not an absolute http or https URL.

    Raises:
        ValueError: says what is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("the URL must begin with http:// or https://")
    if not parts.hostname:
        raise ValueError("the URL has no host")
    if _NO_HOST.search(parts.hostname) or max(map(len, parts.hostname.split("."))) > _LONGEST_LABEL:
        raise ValueError(f"{parts.hostname!r:.80} is not a host name")
    if parts.username is not None:
        raise ValueError("the URL holds a user name; send credentials in a header")
    try:
        is_port = parts.port != 0
    except ValueError:
        is_port = False
    if not is_port:
        raise ValueError("the port of the URL must be from 1 to 65535")
    if len(url) > _LONGEST_URL:
        raise ValueError(f"the URL has more than {_LONGEST_URL} characters")


async def _client(context: NodeContext, config: HttpConfig, integration: BaseIntegration | None) -> httpx2.AsyncClient:
    if context.services.http is None:
        raise NodeError("this engine runs without access to the network", code="config")
    ca_certificate = config.ca_certificate
    if integration is not None:
        ca_certificate = getattr(integration.config, "ca_certificate", None)
    return await (context.services.http(ca_certificate) if ca_certificate else context.services.http())


def _elsewhere(config: HttpConfig, integration: BaseIntegration) -> NodeError:
    host = urlsplit(config.url).netloc.rpartition("@")[2]
    binding = integration.binding(integration.config)
    if urlsplit(config.url).scheme == "http" and not binding.plain_http:
        message = (
            "config.url: the integration's secrets are sent by https only; "
            "use https, or set `plain_http` in the integration, which sends them readable by all on the way"
        )
        return NodeError(message, code="credentials_elsewhere")
    return NodeError(
        f"config.url: the integration {config.integration!r} is for {binding}, not for {host[:200]}; "
        "add it to `hosts` of the integration if its secrets may go there",
        code="credentials_elsewhere",
    )


def _private_headers(config: HttpConfig, credentials: Credentials) -> set[str]:
    """The headers that another origin must not see: any that the author gave may be a secret meant for the first."""
    return ({*_lower(config.headers)} - _HARMLESS_HEADERS) | {*_lower(credentials.headers)}


def _parts(config: HttpConfig, context: NodeContext, sources: ExitStack) -> Iterator[Part]:
    """The parts of a multipart body; their files stay open until `sources` is closed."""
    left, count = limits.MAX_FILE_BYTES, 0
    for name, given in (config.multipart or {}).items():
        for value in given if isinstance(given, list) else [given]:
            count += 1
            if count > MAX_PARTS:
                raise NodeError(f"config.multipart: a body has at most {MAX_PARTS} parts", code="config")
            if not isinstance(value, FilePart):
                yield name, (None, _plain(value).encode(), None)
                continue
            content = sources.enter_context(value.opened(context, left))
            left -= content.seek(0, 2)
            content.seek(0)
            if left < 0:
                message = f"config.multipart: its files have more than {limits.MAX_FILE_BYTES} bytes together"
                raise NodeError(message, code="file_too_large")
            yield name, (value.filename or value.named, content, value.content_type)


def _build(
    client: httpx2.AsyncClient, config: HttpConfig, credentials: Credentials, idempotency_key: str, parts: list[Part]
) -> httpx2.Request:
    import httpx2

    try:
        check_url(config.url)
    except ValueError as error:
        raise NodeError(f"config.url: {error}", code="config") from None
    try:
        check_headers(config.headers)
    except ValueError as error:
        raise NodeError(f"config.headers: {error}", code="config") from None
    headers = {"user-agent": "Mainspring", "idempotency-key": idempotency_key, **_lower(config.headers)}
    headers |= _lower(credentials.headers)
    body = _body(config, headers, parts)
    try:
        url = httpx2.URL(config.url)
        query = {name: _query(value) for name, value in config.query.items()} | dict(credentials.query)
        if query:
            url = url.copy_merge_params(query)
        return client.build_request(config.method, url, headers=headers, timeout=None, **body)
    except (ValueError, TypeError, httpx2.InvalidURL) as error:
        raise NodeError(f"config.url: {error}", code="config") from None


def _body(config: HttpConfig, headers: dict[str, str], parts: list[Part]) -> dict[str, Any]:
    """What httpx takes as the body; its content type is added to the headers."""
    if "json_body" in config.model_fields_set:
        headers.setdefault("content-type", "application/json")
        return {"content": dumps(config.json_body).encode()}
    if config.form is not None:
        return {"data": config.form}
    if config.multipart is not None:
        if headers.pop("content-type", "multipart/form-data").partition(";")[0].strip() != "multipart/form-data":
            raise NodeError("config.headers: the type of a multipart body is multipart/form-data", code="config")
        return {"files": parts}
    if config.text is not None:
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        return {"content": config.text.encode()}
    if config.base64 is not None:
        headers.setdefault("content-type", "application/octet-stream")
        return {"content": config.base64}
    return {}


@asynccontextmanager
async def _sent(
    client: httpx2.AsyncClient, request: httpx2.Request, private: set[str], config: HttpConfig
) -> AsyncIterator[httpx2.Response]:
    """The answer, its body not read yet, after as many redirects as are allowed."""
    import httpx2

    cookies, current = httpx2.Cookies(), request
    try:
        response = await client.send(request, stream=True)
        redirects = 0
        while config.follow_redirects and (following := response.next_request) is not None:
            cookies.extract_cookies(response)
            await response.aclose()
            redirects += 1
            if redirects > MAX_REDIRECTS:
                raise NodeError(f"there were more than {MAX_REDIRECTS} redirects", code="too_many_redirects")
            check_url(str(following.url))
            if _origin(following.url) != _origin(request.url):
                for name in private:
                    following.headers.pop(name, None)
            _set_cookies(following, cookies, request if _origin(following.url) == _origin(request.url) else None)
            current = following
            response = await client.send(following, stream=True)
        try:
            yield response
        finally:
            await response.aclose()
    except httpx2.TransportError as error:
        raise no_answer(current, error) from error
    except (ValueError, httpx2.InvalidURL) as error:
        raise NodeError(f"the answer cannot be used: {error}", code="bad_response") from error


def _set_cookies(following: httpx2.Request, cookies: httpx2.Cookies, first: httpx2.Request | None) -> None:
    """The cookies that were set on the way, and those that the author gave, if it is for the same origin."""
    cookies.set_cookie_header(following)
    given = first.headers.get("cookie", "") if first is not None else ""
    set_since = following.headers.get("cookie", "")
    names = {one.partition("=")[0].strip() for one in set_since.split(";")}
    pairs = [one.strip() for one in given.split(";") if one.strip() and one.partition("=")[0].strip() not in names]
    pairs += [set_since] if set_since else []
    if pairs:
        following.headers["cookie"] = "; ".join(pairs)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _query(value: Scalar | list[Scalar]) -> str | list[str]:
    return [_plain(item) for item in value] if isinstance(value, list) else _plain(value)


def _plain(value: Scalar) -> str:
    return json.dumps(value) if isinstance(value, bool) or value is None else str(value)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
