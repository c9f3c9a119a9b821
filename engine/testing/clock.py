"""An event loop whose time jumps to the next timer when nothing is left to do: hours pass in microseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

START = datetime(2026, 1, 1, tzinfo=UTC)
Result = TypeVar("Result")


class _JumpingSelector(selectors.DefaultSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        """What is ready now; if nothing is, time jumps to the next timer.

        While something outside is waited for, such as a process that reads content, time does not jump but passes.
        """
        waits_outside = len(self.get_map()) > 1  # one is the loop's own
        ready = super().select(timeout if waits_outside else 0)
        if not ready and timeout:
            self.loop.offset += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at time 0."""

    def __init__(self, offset: float = 0.0) -> None:
        selector = _JumpingSelector()
        selector.loop = self
        self.offset = offset
        super().__init__(selector)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """At once, in this thread: while another one worked, time would jump."""
        del executor
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
            future.set_exception(error)
        return future

    def time(self) -> float:
        """Only the jumps; real time does not pass."""
        return self.offset


class VirtualClock:
    """The virtual loop's time as a Clock; carries on from one loop to the next."""

    def __init__(self, start: datetime = START) -> None:
        self.start = start
        self.offset = 0.0

    def now(self) -> datetime:
        """The start plus what has passed."""
        try:
            return self.start + timedelta(seconds=asyncio.get_running_loop().time())
        except RuntimeError:
            return self.start + timedelta(seconds=self.offset)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on a virtual loop that starts where the last one stopped."""
        loop = VirtualLoop(self.offset)
        try:
            return loop.run_until_complete(work)
        finally:
            self.offset = loop.time()
            loop.close()

    def sleep_until(self, moment: datetime) -> None:
        """Let time pass, as a Step Functions Wait does."""
        self.offset = max(self.offset, (moment - self.start).total_seconds())
