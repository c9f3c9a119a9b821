"""TLS of the `http` node: an own CA, and what is said where secrets would go out in plain."""

from __future__ import annotations

import ssl

import trustme
from pytest_httpserver import HTTPServer

from engine.errors import NodeError
from engine.security.redaction import PROCESS
from tests.opened import Bench
from tests.peers import peer
from tests.unit.test_http_exchange import attempt


def test_custom_certificate_authority_is_trusted():
    ca = trustme.CA()
    pem = ca.cert_pem.bytes().decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    with HTTPServer(host="localhost", ssl_context=context) as server:
        server.expect_request("/").respond_with_data("hi", content_type="text/plain")
        url = f"https://localhost:{server.port}/"
        assert attempt(url=url, ca_certificate=pem).output["body"] == "hi"
        error = attempt(url=url).error
        assert error is not None
        assert (error.code, "ca_certificate" in error.message) == ("connection_failed", True)
        bench = Bench("http_bearer", {"hosts": [f"localhost:{server.port}"], "token": "a-token", "ca_certificate": pem})
        assert bench.node("http", url=url).output["body"] == "hi"
        refused = bench.node("http", url=url, ca_certificate=pem).error
        assert refused is not None
        assert "named by the integration" in refused.message


def test_https_to_a_plain_http_server_is_reported():
    with peer() as server:
        error = attempt(url=f"https://{server.netloc}/").error
    assert error is not None
    assert "http://" in error.message


def test_secrets_by_plain_http_say_what_to_set():
    with peer() as server:
        error = Bench("http_bearer", {"hosts": [server.netloc], "token": "a-token"}).node("http", url=server.url).error
        assert error is not None
        assert "`plain_http`" in error.message
        other = (
            Bench("http_bearer", {"hosts": ["a.example"], "token": "a-token"})
            .node("http", url="https://b.example")
            .error
        )
        assert other is not None
        assert "`hosts`" in other.message


def test_the_body_of_a_refusal_is_cut_after_its_secrets_are_out():
    secret = "a-very-secret-token-of-the-shop"
    with peer(lambda _: (400, {}, b"x" * 1_980 + secret.encode())) as server:
        PROCESS.add(secret)
        bench = Bench("http_bearer", {"hosts": [server.netloc], "plain_http": True, "token": secret})
        error = bench.node("http", url=server.url).error
    assert isinstance(error, NodeError)
    assert "a-very" not in error.details["body"]
