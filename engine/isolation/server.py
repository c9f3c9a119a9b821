"""The process from which the working processes are forked: one for each call, which ends with the call.

It reads no untrusted content, so nothing can hang or break it. It ends, with all its children, when the process that
started it does. A child is killed as soon as the caller closes its end of the call's socket.

Each call is a message of two bytes (the task's number; which files follow) with descriptors. The call's own socket then
carries the arguments to the child and the result back, each with its length in front.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
import traceback
from dataclasses import dataclass
from typing import IO, Any

from engine import limits
from engine.errors import NodeError
from engine.isolation.tasks import TASKS, task

LENGTH = struct.Struct("!Q")
HAS_CONTENT, HAS_OUTPUT = 1, 2
_NICENESS, _NICENESS_OF_SLOW = 5, 19
"""Scheduling priorities: the function's own work first, then calls that began recently, then the rest."""
_SLOW_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_MAX_DESCRIPTORS = 3


@dataclass(frozen=True, slots=True)
class _Child:
    pid: int
    caller: socket.socket
    life: int
    """A pipe whose other end the child has; it is closed when the child ends."""
    slow_at: float
    """The time, by the monotonic clock, from which the call counts as slow."""


def serve(descriptor: int) -> None:
    """Fork a child for each call until the caller's process has ended."""
    control = socket.socket(fileno=descriptor)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    gc.disable()  # a child is short-lived, and a collection would copy all pages that it shares with this process
    children: dict[int, _Child] = {}
    quick: list[_Child] = []
    while True:
        wait = max(0.0, quick[0].slow_at - time.monotonic()) * 1_000 + 1 if quick else None
        ready_now = poll.poll(wait)
        while quick and quick[0].slow_at <= time.monotonic():
            _lower_priority(quick.pop(0))
        for ready, _ in ready_now:
            if ready == control.fileno():
                new = _accept(control, children)
                if new is None:
                    for left in children.values():
                        os.kill(left.pid, signal.SIGKILL)
                    return
                children[new.life] = children[new.caller.fileno()] = new
                quick.append(new)
                poll.register(new.life, select.POLLIN)
                poll.register(new.caller, 0)  # reported when its other end is closed, and for nothing else
            elif (one := children.get(ready)) is not None:
                os.kill(one.pid, signal.SIGKILL)  # it has not been waited for yet, so the process id is still its own
                os.waitpid(one.pid, 0)
                for watched in (one.life, one.caller.fileno()):
                    poll.unregister(watched)
                    del children[watched]
                quick = [other for other in quick if other is not one]
                os.close(one.life)
                one.caller.close()
                break  # the other ready descriptors may be stale: their numbers may soon belong to other files


def _accept(control: socket.socket, children: dict[int, _Child]) -> _Child | None:
    message, descriptors, _, _ = socket.recv_fds(control, 2, _MAX_DESCRIPTORS)
    if not message:
        return None
    work = task(tuple(TASKS)[message[0]])  # imported here, once for all children
    caller = socket.socket(fileno=descriptors[0])
    files = descriptors[1:]
    life, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        control.close()
        for other in {*children.values()}:
            other.caller.close()
            os.close(other.life)
        os.close(life)
        content = os.fdopen(files.pop(0), "rb") if message[1] & HAS_CONTENT else None
        output = os.fdopen(files.pop(0), "wb") if message[1] & HAS_OUTPUT else None
        try:
            _work(caller, work, content, output)
        finally:
            os._exit(0)
    for one in (*files, held):
        os.close(one)
    return _Child(pid, caller, life, time.monotonic() + _SLOW_SECONDS)


def _lower_priority(child: _Child) -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, child.pid, _NICENESS_OF_SLOW)


def _work(caller: socket.socket, work: Any, content: IO[bytes] | None, output: IO[bytes] | None) -> None:
    _bound()
    answer: dict[str, Any]
    try:
        arguments = json.loads(_received(caller))
        if content is not None:
            content.seek(0)
        answer = {"result": work(arguments, content, output)}
        if output is not None:
            output.flush()
        text = _encoded(answer)
    except NodeError as error:
        text = _encoded({"error": {**error.as_dict(), "retryable": error.retryable}})
    except (MemoryError, RecursionError):
        answer = content = None  # type: ignore[assignment]
        text = _encoded({"error": too_large().as_dict()})
    except Exception as error:  # noqa: BLE001 - whatever content led a library into
        text = _encoded({"raised": type(error).__name__, "trace": traceback.format_exc()[-4_000:]})
    caller.sendall(LENGTH.pack(len(text)) + text)


def too_large() -> NodeError:
    """Return the error of a call that used up its memory or processor time."""
    most, seconds = limits.MAX_PARSING_BYTES // 1024**2, limits.MAX_PARSING_SECONDS
    message = f"the content takes more than {most} MB of memory or {seconds} s of processor time, or is nested too deep"
    return NodeError(message, code="too_large")


def _bound() -> None:
    """Bound added memory, processor time and written bytes; and make the process end with the server."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    base = 0
    with contextlib.suppress(OSError), open("/proc/self/statm") as told:  # noqa: PTH123 - one read, without pathlib
        base = int(told.read().split()[0]) * resource.getpagesize()
    bounds = (
        (resource.RLIMIT_AS, base + limits.MAX_PARSING_BYTES),
        (resource.RLIMIT_CPU, limits.MAX_PARSING_SECONDS),
        (resource.RLIMIT_FSIZE, limits.MAX_UNPACKED_BYTES),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, most in bounds:
        with contextlib.suppress(ValueError, OSError):  # macOS does not support all of them
            resource.setrlimit(kind, (most, most))
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)


def _received(caller: socket.socket) -> bytes:
    (length,) = LENGTH.unpack(_exactly(caller, LENGTH.size))
    return _exactly(caller, length)


def _exactly(caller: socket.socket, length: int) -> bytes:
    received = bytearray(length)
    view, at = memoryview(received), 0
    while at < length:
        count = caller.recv_into(view[at:])
        if not count:
            raise EOFError("the caller is gone")
        at += count
    return bytes(received)


def _encoded(answer: dict[str, Any]) -> bytes:
    try:
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # an unpaired surrogate
        return json.dumps(answer, separators=(",", ":")).encode()
