"""Sandbox: runs users' code, in Python or JavaScript, in WebAssembly.

This function has no layer, no settings and a role without permissions. The code runs in an interpreter that is a
WebAssembly module whose imports reach nothing, in a process that ends with the call: see `runner.py`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from functions.sandbox.bounds import (
    ANSWERED,
    DEEP,
    GRACE_SECONDS,
    INTERPRETED,
    LATE,
    MAX_ANSWER_BYTES,
    MAX_LINE_CHARACTERS,
    MAX_LINES,
    MAX_TRACE,
    MEMORY,
    TOO_LARGE,
    UNAVAILABLE,
)

GUESTS = Path(__file__).with_name("guests")
"""The folder of the guests in the build; the local stack has a file there with their path on this machine."""
_CODES = frozenset({"code_failed", "memory"})
_START_SECONDS = 15.0
_MAKING_SECONDS = 40.0
_LOOK_SECONDS = 0.1
_CHUNK = 65_536
_LENGTH = struct.Struct(">I")
_PROGRAM = "import sys; sys.path += sys.argv[1:3]; from functions.sandbox.runner import main; main(sys.argv[3])"


class RunnerError(Exception):
    """The runner did not respond, so it was ended; the next call starts another."""


class Runner:
    """The process that runs code, started on first use. It handles one call at a time."""

    def __init__(self, guests: Path) -> None:
        self._guests = guests
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process unless it is running."""
        if self._process is None or self._process.poll() is not None:
            guests = _made_elsewhere(Path(self._guests.read_text())) if self._guests.is_file() else self._guests
            library = importlib.util.find_spec("wasmtime")
            if library is None or library.origin is None or not guests.is_dir():
                raise RunnerError("the sandbox was installed without its guests")
            paths = [str(Path(__file__).parents[2]), str(Path(library.origin).parents[1]), str(guests)]
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", _PROGRAM, *paths],
                env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._process

    def ask(self, event: dict[str, Any]) -> bytes:
        """Send an event; return the guest's form, how the call ended, and the guest's output.

        Raises:
            RunnerError: the runner does not respond.
        """
        with self._lock:
            process = self.start()
            try:
                return _exchanged(process, json.dumps(event).encode(), float(event["seconds"]) + _START_SECONDS)
            except (OSError, RunnerError) as error:
                self.stop()
                raise RunnerError(str(error) or "the sandbox's process has ended") from None

    def stop(self) -> None:
        """End the process, and everything that it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()


def _made_elsewhere(guests: Path) -> Path:
    """Return the guests of the local stack, which are built once for a machine; wait while a process builds them.

    The building process holds a lock beside their folder.

    Raises:
        RunnerError: the guests are missing, and no process builds them.
    """
    import fcntl

    ends_at = time.monotonic() + _MAKING_SECONDS
    while not guests.is_dir():
        with contextlib.suppress(OSError), guests.with_name(f"{guests.name}.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if not guests.is_dir():
                raise RunnerError("the interpreters for users' code are not there; `mainspring up` makes them")
        if time.monotonic() > ends_at:
            raise RunnerError("the interpreters for users' code are still being made; try again in a minute")
        time.sleep(_LOOK_SECONDS)
    return guests


_runner = Runner(GUESTS)
if GUESTS.is_dir() and "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # while Lambda initializes it, at no cost
    with contextlib.suppress(RunnerError):
        _runner.start()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return `{result, lines, runtime}`, or `{error: {code, message, line?, text?, trace?}, lines, runtime}`.

    The event has the `language` (`python` or `javascript`), `code`, `input`, `seconds` and `memory_mb`. `now` (seconds
    since 1970) sets the clock; `fixed` stops it, and a `seed` (in hexadecimal) determines random numbers. `runtime`
    says whether the guest's machine code ran (`native`) or was interpreted (`pulley`).
    """
    del context
    return run(event, _runner)


def run(event: dict[str, Any], runner: Runner) -> dict[str, Any]:
    """Handle an event as `handler`, with a given runner."""
    try:
        told = runner.ask(event)
    except RunnerError as error:
        return {**_failed("sandbox_unavailable", str(error)), "runtime": "none"}
    form, kind, said = told[0], told[1], told[2:]
    answer = _ended(kind, said, float(event["seconds"]))
    return {**answer, "runtime": "pulley" if form == INTERPRETED else "native"}


def _ended(kind: int, said: bytes, seconds: float) -> dict[str, Any]:
    if kind == ANSWERED:
        with contextlib.suppress(ValueError, RecursionError):
            return _checked(json.loads(said))
    why = said.decode(errors="replace")[:200]
    told = {
        LATE: ("timeout", f"the code did not end within {seconds:g} seconds"),
        TOO_LARGE: ("output_too_large", f"the result has more than {MAX_ANSWER_BYTES} bytes"),
        MEMORY: ("memory", "the code needs more memory than it may have"),
        DEEP: ("code_failed", "the code calls itself too deep"),
        UNAVAILABLE: ("sandbox_unavailable", f"the sandbox cannot run here: {why}"),
    }
    return _failed(*told.get(kind, ("code_crashed", f"the code ended its interpreter ({why})")))


def _exchanged(process: subprocess.Popen[bytes], request: bytes, seconds: float) -> bytes:
    """Send a request and read the response.

    Raises:
        RunnerError: the response is late or incomplete.
        OSError: the process has ended.
    """
    if process.stdin is None or process.stdout is None:
        raise TypeError("the process has pipes")
    ends_at = time.monotonic() + seconds + 2 * GRACE_SECONDS
    process.stdin.write(_LENGTH.pack(len(request)) + request)
    process.stdin.flush()
    (length,) = _LENGTH.unpack(_received(process.stdout.fileno(), _LENGTH.size, ends_at))
    return _received(process.stdout.fileno(), length, ends_at)


def _received(descriptor: int, length: int, ends_at: float) -> bytes:
    found = bytearray()
    while len(found) < length:
        if not select.select([descriptor], [], [], max(0.0, ends_at - time.monotonic()))[0]:
            raise RunnerError("the sandbox did not answer in time")
        chunk = os.read(descriptor, min(length - len(found), _CHUNK))
        if not chunk:
            raise RunnerError("the sandbox's process has ended")
        found += chunk
    return bytes(found)


def _checked(answer: Any) -> dict[str, Any]:
    """Return a guest's output in its expected form and bounds: the user's code may have written it itself.

    Raises:
        ValueError: the output has neither a result nor an error.
    """
    if not isinstance(answer, dict) or not ("result" in answer or isinstance(answer.get("error"), dict)):
        raise ValueError("that is no answer")
    given = answer.get("lines")
    lines = [str(line)[:MAX_LINE_CHARACTERS] for line in given[:MAX_LINES]] if isinstance(given, list) else []
    if "error" not in answer:
        return {"result": answer["result"], "lines": lines}
    told = answer["error"]
    code = told.get("code") if told.get("code") in _CODES else "code_failed"
    error: dict[str, Any] = {"code": code, "message": str(told.get("message"))[:2_000]}
    if isinstance(told.get("line"), int):
        error |= {"line": told["line"], "text": str(told.get("text"))[:200]}
    trace = told.get("trace")
    if isinstance(trace, list):
        error["trace"] = trace[:MAX_TRACE]
    return {"error": error, "lines": lines}


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}, "lines": []}
