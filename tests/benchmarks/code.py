"""What users' code costs: a call of the sandbox besides the code's own time, and how fast code is beside CPython."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table as Sheet

from functions.sandbox.handler import Runner, run
from infrastructure.guests.build import local_guests

TURNS = 3_000_000
_ITEMS = [{"id": number, "total": number * 1.5, "name": f"order {number}"} for number in range(100)]
_WORK = {
    "python": "def main(input):\n    return [{**row, 'total': row['total'] * 2} for row in input]",
    "javascript": "return input.map(row => ({ ...row, total: row.total * 2 }));",
}
_LOOP = {
    "python": "import time\ndef main(input):\n    began = time.monotonic()\n    n = 0\n    for i in range(input):\n"
    "        n += i\n    return time.monotonic() - began",
    "javascript": "const began = Date.now(); let n = 0; for (let i = 0; i < input; i++) n += i;\n"
    "return (Date.now() - began) / 1e3",
}


def show_code(console: Console) -> None:
    """Print it. Promised is a call under 15 ms over the code's own time, when warm."""
    sheet = Sheet(title="Users' code (a call with 100 items; a loop against CPython outside of the sandbox)")
    for name in (
        "language",
        "process, ms",
        "first call, ms",
        "p50, ms",
        "p95, ms",
        f"{TURNS:,} turns, s",
        "ratio to native",
    ):
        sheet.add_column(name, justify="right")
    native = _native()
    for language in ("python", "javascript"):
        runner = Runner(local_guests())
        cold = _timed(lambda: _call(runner, language, _WORK[language], []))  # noqa: B023 - it is called at once
        times = [_timed(lambda: _call(runner, language, _WORK[language], _ITEMS)) for _ in range(101)]  # noqa: B023
        loop = _call(runner, language, _LOOP[language], TURNS)
        runner.stop()
        first, rest = times[0], times[1:]
        figures = (cold, first, median(rest), quantiles(rest, n=20)[-1])
        sheet.add_row(language, *(f"{one * 1_000:.1f}" for one in figures), f"{loop:.2f}", f"{loop / native:.1f}")
    console.print(sheet)
    console.print(f"A fork of this process and its end: {median(_timed(_forked) for _ in range(50)) * 1_000:.1f} ms")


def _call(runner: Runner, language: str, code: str, value: Any) -> Any:
    event = {"language": language, "code": code, "input": value, "seconds": 60, "memory_mb": 64}
    return run(event, runner)["result"]


def _timed(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _native() -> float:
    """Seconds for the same loop."""

    def loop() -> int:
        total = 0
        for number in range(TURNS):
            total += number
        return total

    return min(_timed(loop) for _ in range(3))


def _forked() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
