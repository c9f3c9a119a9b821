"""Sandbox: runs somebody's Python code in a process of its own, which ends with the call.

This function has no layer, no settings and a role that may do nothing. The process has an empty environment, no files,
no network and no other processes: see `child.py`. Nothing of one call is there for the next.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from functions.sandbox.child import MAX_LINE_CHARACTERS, MAX_LINES, MAX_TRACE

MAX_ANSWER_BYTES = 5 * 1024 * 1024
_CODES = frozenset({"code_failed", "memory", "sandbox_unavailable"})
_START_SECONDS = 5.0
_CHUNK = 65_536
_PR_SET_DUMPABLE = 4
_CHILD = Path(__file__).with_name("child.py")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Give `{result, lines}`, or `{error: {code, message, line?, text?, trace?}, lines}`.

    The event has `code` (a module that defines `main(input)`), `input`, `seconds`, `memory_mb` and `modules` (the names
    of those that the code may import).
    """
    del context
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # or a process of the same user could read this one's memory
    seconds = float(event["seconds"])
    command = [sys.executable, "-I", "-S", "-B", str(_CHILD)]
    child = subprocess.Popen(
        command, env=_needed(), cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    if child.stdin is None or child.stdout is None:
        raise TypeError("the child has pipes")
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    alarm = threading.Timer(seconds + _START_SECONDS, end)
    alarm.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(event).encode())
            child.stdin.close()
        told = _read(child.stdout.fileno(), child)
        code = child.wait()
    finally:
        alarm.cancel()
        child.kill()
        child.wait()
        child.stdout.close()
    if told is None:
        return _failed("output_too_large", f"the result has more than {MAX_ANSWER_BYTES} bytes")
    with contextlib.suppress(ValueError, RecursionError):
        return _checked(json.loads(told))
    if late.is_set() or code in (-signal.SIGXCPU, -signal.SIGALRM):
        return _failed("timeout", f"the code did not end within {seconds:g} seconds")
    if code == -signal.SIGKILL:
        return _failed("memory", "the code was ended: it used too much memory or time")
    return _failed("code_crashed", f"the code ended its process (exit code {code})")


def _needed() -> dict[str, str]:
    """Where Python finds its own library on Lambda; nothing else of the environment."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _read(descriptor: int, child: subprocess.Popen[bytes]) -> bytes | None:
    """All that the child says; None if that is too much."""
    found = bytearray()
    while chunk := os.read(descriptor, _CHUNK):
        found += chunk
        if len(found) > MAX_ANSWER_BYTES:
            child.kill()
            return None
    return bytes(found)


def _checked(answer: Any) -> dict[str, Any]:
    """What a child says, in the shape and the bounds that it should have: the code may have said it itself.

    Raises:
        ValueError: it has neither a result nor an error.
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
