"""The time that one attempt of a node may take. It does not run while the attempt waits for a thread of the pool.

An attempt that was counted out while it waited would fail without having begun, because others took long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

from engine.errors import NodeError

_current: ContextVar[AttemptClock | None] = ContextVar("attempt", default=None)


class AttemptClock:
    """The clock of the attempt that runs in this task. `spare` is how long it may wait for threads in all."""

    def __init__(self, timeout: asyncio.Timeout, spare: float) -> None:
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._spare = spare
        self._waiting = 0
        self._left = 0.0
        self._since = 0.0
        self.has_begun = False
        """Whether any thread has worked for it."""

    @property
    def waits(self) -> bool:
        """Whether it waits for a thread now."""
        return self._waiting > 0

    def hold(self) -> None:
        """A call waits for a thread from now on."""
        when = self._timeout.when()
        if self._waiting == 0 and when is not None:
            self._since = self._loop.time()
            self._left = when - self._since
            self._set(self._left + self._spare)
        self._waiting += 1

    def release(self, *, begun: bool = True) -> None:
        """A call has its thread, or does not want one any more."""
        self._waiting -= 1
        self.has_begun = self.has_begun or begun
        if self._waiting == 0:
            self._spare = max(0.0, self._spare - (self._loop.time() - self._since))
            self._set(self._left)

    def _set(self, seconds: float) -> None:
        with suppress(RuntimeError):  # the attempt is over
            self._timeout.reschedule(self._loop.time() + seconds)

    def soon(self, *, begun: bool) -> None:
        """`release`, from any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(lambda: self.release(begun=begun))


@asynccontextmanager
async def attempt_clock(seconds: float, spare: float) -> AsyncIterator[None]:
    """Let the block take so long, and `spare` seconds more to wait for threads.

    Raises:
        TimeoutError: it took longer.
        NodeError: `no_thread`: it was still waiting for one.
    """
    async with asyncio.timeout(None) as timeout:
        clock = AttemptClock(timeout, max(0.0, spare))
        timeout.reschedule(asyncio.get_running_loop().time() + seconds)
        token = _current.set(clock)
        try:
            yield
        except asyncio.CancelledError:
            if timeout.expired() and clock.waits:
                message = "no thread was free in time, as other nodes took them all"
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()  # it was the timeout that has cancelled
                raise NodeError(
                    message, code="no_thread", retryable=True, nothing_happened=not clock.has_begun
                ) from None
            raise
        finally:
            _current.reset(token)


def submitted(submit: Callable[[Callable[..., Any]], Future[Any]], work: Callable[..., Any]) -> Future[Any]:
    """Hand work to a pool; the clock of the attempt that asks for it stands still until a thread takes it."""
    clock = _current.get()
    if clock is None:
        return submit(work)

    def begun(*arguments: Any, **named: Any) -> Any:
        clock.soon(begun=True)
        return work(*arguments, **named)

    clock.hold()
    future = submit(begun)
    future.add_done_callback(lambda done: clock.soon(begun=False) if done.cancelled() else None)
    return future
