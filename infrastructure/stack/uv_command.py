"""uv, which installs, builds, and downloads interpreters."""

from __future__ import annotations

import os
import shutil


class PackagingError(Exception):
    """The layer could not be built; the message says what to do."""


def uv_binary() -> str:
    """Return the path of uv.

    Raises:
        PackagingError: uv is not installed.
    """
    found = os.environ.get("UV") or shutil.which("uv")
    if not found:
        raise PackagingError("uv is not installed; `pip install uv` puts it there")
    return found
