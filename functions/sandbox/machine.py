"""The machine that a guest runs on: wasmtime, with every import defined here and none of WASI's own.

A guest is a whole interpreter in WebAssembly. It can compute, and use what `Host` provides: the time, random numbers,
its input and its output. The other imports reach no files, sockets or processes and return an error number. The build
runs guests on the same machine to initialize them, so this module is independent of calls.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import wasmtime

if TYPE_CHECKING:
    from pathlib import Path

PULLEY_TARGET = "pulley64"
"""wasmtime's interpreter: much slower, but it needs no executable memory."""
PAGE_BYTES = 65_536
MAX_STACK_BYTES = 2 * 1024 * 1024
_BAD_FILE, _NO_SYSTEM_CALL, _INVALID, _NOT_SEEKABLE = 8, 52, 28, 70
_STREAMS = (0, 1, 2)
_CHARACTERS = 2
_CHUNK = 65_536


class ExitedError(Exception):
    """The guest ended itself."""


class LateError(Exception):
    """The guest slept until its time was over."""


class TooLargeError(Exception):
    """The guest's output exceeds the bound."""


def engine(target: str) -> wasmtime.Engine:
    """Return the engine for a target, with the settings for compiling and loading modules."""
    config = wasmtime.Config()
    config.target = target
    config.epoch_interruption = True
    config.max_wasm_stack = MAX_STACK_BYTES
    return wasmtime.Engine(config)


@dataclass
class Host:
    """The environment of one run of a guest. A `seed` determines random numbers; `fixed` stops the clock."""

    given: bytes = b""
    most: int = 1 << 62
    """Bytes of output that the guest may write."""
    ends_at: float = float("inf")
    """On the monotonic clock."""
    now: float | None = None
    fixed: bool = False
    seed: bytes | None = None
    arguments: tuple[bytes, ...] = ()
    said: bytearray = field(default_factory=bytearray)
    notes: bytearray = field(default_factory=bytearray)
    on_time: Callable[[], None] | None = None
    """Called when the guest asks for the time."""
    _began: float = field(default_factory=time.monotonic)
    _read: int = 0
    _drawn: int = 0

    def time(self) -> int:
        """Return nanoseconds since 1970."""
        if self.now is None:
            return time.time_ns()
        return round((self.now + (0 if self.fixed else time.monotonic() - self._began)) * 1e6) * 1_000

    def monotonic(self) -> int:
        """Return nanoseconds since the run began."""
        return 0 if self.fixed else int((time.monotonic() - self._began) * 1e9)

    def chance(self, length: int) -> bytes:
        """Return that many random bytes."""
        if self.seed is None:
            return os.urandom(length)
        self._drawn += 1
        return hashlib.shake_256(self.seed + self._drawn.to_bytes(8, "little")).digest(length)

    def read(self, most: int) -> bytes:
        """Return the next bytes of the input."""
        found = self.given[self._read : self._read + most]
        self._read += len(found)
        return found

    def write(self, data: bytes) -> None:
        """Accept output of the guest.

        Raises:
            TooLargeError: the output exceeds the bound.
        """
        if len(self.said) + len(data) > self.most:
            raise TooLargeError
        self.said += data

    def sleep(self, seconds: float) -> None:
        """Sleep, at most until the guest's time is over.

        Raises:
            LateError: the guest's time is over.
        """
        if self.fixed:
            return
        left = self.ends_at - time.monotonic()
        time.sleep(max(0.0, min(seconds, left)))
        if seconds >= left:
            raise LateError


def native_target() -> str:
    """Return this machine's target. It is explicit, so that compiled code runs on every processor of the same kind."""
    processor = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine())
    return f"{processor}-apple-darwin" if sys.platform == "darwin" else f"{processor}-unknown-linux-gnu"


class Machine:
    """An engine with a guest, which makes instances; one runs at a time, with a `Host` of its own."""

    def __init__(self, used: wasmtime.Engine, module: wasmtime.Module) -> None:
        self.engine = used
        self.module = module
        self.host = Host()
        self._linker = wasmtime.Linker(used)
        known: dict[str, Callable[..., Any]] = {
            "args_get": self._args_get,
            "args_sizes_get": self._args_sizes_get,
            "clock_res_get": lambda memory, _clock, at: memory.put(at, 1_000, 8),
            "clock_time_get": self._clock_time_get,
            "environ_get": lambda _memory, _pointers, _texts: 0,
            "environ_sizes_get": lambda memory, count, size: memory.put(count, 0, 4) or memory.put(size, 0, 4),
            "fd_fdstat_get": self._fd_fdstat_get,
            "fd_filestat_get": self._fd_filestat_get,
            "fd_read": self._fd_read,
            "fd_seek": lambda _memory, descriptor, *_: _NOT_SEEKABLE if descriptor in _STREAMS else _BAD_FILE,
            "fd_write": self._fd_write,
            "poll_oneoff": self._poll_oneoff,
            "host_call": lambda *_: -1,  # QuickJS's: no functions of the host, no modules, no interruption of its own
            "host_interrupt": lambda *_: 0,
            "host_module_load": lambda *_: 0,
            "host_module_normalize": lambda *_: 0,
            "proc_exit": self._proc_exit,
            "random_get": self._random_get,
            "sched_yield": lambda _memory: 0,
        }
        for needed in module.imports:
            if not isinstance(needed.type, wasmtime.FuncType):
                raise TypeError(f"the guest imports {needed.module}.{needed.name}, which is no function")
            action = known.get(needed.name or "")
            self._define(needed.module, needed.name or "", needed.type, action)

    def _define(self, module: str, name: str, kind: wasmtime.FuncType, action: Callable[..., Any] | None) -> None:
        gives = bool(kind.results)
        refusal = _BAD_FILE if name.startswith("fd_") else _NO_SYSTEM_CALL

        def imported(caller: wasmtime.Caller, *arguments: int) -> int | None:
            answer = refusal if action is None else action(Memory(caller), *arguments)
            return answer if gives else None

        self._linker.define_func(module, name, kind, imported, access_caller=True)

    def instance(self) -> Instance:
        """Return a new instance."""
        store = wasmtime.Store(self.engine)
        store.set_limits(instances=1, memories=1, tables=1)
        store.set_epoch_deadline(1)
        return Instance(store, self._linker.instantiate(store, self.module))

    def end_after(self, seconds: float) -> None:
        """Interrupt the guest then, whatever it does."""
        timer = threading.Timer(seconds, self.engine.increment_epoch)
        timer.daemon = True
        timer.start()

    # -- imports ------------------------------------------------------------------------------------------

    def _args_sizes_get(self, memory: Memory, count: int, size: int) -> int:
        memory.put(count, len(self.host.arguments), 4)
        return memory.put(size, sum(len(one) + 1 for one in self.host.arguments), 4)

    def _args_get(self, memory: Memory, pointers: int, texts: int) -> int:
        for one in self.host.arguments:
            memory.put(pointers, texts, 4)
            memory.write(texts, one + b"\0")
            pointers, texts = pointers + 4, texts + len(one) + 1
        return 0

    def _clock_time_get(self, memory: Memory, clock: int, _precision: int, at: int) -> int:
        if self.host.on_time is not None:
            self.host.on_time()
        return memory.put(at, self.host.time() if clock == 0 else self.host.monotonic(), 8)

    def _random_get(self, memory: Memory, at: int, length: int) -> int:
        while (length := length & 0xFFFFFFFF) > 0:
            drawn = self.host.chance(min(length, _CHUNK))
            memory.write(at, drawn)
            at, length = at + len(drawn), length - len(drawn)
        return 0

    def _fd_fdstat_get(self, memory: Memory, descriptor: int, at: int) -> int:
        if descriptor not in _STREAMS:
            return _BAD_FILE
        memory.write(at, bytes(8) + b"\xff" * 16)  # all rights, of which there are few
        return memory.put(at, _CHARACTERS, 1)

    @staticmethod
    def _fd_filestat_get(memory: Memory, descriptor: int, at: int) -> int:
        if descriptor not in _STREAMS:
            return _BAD_FILE
        memory.write(at, bytes(64))
        return memory.put(at + 16, _CHARACTERS, 1)

    def _fd_read(self, memory: Memory, descriptor: int, vectors: int, count: int, at: int) -> int:
        if descriptor != 0:
            return _BAD_FILE
        done = 0
        for place, length in memory.vectors(vectors, count):
            found = self.host.read(length)
            memory.write(place, found)
            done += len(found)
        return memory.put(at, done, 4)

    def _fd_write(self, memory: Memory, descriptor: int, vectors: int, count: int, at: int) -> int:
        if descriptor not in (1, 2):
            return _BAD_FILE
        done = 0
        for place, length in memory.vectors(vectors, count):
            if descriptor == 1:
                self.host.write(memory.read(place, length))
            elif len(self.host.notes) < _CHUNK:
                self.host.notes += memory.read(place, min(length, _CHUNK))
            done += length
        return memory.put(at, done, 4)

    def _poll_oneoff(self, memory: Memory, asked: int, answers: int, count: int, at: int) -> int:
        """Wait for a clock, as a sleep does; there is nothing else to wait for."""
        for one in range(asked, asked + count * 48, 48):
            if memory.get(one + 8, 1) != 0:
                return _INVALID
        wait = min((memory.get(one + 24, 8) for one in range(asked, asked + count * 48, 48)), default=0)
        flags = memory.get(asked + 40, 2)
        if flags & 1:
            wait -= self.host.time() if memory.get(asked + 16, 4) == 0 else self.host.monotonic()
        self.host.sleep(wait / 1e9)
        memory.write(answers, memory.read(asked, 8) + bytes(24))
        return memory.put(at, 1, 4)

    @staticmethod
    def _proc_exit(_memory: Memory, code: int) -> int:
        raise ExitedError(code)


class Memory:
    """A guest's memory, as an import sees it. A pointer outside of it ends the guest."""

    def __init__(self, caller: wasmtime.Caller) -> None:
        found = caller["memory"]
        if not isinstance(found, wasmtime.Memory):
            raise TypeError("the guest has a memory")
        self._memory, self._caller = found, caller

    def read(self, at: int, length: int) -> bytes:
        """Read bytes.

        Raises:
            ExitedError: they are outside the memory.
        """
        at, length = at & 0xFFFFFFFF, length & 0xFFFFFFFF
        if at + length > self._memory.data_len(self._caller):
            raise ExitedError("a pointer outside of the memory")
        return bytes(self._memory.read(self._caller, at, at + length))

    def write(self, at: int, data: bytes) -> None:
        """Write bytes.

        Raises:
            ExitedError: they are outside the memory.
        """
        at &= 0xFFFFFFFF
        if at + len(data) > self._memory.data_len(self._caller):
            raise ExitedError("a pointer outside of the memory")
        self._memory.write(self._caller, data, at)

    def get(self, at: int, size: int) -> int:
        """Read a number of that many bytes."""
        return int.from_bytes(self.read(at, size), "little")

    def put(self, at: int, number: int, size: int) -> int:
        """Write a number; return WASI's success code."""
        self.write(at, (number & ((1 << 8 * size) - 1)).to_bytes(size, "little"))
        return 0

    def vectors(self, at: int, count: int) -> list[tuple[int, int]]:
        """Return the addresses and lengths of a list of buffers."""
        return [(self.get(one, 4), self.get(one + 4, 4)) for one in range(at, at + 8 * min(count & 0xFFFF, 1024), 8)]


class Instance:
    """An instance of a guest."""

    def __init__(self, store: wasmtime.Store, instance: wasmtime.Instance) -> None:
        self.store = store
        self._exports = instance.exports(store)

    def restore(self, memory: bytearray, globals_of: Mapping[str, int]) -> None:
        """Set the state of a new instance to the state of another one."""
        size = len(memory)
        missing = size - self.memory.data_len(self.store)
        self.memory.grow(self.store, missing // PAGE_BYTES)
        self.memory.write(self.store, memory, 0)
        for name, value in globals_of.items():
            self._global(name).set_value(self.store, wasmtime.Val.i32(value))

    def state(self) -> tuple[bytes, dict[str, int]]:
        """Return the state for `restore`: the memory, and the mutable globals."""
        found: dict[str, int] = {}
        for name in self._exports:
            one = self._exports[name]
            if name.startswith("__global") and isinstance(one, wasmtime.Global) and one.type(self.store).mutable:
                found[name] = one.value(self.store)
        return self.read(0, self.memory.data_len(self.store)), found

    def limit(self, more_bytes: int) -> None:
        """Let its memory grow by `more_bytes` and no more."""
        most = self.memory.data_len(self.store) + more_bytes
        self.store.set_limits(memory_size=most, instances=1, memories=1, tables=1)

    def call(self, name: str, *arguments: int) -> Any:
        """Call an exported function of the guest."""
        function = self._exports[name]
        if not isinstance(function, wasmtime.Func):
            raise TypeError(f"the guest exports the function {name}")
        return function(self.store, *arguments)

    def call_pointer(self, index: int, *arguments: int) -> Any:
        """Call a function by its index in the guest's table."""
        table = self._exports["__table"]
        if not isinstance(table, wasmtime.Table):
            raise TypeError("the guest exports its table")
        function = table.get(self.store, index)
        if not isinstance(function, wasmtime.Func):
            raise TypeError("the guest's pointer is one to a function")
        return function(self.store, *arguments)

    @property
    def memory(self) -> wasmtime.Memory:
        """The instance's memory."""
        found = self._exports["memory"]
        if not isinstance(found, wasmtime.Memory):
            raise TypeError("the guest has a memory")
        return found

    def write(self, at: int, data: bytes) -> None:
        """Write bytes into its memory."""
        self.memory.write(self.store, data, at)

    def read(self, at: int, length: int) -> bytes:
        """Read bytes of its memory."""
        return bytes(self.memory.read(self.store, at, at + length))

    def _global(self, name: str) -> wasmtime.Global:
        found = self._exports[name]
        if not isinstance(found, wasmtime.Global):
            raise TypeError(f"the guest exports the global {name}")
        return found


def compiled(used: wasmtime.Engine, module: bytes) -> bytes:
    """Compile a module to machine code for the engine's target."""
    return bytes(wasmtime.Module(used, module).serialize())


def load(path: Path, target: str) -> Machine:
    """Load a guest that was compiled for the target.

    Raises:
        wasmtime.WasmtimeError: the guest cannot be loaded here.
    """
    used = engine(target)
    return Machine(used, wasmtime.Module.deserialize_file(used, str(path)))
