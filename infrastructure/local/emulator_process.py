"""The emulator's process: MiniStack, which also saves what it holds while it runs, not only when it is stopped.

A copy of the process (`fork`, made between two requests) writes the snapshot, so it is of one moment and no request
waits for it. This is the local stack only: on AWS the services keep what they were given.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from ministack import app as ministack
from ministack.core import persistence
from ministack.services import apigateway, lambda_svc

from infrastructure.local import snapshots
from infrastructure.local.unpacking import share_unpacked

logger = logging.getLogger("snapshots")

_SHORTEST_PAUSE = 1.0
_WORK_SHARE = 10
"""The pause after a snapshot is this many times its duration: saving takes a tenth of one processor at most."""
_LONGEST_SAVE = 120.0
_KEPT_BETWEEN_DEPLOYMENTS = ("lambda",)
"""Services whose state is large (the layers), and is changed by deployments only."""


class Saver(threading.Thread):
    """Saves the emulator's state repeatedly, once the stack has been deployed."""

    def __init__(self, data: Path) -> None:
        super().__init__(name="saver", daemon=True)
        self._data = data
        self._saving = threading.Lock()
        self._stopping = threading.Event()
        self._count = 0
        begun_with = snapshots.saved(data)
        self._deployed = begun_with.deployed if begun_with else ""
        """The deployment that is in the last snapshot."""
        self.requests = 0
        """How many requests have begun or ended; the health checks are not counted."""

    def run(self) -> None:
        """Save after each change, with pauses."""
        saved, pause = 0, _SHORTEST_PAUSE
        while not self._stopping.wait(pause):
            begin, requests = time.monotonic(), self.requests
            if requests == saved or not self._stamp():
                continue
            try:
                with self._saving:
                    if self._save_beside():
                        saved = requests
            except Exception:
                logger.exception("the emulator's state could not be saved")
            pause = max(_SHORTEST_PAUSE, _WORK_SHARE * (time.monotonic() - begin))

    def save_all(self, states: dict[str, Callable[[], Any]]) -> None:
        """Save the state of a process that was told to stop, and end it.

        MiniStack would wait for each of its threads, which wait for functions that nobody answers any more: a minute.
        """
        self._stopping.set()
        with self._saving:
            at, folder = snapshots.now(), self._next_folder()
            _write(states, folder)
            snapshots.publish(self._data, folder, snapshots.Saved(at, is_complete=True, deployed=self._stamp()))
            os._exit(0)

    def _save_beside(self) -> bool:
        """Have a copy of this process write a snapshot; whether it has."""
        loop = ministack._MAIN_LOOP  # noqa: SLF001 - the emulator has no public name for it
        if loop is None:
            return False
        stamp = self._stamp()
        at, folder = snapshots.now(), self._next_folder()
        child = self._on(loop, self._fork(folder, everything=stamp != self._deployed))
        if child is None:
            return False
        if not _has_succeeded(child):
            logger.error("a snapshot could not be written")
            return False
        # A deployment that has begun meanwhile is not in it, or in part.
        if not stamp or self._stamp() != stamp:
            return False
        snapshots.publish(self._data, folder, snapshots.Saved(at, is_complete=False, deployed=stamp))
        self._deployed = stamp
        return True

    def _on(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, int]) -> int | None:
        """Run `work` on the thread that serves requests; None if it is stopping, and waits for us."""
        future = asyncio.run_coroutine_threadsafe(work, loop)
        while True:
            try:
                return future.result(timeout=0.1)
            except TimeoutError:
                if self._stopping.is_set():
                    future.cancel()
                    return None

    async def _fork(self, folder: Path, *, everything: bool) -> int:
        """Copy the process, on the thread that serves requests, so that none of them is half done."""
        child = os.fork()
        if child:
            return child
        try:
            os.closerange(3, 65_536)  # nobody may wait for a connection to end that only the copy keeps open
            states = ministack._build_persistence_save_dict()  # noqa: SLF001 - what it saves itself at a stop
            kept = () if everything else _KEPT_BETWEEN_DEPLOYMENTS
            _write({name: state_of for name, state_of in states.items() if name not in kept}, folder)
        except BaseException:  # noqa: BLE001 - whatever it is, this copy must end here
            os._exit(1)
        os._exit(0)

    def _stamp(self) -> str:
        """What is deployed; empty while it is being changed."""
        try:
            return (self._data / "deployed").read_text()
        except FileNotFoundError:
            return ""

    def _next_folder(self) -> Path:
        self._count += 1
        return snapshots.new_folder(self._data, f"{os.getpid()}-{self._count}")


def _write(states: dict[str, Callable[[], Any]], folder: Path) -> None:
    persistence.STATE_DIR = str(folder)
    lambda_svc.CODE_BLOB_DIR = str(folder / "lambda-blobs")
    snapshots.write_states(states, folder, persistence.save_state)


def _has_succeeded(child: int) -> bool:
    """Wait for the end of a child; one that hangs is killed."""
    deadline = time.monotonic() + _LONGEST_SAVE
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status) == 0
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)


def _counting(saver: Saver, serve: Any) -> Any:
    """Wrap the emulator's ASGI application to count the requests that may change something."""

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        counts = scope["type"] == "http" and not scope["path"].startswith("/_ministack/")
        saver.requests += counts
        try:
            await serve(scope, receive, send)
        finally:
            saver.requests += counts

    return application


class _Routed(str):
    """A method that is equal to no other, not even to the one that MiniStack answers by itself."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True


def _routing_options(handle: Any) -> Any:
    """MiniStack refuses OPTIONS for an API without a CORS configuration; AWS routes it like any other method."""

    async def handled(api_id: str, stage: str, path: str, method: str, *rest: Any, **named: Any) -> Any:
        has_cors = (apigateway._apis.get(api_id) or {}).get("corsConfiguration")  # noqa: SLF001
        routed = _Routed(method) if method == "OPTIONS" and not has_cors else method
        return await handle(api_id, stage, path, routed, *rest, **named)

    return handled


def main() -> None:
    """Run the emulator of the data directory that is named on the command line."""
    saver = Saver(Path(sys.argv.pop(1)))
    ministack.save_all = saver.save_all
    ministack.app = _counting(saver, ministack.app)
    apigateway._handle_execute_in_scope = _routing_options(apigateway._handle_execute_in_scope)  # noqa: SLF001
    share_unpacked()
    saver.start()
    ministack.main()


if __name__ == "__main__":
    main()
