"""What runs inside of CPython in WebAssembly: once when the guest is built, and `run` for each call.

The build keeps the interpreter's memory as it is when `ready` asks for the time. There are no files afterwards, so all
that code may import has been imported by then.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import random
import sys
import time
import types
from typing import Any

BOUNDS: dict[str, int] = {}
_CHUNK = 1 << 20


class _Lines(io.TextIOBase):
    """What the code prints: its first lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._open = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.lines) >= BOUNDS["lines"]:
            return len(text)
        self._open += text
        *whole, self._open = self._open.split("\n")
        self._open = self._open[: BOUNDS["line_characters"]]
        for line in whole:
            self.lines.append(line[: BOUNDS["line_characters"]])
        return len(text)

    def all(self) -> list[str]:
        """Also what has no line break yet."""
        return [*self.lines, *([self._open] if self._open else [])][: BOUNDS["lines"]]


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
    return {"code": kind, "message": message[:2_000], **last, "trace": trace[-BOUNDS["trace"] :]}


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


def _given() -> Any:
    found = bytearray()
    while chunk := os.read(0, _CHUNK):
        found += chunk
    return json.loads(found)


def run() -> None:
    """Read an event, run its code, say what came of it."""
    event = _given()
    random.seed()  # or it would go on from where it was when the guest was built
    lines = _Lines()
    sys.stdout = sys.stderr = lines
    answer = _ran(event)
    said = json.dumps({**answer, "lines": lines.all()}).encode()
    while said:
        said = said[os.write(1, said) :]


def _prepare() -> None:
    given = _given()
    BOUNDS.update(given["bounds"])
    for name in given["modules"]:
        importlib.import_module(name)
    _remember_zones({name: bytes.fromhex(content) for name, content in given["zones"].items()})
    sys.stdin = io.StringIO()
    sys.argv[:] = [""]
    sys.path[:] = []
    sys.path_hooks[:] = []
    sys.path_importer_cache.clear()


def _remember_zones(zones: dict[str, bytes]) -> None:
    import zoneinfo
    from zoneinfo import _common

    def load_tzdata(key: str) -> io.BytesIO:
        if key not in zones:
            raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
        return io.BytesIO(zones[key])

    vars(_common)["load_tzdata"] = load_tzdata
    vars(zoneinfo)["available_timezones"] = lambda: set(zones)
    zoneinfo.reset_tzpath([])


def ready() -> None:
    """Tell the build where `run` is, then stop for good."""
    gc.collect()
    gc.freeze()
    os.write(1, json.dumps({"run": id(run), "type": id(type(run)), "nothing": id(())}).encode())
    time.time()


if __name__ == "__main__":
    _prepare()
    ready()
