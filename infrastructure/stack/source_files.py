"""The source files: files that tools install or create beside them do not change a deployment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

NO_SOURCES = frozenset({"__pycache__", ".venv", ".git", "node_modules", "dist"})
_MADE = frozenset({"schema.d.ts"})


def sources_below(folder: Path) -> Iterator[Path]:
    """Return the files below a folder, always in the same order. Folders of installed packages are not even listed."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - NO_SOURCES)
        yield from (Path(place, name) for name in sorted(files) if name not in _MADE)
