"""Layers and code of functions are unpacked once for all workers, not once for each: they read the same files.

The emulator unpacks 80 MB for each worker, in the process that serves all requests. On AWS, too, what is in `/opt` and
`/var/task` is read-only.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import zipfile
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

_lock = threading.Lock()


class _SharedArchive(zipfile.ZipFile):
    """An archive that is unpacked beside the others; where somebody wants it, there is a link to that."""

    def namelist(self) -> list[str]:
        """Nothing where it is unpacked: the emulator has checked each of these paths by then, which takes long."""
        return [] if self._place.is_dir() else super().namelist()

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Unpack into a folder, which must be empty; nobody may write to it afterwards."""
        if path is None or members is not None:
            super().extractall(path, members, pwd)
            return
        place = self._place
        with _lock:
            if not place.is_dir():
                unfinished = place.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                super().extractall(unfinished)
                unfinished.rename(place)
        Path(path).rmdir()
        Path(path).symlink_to(place)

    @cached_property
    def _place(self) -> Path:
        content = repr([(one.filename, one.CRC, one.file_size) for one in self.infolist()])
        return Path(tempfile.gettempdir()) / f"unpacked-{sha256(content.encode()).hexdigest()[:32]}"


def share_unpacked() -> None:
    """Have the emulator unpack so."""
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": _SharedArchive})
