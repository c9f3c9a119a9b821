"""Calls tasks in processes of their own. A call that is cancelled has its process killed."""

from __future__ import annotations

import array
import asyncio
import atexit
import json
import logging
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from typing import IO, Any
from weakref import WeakKeyDictionary

from engine import limits
from engine.errors import NodeError
from engine.isolation.server import HAS_CONTENT, HAS_OUTPUT, LENGTH, too_large
from engine.isolation.tasks import NUMBERS
from engine.json_value import dumps

logger = logging.getLogger(__name__)
_CHUNK = 256 * 1024
_MAX_ANSWER = 2 * limits.MAX_OUTPUT_BYTES + 64 * 1024
_BEGIN = "import sys; sys.path[:] = {path!r}; from engine.isolation.server import serve; serve({descriptor})"


@dataclass(slots=True)
class _Server:
    """The process that forks, started on first use, and again when it has ended."""

    process: subprocess.Popen[bytes] | None = None
    control: socket.socket | None = None
    owner: int = 0
    slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = field(default_factory=WeakKeyDictionary)

    def hand_over(self, message: bytes, descriptors: list[int]) -> None:
        """Send a call to the process."""
        for _ in range(2):
            control = self._running()
            try:
                rights = array.array("i", descriptors)
                control.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            except (BrokenPipeError, ConnectionError):
                self.stop()
            else:
                return
        raise NodeError("the process that reads content could not be started", code="interrupted", retryable=True)

    def _running(self) -> socket.socket:
        if self.control is not None and self.owner == os.getpid():
            return self.control
        mine, theirs = socket.socketpair()
        with theirs:
            program = _BEGIN.format(path=[path or os.getcwd() for path in sys.path], descriptor=theirs.fileno())  # noqa: PTH109
            # Nothing of the environment, which holds Lambda's credentials, except where Python finds its libraries.
            needed = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", program],
                env=needed,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.control, self.owner = mine, os.getpid()
        return mine

    def stop(self) -> None:
        """End the process, and with it all calls."""
        if self.control is not None:
            self.control.close()
        if self.process is not None and self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
        self.process = self.control = None

    def slot(self) -> asyncio.Semaphore:
        """Return the semaphore that bounds concurrent calls."""
        loop = asyncio.get_running_loop()
        return self.slots.setdefault(loop, asyncio.Semaphore(limits.PARSING_PROCESSES))


_server = _Server()
atexit.register(_server.stop)


async def isolated(
    name: str, arguments: dict[str, Any], content: IO[bytes] | None = None, output: IO[bytes] | None = None
) -> Any:
    """Run a task in a process of its own and return its result.

    Args:
        name: the task's name.
        arguments: any JSON.
        content: the file that the task reads from its beginning; it has a descriptor.
        output: the file that the task writes to, as `content`.

    Raises:
        NodeError: the task's own error; `too_large`: the task needs more memory or processor time than it may have;
            `interrupted`: its process was ended from outside.
    """
    request = await asyncio.to_thread(lambda: dumps(arguments).encode())
    async with _server.slot():
        answer = await _answer(name, request, content, output)
    told = await asyncio.to_thread(json.loads, answer)
    if "result" in told:
        return told["result"]
    if "error" in told:
        error = told["error"]
        raise NodeError(
            error["message"], code=error["code"], details=error["details"], retryable=error.get("retryable", False)
        )
    logger.error("the task %s raised %s", name, told["trace"])
    raise RuntimeError(f"the task {name} raised {told['raised']}")


async def _answer(name: str, request: bytes, content: IO[bytes] | None, output: IO[bytes] | None) -> bytes:
    mine, theirs = socket.socketpair()
    with mine:
        mine.setblocking(False)
        with theirs:
            files = [one for one in (content, output) if one is not None]
            has = (HAS_CONTENT if content is not None else 0) | (HAS_OUTPUT if output is not None else 0)
            _server.hand_over(bytes([NUMBERS[name], has]), [theirs.fileno(), *(one.fileno() for one in files)])
        loop = asyncio.get_running_loop()
        received = bytearray()
        try:
            await loop.sock_sendall(mine, LENGTH.pack(len(request)) + request)
            while chunk := await loop.sock_recv(mine, _CHUNK):
                received += chunk
                if len(received) > _MAX_ANSWER:
                    message = f"what is found has more than {limits.MAX_OUTPUT_BYTES} bytes"
                    raise NodeError(message, code="output_too_large")
        except ConnectionError:
            received.clear()
    if len(received) < LENGTH.size or len(received) - LENGTH.size != LENGTH.unpack_from(received)[0]:
        raise _died()
    return bytes(memoryview(received)[LENGTH.size :])


def _died() -> NodeError:
    if _server.process is not None and _server.process.poll() is None:
        return too_large()
    return NodeError("the process that reads content was ended", code="interrupted", retryable=True)
