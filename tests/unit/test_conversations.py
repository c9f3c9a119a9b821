"""Servers that never come to an end, and what is left of a conversation that was given up."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine import limits
from engine.errors import NodeError
from engine.integrations import mysql, postgresql, smtp
from engine.integrations.blocking_connections import Conversation, converse
from tests.opened import Bench

DATABASE = {"host": "127.0.0.1", "database": "d", "username": "u", "password": "the-password", "tls": "off"}
MAIL = {"host": "127.0.0.1", "security": "off", "from_address": "a@b.example"}


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[threading.Thread]]]:
    """One that behaves in some way with each who connects, until it is cut off."""
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                behave(connection)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], threads
        listener.shutdown(socket.SHUT_RDWR)


def endless(line: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    """Says the same for ever."""

    def behave(connection: socket.socket) -> None:
        while True:
            connection.sendall(line)
            time.sleep(pause)

    return behave


def silent(connection: socket.socket) -> None:
    """Listens and says nothing."""
    while connection.recv(1_000):
        pass


HOSTILE = {
    "lines": endless(b"220-still here\r\n", 0.01),
    "flood": endless(b"220-" + b"x" * 500 + b"\r\n"),
    "drip": endless(b"2", 0.05),
    "silent": silent,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("integration", ["smtp", "mysql", "postgresql"])
def test_a_server_that_does_not_end_is_cut_off(integration: str, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smtp, "_TRIAL_SECONDS", 0.5)
    monkeypatch.setattr(mysql, "CONNECT_SECONDS", 0.25)
    monkeypatch.setattr(postgresql, "CONNECT_SECONDS", 0.25)
    monkeypatch.setattr(limits, "MAIL_CONVERSATION_BYTES", 2_000_000)
    config = MAIL if integration == "smtp" else DATABASE
    with server(HOSTILE[kind]) as (port, threads):
        bench = Bench(integration, {**config, "port": port})
        with pytest.raises(NodeError) as caught:
            bench.trial()
        assert caught.value.code in ("timeout", "response_too_large", "connection_failed", "mail_refused")
        del caught  # whose traceback holds the connection
        gc.collect()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()


def test_conversations_that_are_given_up_leave_no_thread_behind():
    """More of them than there are threads: the next one begins at once all the same."""

    def read(conversation: Conversation, port: int) -> bytes:
        connection = conversation.connect(["127.0.0.1"], port)
        with connection:
            connection.settimeout(None)
            return connection.recv(1)

    async def given_up(port: int) -> None:
        async with asyncio.timeout(0.2):
            await converse(lambda one: read(one, port), 600, 1_000)

    async def many(port: int) -> list[Any]:
        return await asyncio.gather(*(given_up(port) for _ in range(limits.NODE_THREADS)), return_exceptions=True)

    async def all_of_it(slow: int, quick: int) -> bytes:
        for _ in range(2):
            assert all(isinstance(one, TimeoutError) for one in await many(slow))
        return await converse(lambda one: read(one, quick), 600, 1_000)

    with server(silent) as (slow, _), server(endless(b"x", 0.05)) as (quick, _):
        assert asyncio.run(all_of_it(slow, quick)) == b"x"


def test_the_bounds_are_those_of_the_whole_conversation():
    def read(conversation: Conversation, port: int) -> int:
        with conversation.connect(["127.0.0.1"], port) as connection:
            size = 0
            while chunk := connection.recv(65_536):
                size += len(chunk)
            raise OSError(f"it ends after {size} bytes")

    for seconds, most, code in ((0.5, 10**12, "timeout"), (60, 3_000_000, "response_too_large")):
        with server(endless(b"x" * 65_536)) as (port, _), pytest.raises(NodeError) as caught:
            asyncio.run(converse(lambda one, port=port: read(one, port), seconds, most))  # type: ignore[misc]
        assert caught.value.code == code


def test_a_mail_that_was_taken_counts_whatever_the_server_drips_then(monkeypatch: pytest.MonkeyPatch):
    """Else it would be sent again."""
    monkeypatch.setattr(limits, "MAX_NODE_TIMEOUT", 4.0)

    def behave(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        connection.sendall(b"220 hi\r\n")
        for line in lines:
            word = line.split()[0].upper()
            if word == b"DATA":
                connection.sendall(b"354 go\r\n")
                while lines.readline() != b".\r\n":
                    pass
            if word == b"QUIT":
                endless(b"2", 0.05)(connection)
            connection.sendall(b"250 ok\r\n")

    with server(behave) as (port, _):
        done = Bench("smtp", {**MAIL, "port": port}).node("email", to=["a@b.example"], subject="s", text="t")
    assert done.output["recipients"] == ["a@b.example"]


def without_starttls(connection: socket.socket) -> None:
    """A mail server that knows no TLS."""
    connection.sendall(b"220 mail ESMTP\r\n")
    while connection.recv(1_000):
        connection.sendall(b"250 mail\r\n")


def without_tls(connection: socket.socket) -> None:
    """A PostgreSQL server that knows no TLS."""
    connection.recv(8)
    connection.sendall(b"N")
    silent(connection)


@pytest.mark.parametrize(
    ("integration", "behave", "what"),
    [("smtp", without_starttls, "`security`"), ("postgresql", without_tls, "`tls`")],
)
def test_server_without_tls_is_reported_with_the_setting_to_change(integration: str, behave: Any, what: str):
    config = MAIL if integration == "smtp" else DATABASE
    config = {name: value for name, value in config.items() if value != "off"}
    with server(behave) as (port, _), pytest.raises(NodeError) as caught:
        Bench(integration, {**config, "port": port}).trial()
    assert f"set {what} of the integration" in caught.value.message
