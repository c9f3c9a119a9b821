"""The process that runs users' code: it keeps the guests ready, and forks a child for every call.

It is started with an empty environment, so no credentials are in its memory or its children's. A child is a copy of it,
forked when a guest is initialized and nothing has run yet; it runs one call and ends. No call leaves anything for
another. Neither a child's output nor its end is trusted: output is read up to a bound, and the child is killed when its
time is over.

A request is a length and a JSON event; a response a length, one byte for the guest's form, one for how the call ended,
and the guest's output.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import struct
import time
from collections.abc import Callable
from typing import Any

import wasmtime

from functions.sandbox.bounds import (
    ANSWERED,
    CRASHED,
    DEEP,
    GRACE_SECONDS,
    INTERPRETED,
    LATE,
    MAX_ANSWER_BYTES,
    MEMORY,
    NATIVE,
    TOO_LARGE,
    UNAVAILABLE,
)
from functions.sandbox.languages import Guests
from functions.sandbox.machine import ExitedError, LateError, TooLargeError

NOBODY = 65_534
_MEGABYTE = 1024 * 1024
_OVERHEAD_BYTES = 64 * _MEGABYTE
_LENGTH = struct.Struct(">I")


def main(guests: str) -> None:
    """Handle requests until there are no more, with the guests of this folder."""
    known = Guests(guests)
    while len(head := _read(0, _LENGTH.size)) == _LENGTH.size:
        event = json.loads(_read(0, _LENGTH.unpack(head)[0]))
        try:
            guest = known.guest(event["language"])
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, no code can run
            _answer(INTERPRETED, UNAVAILABLE, str(error).encode())
            continue
        kind, said = _called(lambda: guest.run(event), event)  # noqa: B023 - it is called at once
        _answer(INTERPRETED if guest.interpreted else NATIVE, kind, said)


def _called(run: Callable[[], bytes], event: dict[str, Any]) -> tuple[int, bytes]:
    """Run one call in a child; return how it ended, and its output."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reads)
            _send(writes, *_ran(run, event, writes))
        finally:
            os._exit(0)
    os.close(writes)
    try:
        said = _listen(reads, time.monotonic() + float(event["seconds"]) + GRACE_SECONDS)
    finally:
        os.close(reads)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if isinstance(said, int):
        return said, b""
    if said:
        return said[0], said[1:]
    by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return (LATE if by == signal.SIGXCPU else CRASHED), str(by).encode()


def _ran(run: Callable[[], bytes], event: dict[str, Any], out: int) -> tuple[int, bytes]:
    """Run one call in this process, after giving up its privileges."""
    try:
        _give_up(float(event["seconds"]), int(event["memory_mb"]), out)
    except (OSError, ValueError) as error:
        return UNAVAILABLE, str(error).encode()
    try:
        return ANSWERED, run()
    except wasmtime.Trap as trap:
        return _trapped(trap)
    except (LateError, TooLargeError, MemoryError) as error:
        return {LateError: LATE, TooLargeError: TOO_LARGE}.get(type(error), MEMORY), b""
    except ExitedError as error:
        return CRASHED, f"exit: {error}".encode()


def _trapped(trap: wasmtime.Trap) -> tuple[int, bytes]:
    """Return how a call ended that the machine stopped."""
    if trap.trap_code == wasmtime.TrapCode.INTERRUPT:
        return LATE, b""
    if trap.trap_code == wasmtime.TrapCode.STACK_OVERFLOW:
        return DEEP, b""
    return CRASHED, str(trap).splitlines()[0].encode()


def _give_up(seconds: float, memory_mb: int, out: int) -> None:
    """Give up rights, files and processes. The guest reaches none of them; this is for a bug in wasmtime."""
    with contextlib.suppress(OSError):
        os.closerange(0, out)
        os.closerange(out + 1, out + 64)
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_CPU, int(seconds + GRACE_SECONDS) + 1),
        (resource.RLIMIT_DATA, _in_use() + memory_mb * _MEGABYTE + _OVERHEAD_BYTES),
    ):
        resource.setrlimit(limit, (value, value))


def _in_use() -> int:
    """Return the bytes of memory that this process may write to, counted as the kernel counts them."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - pathlib would be one import more
        return int(file.read().split()[5]) * resource.getpagesize()


def _listen(descriptor: int, ends_at: float) -> bytes | int:
    """Read the child's output; return how the call ended if the output is too large, or takes too long."""
    found = bytearray()
    while True:
        left = ends_at - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return LATE
        chunk = os.read(descriptor, _MEGABYTE)
        if not chunk:
            return bytes(found)
        found += chunk
        if len(found) > MAX_ANSWER_BYTES + 1:
            return TOO_LARGE


def _read(descriptor: int, length: int) -> bytes:
    found = bytearray()
    while len(found) < length and (chunk := os.read(descriptor, min(length - len(found), _MEGABYTE))):
        found += chunk
    return bytes(found)


def _answer(form: int, kind: int, said: bytes) -> None:
    _write(1, _LENGTH.pack(len(said) + 2) + bytes([form, kind]) + said)


def _send(out: int, kind: int, said: bytes) -> None:
    _write(out, bytes([kind]) + said)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
