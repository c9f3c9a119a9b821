"""Builds what the functions run: two layers (the engine; libraries that only nodes need), and the functions' code.

No Docker: uv installs wheels for any platform.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from zoneinfo import TZPATH

from infrastructure.stack.bytecode import DEPLOYED_VERSION, compile_all, deployed_interpreter
from infrastructure.stack.uv_command import PackagingError, uv_binary

ROOT = Path(__file__).parent.parent.parent
REQUIREMENTS = {
    "engine": ROOT / "engine" / "requirements.txt",
    "nodes": ROOT / "engine" / "requirements-nodes.txt",
    "sandbox": ROOT / "functions" / "sandbox" / "requirements.txt",
}
GROUPS = {
    "engine": ("--no-default-groups",),
    "nodes": ("--only-group", "nodes"),
    "sandbox": ("--only-group", "sandbox"),
}
"""The dependency groups of `pyproject.toml` in each layer; the sandbox has its own in its package."""
DEPLOYED_PLATFORM = ("--python-platform", "aarch64-manylinux_2_28", "--python-version", DEPLOYED_VERSION)
EXPORT = (
    "export",
    "--quiet",
    "--no-emit-project",
    "--no-header",
    "--no-annotate",
    "--format",
    "requirements-txt",
)
"""The options of uv, with a layer's groups, to export its requirements: pinned, with hashes, naming no host."""
_UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.md")
_NOT_PACKED = shutil.ignore_patterns("__pycache__", "*.pyc", ".lock")
LOCAL_SANDBOX = "sandbox-local"
"""The folder of the sandbox's code for the local stack, within the build."""
_LAYER, _FUNCTION = "/opt/python", "/var/task"
"""The folder where Lambda unpacks them."""


def build_layer(target: Path, *, local: bool) -> Path:
    """Return the path of a directory with the engine's layer, for Lambda or for this interpreter.

    Raises:
        PackagingError: uv is missing, or could not install.
    """
    python = _dependencies(target, "engine", local=local)
    shutil.rmtree(python / "engine", ignore_errors=True)
    shutil.copytree(ROOT / "engine", python / "engine", ignore=_UNWANTED)
    compile_all(python / "engine", seen_as=f"{_LAYER}/engine", local=local)
    return python.parent


def build_node_layer(target: Path, *, local: bool) -> Path:
    """Build, as `build_layer`, the libraries that only running nodes needs: others start without them."""
    return _dependencies(target, "nodes", local=local).parent


def build_extension_layer(target: Path, extensions: Sequence[Path], *, local: bool) -> Path:
    """Build, as `build_layer`, Python packages of node types or integration types, and their dependencies.

    Packages in the engine's layer are not installed again in another version.

    Raises:
        PackagingError: a folder is no package, or one cannot be built or installed.
    """
    layer = target / f"layer-extensions{'-local' if local else ''}"
    shutil.rmtree(layer, ignore_errors=True)
    python, wheels = layer / "content" / "python", layer / "wheels"
    for folder in extensions:
        if not (folder / "pyproject.toml").is_file():
            raise PackagingError(f"the extension {folder} is no Python package: it has no pyproject.toml")
        _run(
            [uv_binary(), "build", "--quiet", "--wheel", "--no-create-gitignore", "--out-dir", str(wheels), str(folder)]
        )
    command = [uv_binary(), "pip", "install", "--quiet", "--only-binary", ":all:", "--target", str(python)]
    command += ["--python", sys.executable] if local else [*DEPLOYED_PLATFORM]
    for requirements in REQUIREMENTS.values():
        command += ["--constraints", str(requirements)]
    _run([*command, *map(str, sorted(wheels.glob("*.whl")))])
    compile_all(python, seen_as=_LAYER, local=local)
    return python.parent


def _dependencies(target: Path, name: str, *, local: bool) -> Path:
    """Return the folder of a layer's dependencies. They are installed again only when its requirements have changed."""
    is_compiled = local or deployed_interpreter() is not None
    kind = f"local {sys.version_info[:2]}" if local else " ".join(DEPLOYED_PLATFORM)
    stamp = sha256(REQUIREMENTS[name].read_bytes() + f"{kind} {is_compiled}".encode()).hexdigest()
    layer = target / f"layer-{name}{'-local' if local else ''}"
    marker, python = layer / "stamp", layer / "content" / "python"
    if not marker.exists() or marker.read_text() != stamp:
        shutil.rmtree(layer, ignore_errors=True)
        _install(python, REQUIREMENTS[name], local=local)
        compile_all(python, seen_as=_LAYER, local=local)
        marker.write_text(stamp)
    return python


def build_functions(target: Path, *, local: bool) -> Path:
    """Return the path of a directory with the functions' code and the OpenAPI document.

    The console is not included: it has a package of its own, and its sources are many.
    """
    from engine.reference.pages import as_data
    from functions.openapi import build

    code = target / "functions"
    shutil.rmtree(code, ignore_errors=True)
    shutil.copytree(ROOT / "functions", code / "functions", ignore=_without_console)
    (code / "functions" / "openapi.json").write_text(json.dumps(build(), indent=1))
    (code / "functions" / "reference.json").write_text(json.dumps({"pages": as_data()}, ensure_ascii=False))
    compile_all(code, seen_as=_FUNCTION, local=local)
    return code


def _without_console(folder: str, names: list[str]) -> set[str]:
    unwanted = _UNWANTED(folder, names)
    return unwanted | {"console"} if Path(folder) == ROOT / "functions" else unwanted


def build_sandbox(target: Path, *, local: bool) -> Path:
    """Return the path of a directory with the code of the sandbox and nothing else of the platform.

    On Lambda wasmtime and the guests are beside it. The local stack runs it on this machine, which has wasmtime, so it
    contains the path where this machine will have the guests (`infrastructure.local.guest_build`): they need not be
    packed and unpacked for each worker, and only those who run code wait for them.

    Raises:
        PackagingError: the guests cannot be built.
    """
    from infrastructure.guests.build import deployed_guests, local_place
    from infrastructure.guests.errors import GuestBuildError

    code = target / (LOCAL_SANDBOX if local else "sandbox")
    shutil.rmtree(code, ignore_errors=True)
    if not local:
        shutil.copytree(_dependencies(target, "sandbox", local=False), code, copy_function=_linked, ignore=_NOT_PACKED)
    shutil.copytree(ROOT / "functions" / "sandbox", code / "functions" / "sandbox", ignore=_UNWANTED)
    shutil.copy2(ROOT / "functions" / "__init__.py", code / "functions")  # or an installed package would come first
    compile_all(code, seen_as=_FUNCTION, local=local)  # except what the guests run
    guests = code / "functions" / "sandbox" / "guests"
    try:
        if local:
            guests.write_text(str(local_place()))
        else:
            shutil.copytree(deployed_guests(), guests, copy_function=_linked)
    except GuestBuildError as error:
        raise PackagingError(str(error)) from None
    return code


def _linked(source: str, target: str) -> None:
    """Link a file instead of copying it, where that is possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _install(target: Path, requirements: Path, *, local: bool) -> None:
    command = [uv_binary(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--target", str(target), "--requirements", str(requirements)]
    command += ["--python", sys.executable] if local else [*DEPLOYED_PLATFORM]
    _run(command)
    # The emulator unpacks the layer for each worker, and a third of its files are time zones, which this machine has.
    has_zones = local and any(Path(path).is_dir() for path in TZPATH)
    for name in ("bin", "share", *(["tzdata"] if has_zones else [])):
        shutil.rmtree(target / name, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(f"the layer could not be built: {done.stderr.strip()[-800:]}")
