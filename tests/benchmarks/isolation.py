"""What processes that read content cost, and what one workspace's worst input does to another's work."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table as Sheet

from engine.testing import run_node

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 7
PAGE = "<table>" + "<tr><td>a<td>1" * 200 + "</table>"
SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
TABLE = "id,name\n" + "1,Ann\n" * 500
WORK: dict[str, tuple[str, dict[str, Any]]] = {
    "csv, 3 KB (in a thread)": ("csv", {"source": {"text": TABLE}}),
    "csv, 300 KB": ("csv", {"source": {"text": TABLE * 100}}),
    "json validate": ("json", {"operation": "validate", "value": {"id": 1}, "schema": SCHEMA}),
    "html, 3 KB": ("html", {"source": {"text": PAGE}, "extract": {"x": {"selector": "td", "all": True}}}),
}
ORDINARY = [WORK[name] for name in ("csv, 3 KB (in a thread)", "json validate", "html, 3 KB")]
HOSTILE = (
    "import asyncio\n"
    "from tests.unit.test_isolation import ENDLESS, checked\n"
    "async def one():\n"
    "    try:\n"
    "        async with asyncio.timeout(1):\n"
    "            await checked(ENDLESS)\n"
    "    except TimeoutError:\n"
    "        pass\n"
    "async def scene(rounds):\n"
    "    for _ in range(rounds):\n"
    "        await asyncio.gather(*(one() for _ in range(8)))\n"
)
MEASURE = (
    "import json, sys, time\n"
    "from statistics import quantiles\n"
    "from engine.testing import run_node\n"
    "ORDINARY = json.load(sys.stdin)\n"
    "def work():\n"
    "    begin = time.perf_counter()\n"
    "    for node, config in ORDINARY:\n"
    "        assert run_node(node, config).error is None\n"
    "    return time.perf_counter() - begin\n"
    "def usual():\n"
    "    return quantiles((work() for _ in range(24)), n=4)[0]  # what else this machine does only adds to some\n"
)


def milliseconds(work: Callable[[], Any], rounds: int = 30) -> float:
    """The median of what it takes."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1_000)
    return median(times[1:])


def show_isolation(console: Console) -> None:
    """Print what a call costs, and two ratios that are to stay under 1.2."""
    sheet = Sheet(title="Reading content: milliseconds a node (median)")
    for heading in ("what", "ms"):
        sheet.add_column(heading)
    for name, (node, config) in WORK.items():
        sheet.add_row(name, f"{milliseconds(lambda node=node, config=config: run_node(node, config)):.1f}")
    console.print(sheet)
    console.print(f"Another workspace's work, beside eight schemas without end: {beside():.2f} times as long as alone")
    console.print(f"A process's work, after eight schemas without end: {after():.2f} times as long as before")


def beside() -> float:
    """Lambda runs one invocation in a process at a time, so others are in other processes."""
    endless = f"{HOSTILE}while True:\n    asyncio.run(scene(1))\n"
    alone, together = [], []
    for _ in range(ROUNDS):
        alone.append(_measured(f"{MEASURE}work()\nprint(usual())"))
        hostile = subprocess.Popen([sys.executable, "-c", endless], cwd=ROOT)
        time.sleep(2)
        together.append(_measured(f"{MEASURE}work()\nprint(usual())"))
        hostile.kill()
        hostile.wait()
    return median(together) / median(alone)


def after() -> float:
    """What a hung node leaves behind in a warm process."""
    program = f"{HOSTILE}{MEASURE}work()\nbefore = usual()\nasyncio.run(scene(1))\nprint(usual() / before)"
    return median(_measured(program) for _ in range(ROUNDS))


def _measured(program: str) -> float:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, input=json.dumps(ORDINARY))
    return float(done.stdout)


if __name__ == "__main__":
    show_isolation(Console(width=110))
