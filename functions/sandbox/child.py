"""The process that runs somebody's code. It gives up everything before the code begins, or it does not begin.

After `_lock` the kernel lets it compute, use its memory, tell the time and write to the one pipe that it has. Opening
files, sockets, other processes, threads, signals and everything else is refused, whatever the code does to Python.
"""

from __future__ import annotations

import ctypes
import importlib
import io
import json
import os
import platform
import resource
import signal
import struct
import sys
import types
from typing import Any

MAX_LINES = 200
MAX_LINE_CHARACTERS = 2_000
MAX_TRACE = 20
NOBODY = 65_534
_MEGABYTE = 1024 * 1024

# What the kernel goes on to do, by the numbers that it has on x86-64 and on arm64.
_ALLOWED = {
    "x86_64": (0xC000003E, (
        0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 20, 24, 25, 28, 35, 39, 60, 96, 97, 98, 99, 100, 102, 104,
        107, 108, 131, 186, 201, 202, 204, 228, 229, 230, 231, 273, 318, 324, 334,
    )),
    "aarch64": (0xC00000B7, (
        29, 57, 62, 63, 64, 65, 66, 80, 93, 94, 98, 99, 101, 113, 114, 115, 123, 124, 132, 134, 135, 139, 153, 160,
        165, 169, 172, 174, 175, 176, 177, 178, 179, 214, 215, 216, 222, 226, 233, 278, 283, 293,
    )),
}  # fmt: skip
"""read, write, close, fstat, lseek, mmap, mprotect, munmap, brk, rt_sigaction, rt_sigprocmask, rt_sigreturn, ioctl,
readv, writev, sched_yield, mremap, madvise, nanosleep, getpid, exit, gettimeofday, getrlimit, getrusage, sysinfo,
times, getuid and its kind, sigaltstack, gettid, time, futex, sched_getaffinity, clock_gettime, clock_getres,
clock_nanosleep, exit_group, set_robust_list, getrandom, membarrier, rseq."""
_PROT_EXEC = 4
_MMAP_MPROTECT = {"x86_64": (9, 10), "aarch64": (222, 226)}
_LOAD, _EQUAL, _RETURN, _SET_BITS = 0x20, 0x15, 0x06, 0x45
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_BY_FILTER = 2


class LockError(Exception):
    """The kernel would not lock the process in."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _filter(machine: str) -> bytes:
    """Berkeley packet filter: kill on another architecture, allow what is listed, refuse the rest (EPERM)."""
    architecture, allowed = _ALLOWED[machine]

    def instruction(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
        return struct.pack("HBBI", code, true, false, value)

    program = [
        instruction(_LOAD, 4),
        instruction(_EQUAL, architecture, 1, 0),
        instruction(_RETURN, _KILL),
        instruction(_LOAD, 0),
    ]
    for number in _MMAP_MPROTECT[machine]:  # memory yes, memory that can be run no
        program += [
            instruction(_EQUAL, number, 0, 4),
            instruction(_LOAD, 32),  # the low half of the third argument, the protection
            instruction(_SET_BITS, _PROT_EXEC, 0, 1),
            instruction(_RETURN, _REFUSE),
            instruction(_RETURN, _ALLOW),
        ]
    for number in allowed:
        program += [instruction(_EQUAL, number, 0, 1), instruction(_RETURN, _ALLOW)]
    return b"".join([*program, instruction(_RETURN, _REFUSE)])


def _lock(seconds: float, memory_mb: int) -> None:
    """Give up files, network, processes and rights, for good.

    Raises:
        LockError: it cannot be done here, so the code must not run.
    """
    machine = platform.machine()
    if machine not in _ALLOWED:
        raise LockError(f"the sandbox is not known on {machine}")
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_AS, _in_use() + memory_mb * _MEGABYTE),
    ):
        resource.setrlimit(limit, (value, value))
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    system = ctypes.CDLL(None, use_errno=True)
    instructions = _filter(machine)
    memory = ctypes.create_string_buffer(instructions, len(instructions))
    program = _Program(len(instructions) // 8, ctypes.cast(memory, ctypes.c_void_p))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    if (
        system.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        or system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        or system.prctl(_PR_SET_SECCOMP, _BY_FILTER, ctypes.byref(program), 0, 0)
    ):
        raise LockError(f"the kernel refused the sandbox: {os.strerror(ctypes.get_errno())}")


def _in_use() -> int:
    """Bytes of address space that Python itself has taken."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - pathlib would be one import more
        return int(file.read().split()[0]) * resource.getpagesize()


class _Lines(io.TextIOBase):
    """What the code prints: its first lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._open = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._open += text
        *whole, self._open = self._open.split("\n")
        self._open = self._open[:MAX_LINE_CHARACTERS]
        for line in whole:
            if len(self.lines) < MAX_LINES:
                self.lines.append(line[:MAX_LINE_CHARACTERS])
        return len(text)

    def all(self) -> list[str]:
        """Also what has no line break yet."""
        return [*self.lines, self._open] if self._open and len(self.lines) < MAX_LINES else self.lines


def _prepare(modules: list[str]) -> None:
    """Import what the code will import: nothing can be read from a disk afterwards."""
    for name in ("_strptime", "encodings.idna", "encodings.latin_1", "encodings.ascii", "encodings.utf_16", *modules):
        importlib.import_module(name)
    if "zoneinfo" in modules:
        import zoneinfo

        ours = os.path.join(os.path.dirname(__file__), "zoneinfo")  # noqa: PTH118, PTH120 - pathlib is one import more
        if os.path.isdir(ours):  # noqa: PTH112 - on Lambda, whose system has no time zones
            zoneinfo.reset_tzpath([ours])
        global _zones  # noqa: PLW0603 - kept alive, so that zoneinfo finds them without reading files
        _zones = [zoneinfo.ZoneInfo(name) for name in zoneinfo.available_timezones()]


_zones: list[Any] = []


def _explained(error: BaseException, code: str) -> dict[str, Any]:
    """The error, with the lines of the code that led to it."""
    text = code.splitlines()
    trace = []
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == "<code>":
            trace.append(_at(step.tb_lineno, text, step.tb_frame.f_code.co_name))
        step = step.tb_next
    message = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename == "<code>" and error.lineno:
        trace.append(_at(error.lineno, text, "<module>"))
        message = f"{type(error).__name__}: {error.msg}"
    last = {name: trace[-1][name] for name in ("line", "text")} if trace else {}
    kind = "memory" if isinstance(error, MemoryError) else "code_failed"
    return {"code": kind, "message": message[:2_000], **last, "trace": trace[-MAX_TRACE:]}


def _at(number: int, text: list[str], name: str) -> dict[str, Any]:
    shown = text[number - 1].strip()[:200] if 0 < number <= len(text) else ""
    return {"line": number, "in": name, "text": shown}


def _ran(event: dict[str, Any]) -> dict[str, Any]:
    code = event["code"]
    module = types.ModuleType("code")
    try:
        exec(compile(code, "<code>", "exec"), module.__dict__)  # noqa: S102 - what all of this is for
        main = getattr(module, "main", None)
        if not callable(main):
            return {"error": {"code": "code_failed", "message": "the code defines no function `main(input)`"}}
        result = main(event["input"])
        try:
            return {"result": json.loads(json.dumps(result, allow_nan=False))}
        except (TypeError, ValueError, RecursionError) as error:
            return {"error": {"code": "code_failed", "message": f"what `main` returns is no JSON: {error}"}}
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt too: it is somebody's code
        error_shown = _explained(error, code)
    return {"error": error_shown}


def main() -> None:
    """Read the event, lock the process, run the code, say what came of it."""
    event = json.loads(sys.stdin.buffer.read())
    out = os.dup(1)
    lines = _Lines()
    try:
        _prepare(event["modules"])
        for descriptor in range(64):
            if descriptor != out:
                try:
                    os.close(descriptor)
                except OSError:
                    continue
        sys.stdin = io.StringIO()
        sys.stdout = sys.stderr = lines
        sys.path[:] = []
        _lock(float(event["seconds"]), int(event["memory_mb"]))
    except (LockError, ImportError, OSError, ValueError) as error:
        answer = {"error": {"code": "sandbox_unavailable", "message": str(error)}}
    else:
        answer = _ran(event)
    said = json.dumps({**answer, "lines": lines.all()}).encode()
    while said:
        said = said[os.write(out, said) :]
    os._exit(0)


if __name__ == "__main__":
    main()
