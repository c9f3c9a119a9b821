"""Conversations with other servers through libraries that block: in threads of their own, with a deadline and a bound.

A server that answers with a byte a second, or with lines for ever, holds up whoever reads. So each conversation is
watched from outside: when its time is over, its node has been given up, or more bytes have come than may, its socket is
shut down, and the thread that waits for it comes to its end at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from engine import limits
from engine.errors import NodeError

Result = TypeVar("Result")
_THREADS = ThreadPoolExecutor(limits.NODE_THREADS, thread_name_prefix="conversation")
_LOOK_EVERY = 0.1
_LONGEST_CONNECT = 10.0
_TCP_INFO_SIZE = 136
_BYTES_RECEIVED = 128
"""Where `tcpi_bytes_received` is in Linux's `struct tcp_info`, after what RFC 4898 calls HCThruOctetsAcked."""


class Conversation:
    """One exchange over one connection.

    Args:
        seconds: when it has to be over.
        most_bytes: so many bytes may come.
    """

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._seconds = seconds
        self._ends_at = time.monotonic() + seconds
        self._most = most_bytes
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._before = 0
        self._failure: NodeError | None = None
        self._is_over = False

    @property
    def left(self) -> float:
        """Seconds until its end."""
        return max(0.0, self._ends_at - time.monotonic())

    def connect(self, addresses: Sequence[str], port: int) -> socket.socket:
        """A connection to the first of some checked addresses that answers. It blocks.

        Raises:
            OSError: none of them answers, or the conversation is over.
        """
        failure = OSError("there is no address")
        for address in addresses:
            found = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            try:
                self.watch(found.fileno())
                found.settimeout(min(_LONGEST_CONNECT, self.left or 0.001))
                found.connect((address, port))
            except OSError as error:
                failure = error
                found.close()
            else:
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return found
        raise failure

    def watch(self, descriptor: int) -> None:
        """Have the connection behind a file descriptor ended when the conversation ends badly.

        Raises:
            OSError: it has ended.
        """
        copy = socket.socket(fileno=os.dup(descriptor))  # wrapped in TLS the first object has no descriptor any more
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = copy
            self._before = _received(copy)
            if self._is_over:
                self._cut()
                raise OSError("the conversation is over")

    def end(self, failure: NodeError | None = None) -> None:
        """Cut the connection, so that whoever waits for it goes on at once."""
        with self._lock:
            self._failure = self._failure or failure
            self._is_over = True
            self._cut()

    def explained(self, error: Exception) -> Exception:
        """What an error in the conversation is due to: its bounds, or itself."""
        return self._failure or error

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        self._watcher = asyncio.create_task(self._watched())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """The connection is left open if all went well; it is its user's then."""
        del kind, traceback
        self._watcher.cancel()
        if error is not None:
            self.end()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    async def _watched(self) -> None:
        while self._failure is None:
            await asyncio.sleep(min(_LOOK_EVERY, self.left))
            if self.left == 0:
                self.end(NodeError(f"did not end within {self._seconds:g} seconds", code="timeout", retryable=True))
            with self._lock:
                received = _received(self._socket) - self._before if self._socket is not None else 0
            if received > self._most:
                message = f"the other side has sent more than {self._most} bytes"
                self.end(NodeError(message, code="response_too_large"))

    def _cut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


async def converse(work: Callable[[Conversation], Result], seconds: float, most_bytes: int) -> Result:
    """Do what blocks, in a thread of its own.

    Raises:
        NodeError: `timeout` or `response_too_large`: a bound was hit; and whatever the work raises.
    """
    async with Conversation(seconds, most_bytes) as conversation:
        try:
            return await asyncio.get_running_loop().run_in_executor(_THREADS, work, conversation)
        except Exception as error:  # noqa: BLE001 - whatever it is, the bound that was hit is the reason
            raise conversation.explained(error) from None


def _received(connection: socket.socket) -> int:
    """Bytes that have come; 0 where the system does not count them (macOS, on which only the local stack runs)."""
    if not hasattr(socket, "TCP_INFO"):
        return 0
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
    except OSError:
        return 0
    return struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0] if len(info) >= _TCP_INFO_SIZE else 0
