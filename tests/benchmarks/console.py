"""What a browser loads of the console until somebody can work, as it is sent: brotli where that is smaller."""

from __future__ import annotations

import re
import time
from pathlib import Path

from rich.console import Console

from infrastructure.stack.console_build import built_web

_IMPORT = re.compile(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""")
_BUDGETS = {"sign-in": 180, "the dashboard": None, "the editor": 400}
"""KB, without the catalogue of node types."""


def show_console(console: Console) -> None:
    """Print the bytes of each place against its budget, and how long a build takes that finds its packages."""
    begin = time.perf_counter()
    web = built_web()
    console.print(f"Console: built, or found in the cache, in {time.perf_counter() - begin:.1f} s")
    for place, entries in _entries(web).items():
        loaded = _closure(web, entries)
        size = sum(_sent(web / "assets" / name) for name in loaded) + _first(web)
        budget = _BUDGETS[place]
        console.print(f"  to {place}: {size / 1024:.0f} KB" + (f" of {budget}" if budget else ""))


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
