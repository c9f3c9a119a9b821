"""Snapshots of the local stack's emulator: one folder per snapshot, and a link to the current one.

The link is moved in one step, so a process that is killed while saving leaves the previous snapshot intact.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LINK = "state"
"""In the data directory: the link to the snapshot that the emulator begins with."""

_FOLDER = "snapshots"
_MANIFEST = "snapshot.json"


@dataclass(frozen=True)
class Saved:
    """A snapshot.

    Attributes:
        at: when it was taken.
        is_complete: whether the emulator was stopped with it, so that nothing came after.
        deployed: the fingerprint of the deployment that it has; empty where it was taken during one.
    """

    at: datetime
    is_complete: bool
    deployed: str


def saved(data: Path) -> Saved | None:
    """The snapshot that counts; None where nothing was ever saved."""
    try:
        manifest = json.loads((data / LINK / _MANIFEST).read_text())
        return Saved(datetime.fromisoformat(manifest["at"]), bool(manifest["is_complete"]), manifest["deployed"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def new_folder(data: Path, name: str) -> Path:
    """A folder for another snapshot. What the last one has is in it as hard links, until something is written anew."""
    folder = data / _FOLDER / name
    before = (data / LINK).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    if before.is_dir():
        shutil.copytree(before, folder, copy_function=os.link)
        (folder / _MANIFEST).unlink(missing_ok=True)
    else:
        folder.mkdir(parents=True)
    return folder


def publish(data: Path, folder: Path, snapshot: Saved) -> None:
    """Make a snapshot the one that counts, and remove the others."""
    _write_facts(folder, snapshot)
    _link(data, folder)
    remove_others(data)


def begin(data: Path) -> Saved | None:
    """Prepare a start: gives what the emulator will begin with, which from now on may be behind what it does.

    Where nothing was ever saved, what lies about of a start that was cut off is removed.
    """
    found = saved(data)
    if found is None:
        (data / LINK).unlink(missing_ok=True)
        (data / "deployed").unlink(missing_ok=True)
        for left in (_FOLDER, "s3"):
            shutil.rmtree(data / left, ignore_errors=True)
        _link(data, new_folder(data, "first"))
        return None
    remove_others(data)
    _write_facts(data / LINK, replace(found, is_complete=False))
    return found


def remove_others(data: Path) -> None:
    """Remove all snapshots but the one that counts."""
    current = (data / LINK).resolve().name
    for folder in (data / _FOLDER).glob("*"):
        if folder.name != current:
            shutil.rmtree(folder, ignore_errors=True)


def write_states(states: dict[str, Callable[[], Any]], folder: Path, save: Callable[[str, Any], None]) -> None:
    """Save the state of each service into a folder.

    Raises:
        OSError: one of them is not there afterwards: the emulator only logs that it could not write it.
    """
    for name, state_of in states.items():
        state = state_of()
        if state is None:
            continue
        file = folder / f"{name}.json"
        file.unlink(missing_ok=True)
        save(name, state)
        if not file.exists():
            raise OSError(f"the state of {name} could not be saved")


def now() -> datetime:
    """The time, for the manifest of a snapshot."""
    return datetime.now(UTC)


def _write_facts(folder: Path, snapshot: Saved) -> None:
    _replace_text(folder / _MANIFEST, json.dumps({**asdict(snapshot), "at": snapshot.at.isoformat()}))


def _link(data: Path, folder: Path) -> None:
    link = data / f"{LINK}.next"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.relative_to(data), target_is_directory=True)
    link.replace(data / LINK)


def _replace_text(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.next")
    temporary.write_text(text)
    temporary.replace(path)
