"""An attempt's time does not run while it waits for a thread, and the wait has an end of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

import pytest

from engine import limits
from engine.attempt_clock import attempt_clock, submitted
from engine.errors import NodeError
from engine.testing.clock import VirtualClock
from engine.threads import NodeThreads, node_runner


class Pool:
    """A pool whose threads begin when the test says."""

    def __init__(self) -> None:
        self.queued: list[tuple[Callable[..., Any], Future[Any]]] = []

    def submit(self, work: Callable[..., Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self.queued.append((work, future))
        return future

    def begin(self) -> None:
        work, future = self.queued.pop(0)
        future.set_result(work())


def attempt(queued: float, works: float, *, timeout: float = 5, spare: float = 1000) -> str:
    """What comes of an attempt that waits for a thread and then works for so many seconds."""
    pool = Pool()

    async def run() -> str:
        asyncio.get_running_loop().call_later(queued, lambda: pool.begin() if pool.queued else None)
        async with attempt_clock(timeout, spare):
            await asyncio.wrap_future(submitted(pool.submit, lambda: "done"))
            await asyncio.sleep(works)
        return "done"

    async def told() -> str:
        try:
            return await run()
        except TimeoutError:
            return "timeout"
        except NodeError as error:
            return f"{error.code} {error.nothing_happened}"

    return VirtualClock().run(told())


def test_waiting_for_a_thread_is_not_counted():
    assert attempt(queued=100, works=4) == "done"


def test_work_is_counted():
    assert attempt(queued=100, works=6) == "timeout"
    assert attempt(queued=0, works=6) == "timeout"


def test_attempt_without_a_thread_has_done_nothing():
    assert attempt(queued=100, works=1, spare=20) == "no_thread True"


def test_waiting_for_a_thread_does_not_use_up_the_timeout(monkeypatch: pytest.MonkeyPatch):
    """The first node holds the only thread until the second one's time would have been over."""
    monkeypatch.setattr(limits, "NODE_THREADS", 1)
    release = threading.Event()

    async def node(work: Callable[[], Any], seconds: float) -> Any:
        async with attempt_clock(seconds, 60):
            return await asyncio.to_thread(work)

    async def both() -> list[Any]:
        first: Awaitable[Any] = asyncio.create_task(node(lambda: release.wait(30), 30))
        await asyncio.sleep(0)
        second: Awaitable[Any] = asyncio.create_task(node(lambda: "done", 0.2))
        await asyncio.sleep(0.5)
        release.set()
        return await asyncio.gather(first, second)

    with node_runner(NodeThreads()) as runner:
        assert runner.run(both()) == [True, "done"]
