"""The `http` node against a real server on loopback."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.clock import SystemClock
from engine.errors import NodeError
from engine.nodes.base import Completed
from engine.nodes.context import NodeContext, NodeServices
from engine.nodes.http import HttpNode
from engine.security.egress import guarded_client
from engine.workflow.expressions.scope import Scope

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", threaded=True) as http:
        yield http


@pytest.fixture(autouse=True)
def _clean(server: HTTPServer) -> Iterator[None]:
    yield
    server.clear()


def call(config: dict[str, Any], data: dict[str, Any] | None = None) -> dict[str, Any]:
    async def run() -> Any:
        async with guarded_client(LOOPBACK) as client:

            async def http() -> Any:
                return client

            scope = Scope({"trigger": {"body": data}, "nodes": {}, "vars": {}}, datetime.now(UTC))
            context = NodeContext("execution-1", "workspace-1", "call", 1, scope, NodeServices(http), SystemClock())
            return await HttpNode(config).execute(context)

    result = asyncio.run(run())
    assert isinstance(result, Completed)
    return result.output


def failure(config: dict[str, Any]) -> NodeError:
    with pytest.raises(NodeError) as caught:
        call(config)
    return caught.value


def echo(request: Request) -> Response:
    seen = {
        "method": request.method,
        "path": request.path,
        "query": request.args.to_dict(flat=False),
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": request.get_data().decode("latin-1"),
    }
    return Response(json.dumps(seen), content_type="application/json")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method(server: HTTPServer, method: str):
    server.expect_request("/echo").respond_with_handler(echo)

    assert call({"method": method, "url": server.url_for("/echo")})["body"]["method"] == method


def test_head_has_no_body(server: HTTPServer):
    server.expect_request("/echo").respond_with_handler(echo)
    output = call({"method": "HEAD", "url": server.url_for("/echo")})

    assert output["status"] == 200
    assert output["body"] is None


@pytest.mark.parametrize(
    ("body", "content_type", "sent"),
    [
        ({"json": {"a": "ü"}}, "application/json", '{"a":"\u00c3\u00bc"}'),
        ({"json": None}, "application/json", "null"),
        ({"form": {"a": "1", "b": "x y"}}, "application/x-www-form-urlencoded", "a=1&b=x+y"),
        ({"text": "hello"}, "text/plain; charset=utf-8", "hello"),
        ({"base64": base64.b64encode(b"\x00\xff").decode()}, "application/octet-stream", "\x00\xff"),
    ],
)
def test_each_kind_of_body(server: HTTPServer, body: dict, content_type: str, sent: str):
    server.expect_request("/echo").respond_with_handler(echo)
    seen = call({"method": "POST", "url": server.url_for("/echo"), **body})["body"]

    assert seen["headers"]["content-type"] == content_type
    assert seen["body"] == sent


def test_query_headers_and_templates(server: HTTPServer):
    server.expect_request("/echo").respond_with_handler(echo)
    config = {
        "url": server.url_for("/echo") + "?kept=1",
        "query": {"id": "{{ trigger.body.id }}", "tag": ["a", "b"], "flag": True},
        "headers": {"X-Name": "{{ trigger.body.name }}", "User-Agent": "mine"},
    }
    seen = call(config, {"id": 7, "name": "n"})["body"]

    assert seen["query"] == {"kept": ["1"], "id": ["7"], "tag": ["a", "b"], "flag": ["true"]}
    assert seen["headers"]["x-name"] == "n"
    assert seen["headers"]["user-agent"] == "mine"
    assert seen["headers"]["idempotency-key"] == "execution-1/call"


@pytest.mark.parametrize(
    ("content", "content_type", "wanted", "body"),
    [
        (b'{"a": 1}', "application/json", "auto", {"a": 1}),
        (b'{"a": 1}', "application/problem+json", "auto", {"a": 1}),
        (b"", "application/json", "auto", None),
        ("grün".encode(), "text/plain; charset=utf-8", "auto", "grün"),
        ("grün".encode("latin-1"), "text/plain; charset=latin-1", "auto", "grün"),
        (b"<a/>", "application/xml", "auto", "<a/>"),
        (b"\x89PNG", "image/png", "auto", base64.b64encode(b"\x89PNG").decode()),
        (b"\xff\xfe\x00", "", "auto", base64.b64encode(b"\xff\xfe\x00").decode()),
        (b'{"a": 1}', "text/plain", "json", {"a": 1}),
        (b'{"a": 1}', "application/json", "text", '{"a": 1}'),
        (b"abc", "text/plain", "base64", "YWJj"),
    ],
)
def test_response_body_is_read_by_content_type_and_config(
    server: HTTPServer, content: bytes, content_type: str, wanted: str, body: Any
):
    server.expect_request("/x").respond_with_data(content, content_type=content_type)

    assert call({"url": server.url_for("/x"), "response": wanted})["body"] == body


@pytest.mark.parametrize("content", [b"{", b"NaN", b"[" * 100_000, b'{"a":' * 70 + b"1" + b"}" * 70])
def test_an_answer_that_is_not_usable_json_fails(server: HTTPServer, content: bytes):
    server.expect_request("/x").respond_with_data(content, content_type="application/json")

    assert failure({"url": server.url_for("/x")}).code == "bad_response"


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (404, False), (408, True), (429, True), (500, True), (503, True)]
)
def test_a_bad_status_fails_and_says_whether_it_may_work_later(server: HTTPServer, status: int, retryable: bool):
    server.expect_request("/x").respond_with_data("why", status=status)
    error = failure({"url": server.url_for("/x")})

    assert (error.code, error.retryable) == ("http_status", retryable)
    assert error.details == {"status": status, "body": "why"}


def test_an_accepted_status_is_no_failure(server: HTTPServer):
    server.expect_request("/x").respond_with_data("gone", status=404)

    assert call({"url": server.url_for("/x"), "accept_statuses": [404]})["status"] == 404


def test_retry_after_as_seconds_and_as_a_date(server: HTTPServer):
    server.expect_request("/s").respond_with_data("", status=429, headers={"Retry-After": "120"})
    server.expect_request("/d").respond_with_data(
        "", status=503, headers={"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"}
    )
    server.expect_request("/n").respond_with_data("", status=503, headers={"Retry-After": "soon"})

    assert failure({"url": server.url_for("/s")}).retry_after == 120
    assert (failure({"url": server.url_for("/d")}).retry_after or 0) > 1e9
    assert failure({"url": server.url_for("/n")}).retry_after is None


def test_redirects_are_followed_with_get_after_303(server: HTTPServer):
    server.expect_request("/from").respond_with_data("", status=303, headers={"Location": server.url_for("/echo")})
    server.expect_request("/echo").respond_with_handler(echo)

    assert call({"method": "POST", "url": server.url_for("/from"), "json": 1})["body"]["method"] == "GET"


def test_redirects_can_be_left_alone_and_are_bounded(server: HTTPServer):
    server.expect_request("/loop").respond_with_data("", status=302, headers={"Location": server.url_for("/loop")})

    assert call({"url": server.url_for("/loop"), "follow_redirects": False})["status"] == 302
    assert failure({"url": server.url_for("/loop")}).code == "too_many_redirects"


def test_credentials_do_not_follow_to_another_origin(server: HTTPServer):
    with HTTPServer(host="127.0.0.1") as elsewhere:
        elsewhere.expect_request("/echo").respond_with_handler(echo)
        server.expect_request("/from").respond_with_data(
            "", status=307, headers={"Location": elsewhere.url_for("/echo")}
        )
        headers = {"Authorization": "secret", "X-Api-Key": "secret", "Cookie": "secret", "Accept": "application/json"}
        seen = call({"url": server.url_for("/from"), "headers": headers})["body"]["headers"]

    assert "secret" not in str(seen)
    assert seen["accept"] == "application/json"


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:pw@127.0.0.1/"])
def test_a_redirect_to_what_is_no_web_address_fails(server: HTTPServer, target: str):
    server.expect_request("/from").respond_with_data("", status=302, headers={"Location": target})

    assert failure({"url": server.url_for("/from")}).code in ("bad_response", "connection_failed")


def test_a_redirect_passes_the_guard_as_well(server: HTTPServer):
    server.expect_request("/from").respond_with_data(
        "", status=302, headers={"Location": "http://169.254.169.254/latest/"}
    )

    assert failure({"url": server.url_for("/from")}).code == "egress_refused"


def test_a_body_over_the_bound_is_not_read_to_its_end(server: HTTPServer):
    sent = []

    def endless(_request: Request) -> Response:
        def chunks() -> Iterator[bytes]:
            for _ in range(10_000):
                sent.append(1)
                yield b"x" * 10_000

        return Response(chunks(), content_type="text/plain")

    server.expect_request("/x").respond_with_handler(endless)
    error = failure({"url": server.url_for("/x"), "max_response_bytes": 100_000})

    assert error.code == "response_too_large"
    assert len(sent) < 5_000


def test_a_compressed_bomb_counts_as_what_it_becomes(server: HTTPServer):
    bomb = gzip.compress(b"0" * 20_000_000)
    server.expect_request("/x").respond_with_data(bomb, content_type="text/plain", headers={"Content-Encoding": "gzip"})

    assert failure({"url": server.url_for("/x")}).code == "response_too_large"


def test_refused_connection_is_retryable():
    error = failure({"url": "http://127.0.0.1:1/"})

    assert (error.code, error.retryable) == ("connection_failed", True)


@pytest.mark.parametrize(
    "url", ["", "/path", "http://", "ftp://x/", "http://user@x/", "http://[::1/", "http://a b/", "javascript:1"]
)
def test_invalid_url_is_not_retryable(url: str):
    assert failure({"url": "{{ trigger.body }}"} if not url else {"url": url}).code in (
        "config",
        "connection_failed",
        "expression",
    )


def test_a_header_cannot_smuggle_a_line():
    error = failure({"url": "http://127.0.0.1:1/", "headers": {"x": "a\r\nEvil: 1"}})

    assert error.code == "config"


@pytest.mark.parametrize("charset", ["punycode", "unicode_escape", "idna", "rot13", "nonsense"])
def test_a_charset_that_is_none_is_refused_with_what_to_set(server: HTTPServer, charset: str):
    server.expect_request("/x").respond_with_data(b"abc", content_type=f"text/plain; charset={charset}")

    error = failure({"url": server.url_for("/x")})
    assert (error.code, "set `encoding`" in error.message) == ("bad_response", True)
    assert call({"url": server.url_for("/x"), "response": "base64"})["body"] == "YWJj"
    assert call({"url": server.url_for("/x"), "encoding": "utf-8"})["body"] == "abc"


def test_the_client_remembers_no_cookies(server: HTTPServer):
    """It serves every workspace, so a session of one must not reach the other."""
    server.expect_request("/login").respond_with_data("", headers={"Set-Cookie": "session=A; Path=/"})
    server.expect_request("/echo").respond_with_handler(echo)

    async def two() -> Any:
        async with guarded_client(LOOPBACK) as client:
            await client.get(server.url_for("/login"))
            return (await client.get(server.url_for("/echo"))).json()

    assert "cookie" not in asyncio.run(two())["headers"]


def test_the_log_names_the_host_and_not_the_path(server: HTTPServer):
    server.expect_request("/secret-token").respond_with_data("x")

    async def run() -> NodeContext:
        async with guarded_client(LOOPBACK) as client:

            async def http() -> Any:
                return client

            scope = Scope({"trigger": {}, "nodes": {}, "vars": {}}, datetime.now(UTC))
            context = NodeContext("e", "workspace-1", "call", 1, scope, NodeServices(http), SystemClock())
            await HttpNode({"url": server.url_for("/secret-token")}).execute(context)
            return context

    lines = asyncio.run(run()).lines
    assert [line.message for line in lines] == ["GET 127.0.0.1 gave 200"]
