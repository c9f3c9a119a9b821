"""The threads in which blocking calls run: one pool for what nodes do, others for what the platform does for them.

A node may hang in a call until its timeout and beyond, so what other nodes depend on never waits for a thread of its
pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, ParamSpec, TypeVar

from engine import limits
from engine.attempt_clock import submitted

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class NodeThreads(ThreadPoolExecutor):
    """The pool for what nodes do, with a thread for each node that may run. It knows what has not come to its end."""

    def __init__(self) -> None:
        super().__init__(limits.NODE_THREADS, thread_name_prefix="node")
        self._under_way: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As `Executor.submit`. The time of the attempt that asks for it does not run until a thread begins."""
        submit = super().submit
        future = submitted(lambda work: submit(work, *args, **kwargs), fn)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def left_running(self, grace: float) -> int:
        """How many calls do not end within `grace` seconds, though nobody waits for them any more."""
        under_way = list(self._under_way)
        return len(wait(under_way, grace).not_done) if under_way else 0


def node_runner(threads: NodeThreads) -> asyncio.Runner:
    """An event loop whose `asyncio.to_thread` uses these threads.

    Python's own pool has four threads more than the machine has processors, which in a Lambda function is six.
    """
    runner = asyncio.Runner()
    runner.get_loop().set_default_executor(threads)
    return runner


SECRETS = ThreadPoolExecutor(limits.PLATFORM_THREADS, thread_name_prefix="secrets")
"""For opening integrations and renewing their tokens."""
NOTIFICATIONS = ThreadPoolExecutor(limits.PLATFORM_THREADS, thread_name_prefix="notifications")
"""For telling the supervisor what an execution asks for."""


async def in_thread_of(
    pool: ThreadPoolExecutor,
    work: Callable[Arguments, Result],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """A blocking call in a thread of a pool."""
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: work(*args, **kwargs))
