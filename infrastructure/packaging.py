"""Builds what the functions run from: the layer (dependencies and the engine), and the functions' own code.

No Docker: uv installs wheels for any platform.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from zoneinfo import TZPATH

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "engine" / "requirements.txt"
DEPLOYED_PLATFORM = ("--python-platform", "aarch64-manylinux_2_28", "--python-version", "3.13")
EXPORT = (
    "export",
    "--quiet",
    "--no-default-groups",
    "--no-emit-project",
    "--no-header",
    "--no-annotate",
    "--format",
    "requirements-txt",
)
"""What uv is told to write `engine/requirements.txt`: pinned, with hashes, naming no host."""
_UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc")


class PackagingError(Exception):
    """The layer could not be built; the message says what to do."""


def build_layer(target: Path, *, local: bool) -> Path:
    """A directory with the layer's content, for Lambda or for this interpreter; gives its path.

    Dependencies are installed again only when `engine/requirements.txt` has changed.

    Raises:
        PackagingError: uv is missing, or could not install.
    """
    kind = f"local {sys.version_info[:2]}" if local else " ".join(DEPLOYED_PLATFORM)
    stamp = sha256(REQUIREMENTS.read_bytes() + kind.encode()).hexdigest()
    layer = target / ("layer-local" if local else "layer")
    marker = layer / "stamp"
    python = layer / "content" / "python"
    if not marker.exists() or marker.read_text() != stamp:
        shutil.rmtree(layer, ignore_errors=True)
        _install(python, local=local)
        marker.write_text(stamp)
    shutil.rmtree(python / "engine", ignore_errors=True)
    shutil.copytree(ROOT / "engine", python / "engine", ignore=_UNWANTED)
    return layer / "content"


def build_functions(target: Path) -> Path:
    """A directory with the functions' code and the OpenAPI document; gives its path."""
    from functions.openapi import build

    code = target / "functions"
    shutil.rmtree(code, ignore_errors=True)
    shutil.copytree(ROOT / "functions", code / "functions", ignore=_UNWANTED)
    (code / "functions" / "openapi.json").write_text(json.dumps(build(), indent=1))
    return code


def uv_binary() -> str:
    """The path of uv.

    Raises:
        PackagingError: there is none.
    """
    found = os.environ.get("UV") or shutil.which("uv")
    if not found:
        raise PackagingError("uv is not installed; `pip install uv` puts it there")
    return found


def _install(target: Path, *, local: bool) -> None:
    command = [uv_binary(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--target", str(target), "--requirements", str(REQUIREMENTS)]
    command += ["--python", sys.executable] if local else [*DEPLOYED_PLATFORM]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(f"the layer could not be built: {done.stderr.strip()[-800:]}")
    # The emulator unpacks the layer for each worker, and a third of its files are time zones, which this machine has.
    has_zones = local and any(Path(path).is_dir() for path in TZPATH)
    for name in ("bin", "share", *(["tzdata"] if has_zones else [])):
        shutil.rmtree(target / name, ignore_errors=True)
