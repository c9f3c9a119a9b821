"""`uv run python -m tests.benchmarks.console`: what a browser loads of the console, and what it costs people's time.

Sizes are as files are sent: brotli where that is smaller. With a local stack running (`mainspring up`) a real browser
tells how long it takes until somebody can type, and what a frame costs with many steps.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Sheet

from infrastructure.local.stack import LocalStack, default_data
from infrastructure.stack.console_build import CONSOLE, build, building, built_web, cache_folder, node_folder

_IMPORT = re.compile(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""")
_BUDGETS = {"sign-in": 180, "the dashboard": None, "the editor": 400}
"""KB, without the catalogue of node types."""
_FRAME_MS = 1000 / 60


def show_console(console: Console) -> None:
    """Print the bytes of each place against its budget, how long a build takes, and what a browser says."""
    web = built_web()
    console.print(f"Console: built in {_build_seconds():.1f} s, its packages being there")
    for place, entries in _entries(web).items():
        loaded = _closure(web, entries)
        size = sum(_sent(web / "assets" / name) for name in loaded) + _first(web)
        budget = _BUDGETS[place]
        console.print(f"  to {place}: {size / 1024:.0f} KB" + (f" of {budget}" if budget else ""))

    _show_browser(console)


def _build_seconds() -> float:
    """How long a build takes that finds its packages."""
    again = cache_folder() / "again"
    with building() as work:
        begin = time.perf_counter()
        build(work, again)
        seconds = time.perf_counter() - begin
        shutil.rmtree(again)
    return seconds


def _show_browser(console: Console) -> None:
    """Print what a browser finds on the stack that runs."""
    stack = LocalStack(default_data())
    chromium = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    packages = CONSOLE / "web" / "node_modules" / "playwright-core"
    if stack.running() is None or chromium is None or not packages.is_dir():
        console.print("  (for times: `mainspring up`, `npm ci` in functions/console/web, and Chromium)")
        return
    found = _measured(stack, chromium)
    sheet = Sheet(title="In a browser, by slow 4G on a machine four times as slow")
    for heading in ("until one can type in", "seconds", "KB", "KB of the catalogue"):
        sheet.add_column(heading, justify="right")
    for name in ("sign_in", "editor"):
        one = found[name]
        sheet.add_row(name.replace("_", "-"), *(str(one[key]) for key in ("seconds", "kb", "catalogue_kb")))
    console.print(sheet)
    large = found["large"]
    sheet = Sheet(title=f"500 steps: shown after {large['seconds']} s, of which {large['drawn']} are in the page")
    for heading in ("frames while", "seen", "median ms", "95 % ms", "work of the page ms", "times a frame at 60 Hz"):
        sheet.add_column(heading, justify="right")
    for name in ("zooming", "panning", "dragging"):
        one = large[name]
        figures = (one[key] for key in ("frames", "median_ms", "p95_ms", "work_ms"))
        sheet.add_row(name, *map(str, figures), f"{one['work_ms'] / _FRAME_MS:.2f}")
    console.print(sheet)


def _measured(stack: LocalStack, chromium: str) -> dict[str, Any]:
    running = stack.running()
    assert running is not None
    email, password = stack.credentials()
    environment = {
        **os.environ,
        "PATH": f"{node_folder()}{os.pathsep}{os.environ['PATH']}",
        "CONSOLE_CHROMIUM": chromium,
        "CONSOLE_URL": running.console_url,
        "CONSOLE_EMAIL": email,
        "CONSOLE_PASSWORD": password,
    }
    command = ["node", "e2e/budgets.mjs"]
    done = subprocess.run(command, cwd=CONSOLE / "web", env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _entries(web: Path) -> dict[str, list[str]]:
    """The scripts that each place is made of, besides those that they import."""
    (entry,) = re.findall(r'assets/(index-[\w-]+\.js)"', (web / "index.html").read_text())
    begun = [entry, *_named(web, "Workspace")]
    return {
        "sign-in": [entry],
        "the dashboard": [*begun, *_named(web, "dashboard")],
        "the editor": [*begun, *_named(web, "editor"), *_named(web, "Editor")],
    }


def _named(web: Path, name: str) -> list[str]:
    """Hashes have eight characters."""
    return [path.name for path in (web / "assets").glob(f"{name}-{'?' * 8}.js")]


def _closure(web: Path, entries: list[str]) -> set[str]:
    """The scripts with all that they import at once; what is loaded later is no part of it."""
    found: set[str] = set()
    open_names = list(entries)
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names += _IMPORT.findall((web / "assets" / name).read_text())
    return found


def _first(web: Path) -> int:
    """The page, its styles and the font."""
    assets = web / "assets"
    styles = sum(_sent(path) for path in assets.glob("index-*.css"))
    font = sum(path.stat().st_size for path in assets.glob("inter-latin-wght-normal-*.woff2"))
    return (web / "index.html").stat().st_size + styles + font


def _sent(path: Path) -> int:
    compressed = path.with_name(f"{path.name}.br")
    return (compressed if compressed.exists() else path).stat().st_size


if __name__ == "__main__":
    show_console(Console(width=110))
