"""Blocking calls: a thread for each node, none of which the platform's own calls wait for; one client for a service."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from engine import limits
from engine.threads import NOTIFICATIONS, SECRETS, NodeThreads, in_thread_of, node_runner
from functions import container
from tests.unit.conftest import Aws


@contextmanager
def two_processors(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[NodeThreads, asyncio.Runner]]:
    """What a function of Lambda has; Python's own pool would have six threads there."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    threads = NodeThreads()
    with node_runner(threads) as runner:
        yield threads, runner


def test_as_many_nodes_as_may_run_block_at_the_same_time(monkeypatch: pytest.MonkeyPatch):
    all_of_them = threading.Barrier(limits.MAX_PARALLEL_NODES)

    async def nodes() -> list[int]:
        return await asyncio.gather(
            *(asyncio.to_thread(all_of_them.wait, 20) for _ in range(limits.MAX_PARALLEL_NODES))
        )

    with two_processors(monkeypatch) as (_, runner):
        assert sorted(runner.run(nodes())) == list(range(limits.MAX_PARALLEL_NODES))


def test_secrets_and_notifications_wait_for_no_node(monkeypatch: pytest.MonkeyPatch):
    release = threading.Event()

    async def stuck() -> tuple[str, str]:
        hanging = [asyncio.to_thread(release.wait, 30) for _ in range(2 * limits.NODE_THREADS)]
        nodes = asyncio.gather(*hanging)
        await asyncio.sleep(0)
        secret = await in_thread_of(SECRETS, str, "a secret")
        told = await in_thread_of(NOTIFICATIONS, str, "told")
        assert not nodes.done()
        release.set()
        await nodes
        return secret, told

    with two_processors(monkeypatch) as (_, runner):
        assert runner.run(stuck()) == ("a secret", "told")


def test_what_its_node_has_given_up_is_known_until_it_ends(monkeypatch: pytest.MonkeyPatch):
    release = threading.Event()

    async def node() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.to_thread(release.wait, 30)

    with two_processors(monkeypatch) as (threads, runner):
        with pytest.raises(TimeoutError):
            runner.run(node())
        assert threads.left_running(0.0) == 1
        release.set()
        assert threads.left_running(30) == 0


def test_the_function_that_runs_nodes_has_these_threads(aws: Aws):
    from functions.advance import handler as advance

    all_of_them = threading.Barrier(limits.MAX_PARALLEL_NODES)

    async def nodes() -> list[int]:
        return await asyncio.gather(
            *(asyncio.to_thread(all_of_them.wait, 20) for _ in range(limits.MAX_PARALLEL_NODES))
        )

    assert len(advance._runner.run(nodes())) == limits.MAX_PARALLEL_NODES


def test_process_with_an_endless_call_exits_after_the_invocation(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """Whoever is served next would run beside it. The outcome is recorded: repeated, it comes to the same."""
    from functions.advance import handler as advance

    release, ended = threading.Event(), []

    async def hang() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.to_thread(release.wait, 30)

    def invocation(*_: object) -> dict[str, str]:
        advance._runner.run(hang())
        return {"next": "again"}

    monkeypatch.setattr(advance, "_invocation", invocation)
    monkeypatch.setattr(limits, "LEFT_RUNNING_SECONDS", 0.0)
    monkeypatch.setattr(os, "_exit", ended.append)
    advance.handler({"execution_id": "e"}, None)
    assert ended == [1]
    release.set()
    monkeypatch.setattr(limits, "LEFT_RUNNING_SECONDS", 30.0)
    advance.handler({"execution_id": "e"}, None)
    assert ended == [1]


def test_sixteen_threads_that_need_a_client_first_share_one(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(container, "_clients", {})
    together = threading.Barrier(16)

    def ask(_: int) -> object:
        together.wait()
        return container.client("s3")

    with ThreadPoolExecutor(16) as pool:
        assert len(set(map(id, pool.map(ask, range(16))))) == 1


def test_there_is_a_connection_for_each_thread():
    most = limits.NODE_THREADS + limits.PLATFORM_THREADS + 32  # those of the history
    for config in (container._config, container._signed, container._patient):
        assert config.max_pool_connections >= most  # type: ignore[attr-defined]
