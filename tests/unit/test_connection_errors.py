"""What is said of connections that fail: words, never the operating system's numbers."""

from __future__ import annotations

import errno
import socket
from typing import Any

import httpx2
import pytest

from engine.errors import NodeError
from engine.security.connection_errors import reason_of
from tests.opened import Bench
from tests.servers import free_port

NOBODY = "nothing accepts connections at that address and port"
DATABASE = {"host": "127.0.0.1", "database": "shop", "username": "we", "password": "secret", "tls": "off"}


def wrapped(outer: Exception, inner: BaseException) -> Exception:
    """An error that a library has made of another one."""
    try:
        raise outer from inner
    except Exception as error:  # noqa: BLE001 - it is what is asked for
        return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), NOBODY),
        (wrapped(httpx2.ConnectError("[Errno 111] x"), OSError(errno.ECONNREFUSED, "x")), NOBODY),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "there is no way to that address from here"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "the other side closed the connection"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "its name cannot be resolved"),
        (httpx2.ReadTimeout(""), "there was no answer in time"),
        (TimeoutError(), "there was no answer in time"),
        (wrapped(OSError("All attempts failed"), ExceptionGroup("x", [OSError(errno.ECONNREFUSED, "x")])), NOBODY),
        (OSError("the name shop.example has no address"), "the name shop.example has no address"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (httpx2.ReadError(""), "the connection was lost"),
    ],
)
def test_reasons_are_words(error: Exception, said: str):
    assert reason_of(error) == said


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("smtp", {"host": "127.0.0.1", "from_address": "we@shop.example", "security": "off"}),
        ("postgresql", DATABASE),
        ("mysql", DATABASE),
        ("openai", {"api_key": "secret"}),
    ],
)
def test_a_trial_of_a_server_that_is_not_there_says_so_in_words(kind: str, config: dict[str, Any]):
    port = free_port()
    place = {"base_url": f"http://127.0.0.1:{port}"} if kind == "openai" else {"port": port}
    bench = Bench(kind, {**config, **place})

    with pytest.raises(NodeError) as caught:
        bench.runner.run(bench.opened().test())

    assert caught.value.code == "connection_failed"
    assert "rrno" not in f"{caught.value} {caught.value.details}"
    assert str(errno.ECONNREFUSED) not in f"{caught.value} {caught.value.details}".replace(str(port), "")


def test_an_http_node_says_that_nothing_answers():
    place = f"127.0.0.1:{free_port()}"
    bench = Bench("http_bearer", {"token": "secret", "hosts": [place], "plain_http": True})
    refused = bench.node("http", url=f"http://{place}/").error

    assert refused is not None
    assert refused.message.endswith(NOBODY)
