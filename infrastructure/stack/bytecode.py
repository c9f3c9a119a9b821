"""Compiles the deployed code: a function cannot write byte code beside its code, so each start would compile it again.

Byte code is valid for one version of Python only, that of the deployed functions. It is marked as not to be checked
against its source: packages are unpacked with other modification times than they were built with.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

DEPLOYED_VERSION = "3.13"
NO_INTERPRETER = (
    f"There is no Python {DEPLOYED_VERSION} here and uv cannot fetch one, so functions are deployed without byte code: "
    f"they work, but take much longer to start. `uv python install {DEPLOYED_VERSION}` mends it."
)
_SAYS_ITS_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


def compile_all(folder: Path, *, seen_as: str, local: bool) -> bool:
    """Put byte code beside all modules in a folder; return False if there is no interpreter of the deployed version.

    Args:
        folder: the folder to compile.
        seen_as: the folder's path at run time, which appears in tracebacks.
        local: whether this interpreter runs the code, not Lambda's.
    """
    interpreter = (sys.executable,) if local else deployed_interpreter()
    if interpreter is None:
        return False
    for stale in folder.rglob("__pycache__"):
        shutil.rmtree(stale)
    command = [*interpreter, "-m", "compileall", "-q", "-q", "--invalidation-mode", "unchecked-hash"]
    # It fails for modules that packages ship for other versions of Python; these are not compiled.
    subprocess.run([*command, "-s", str(folder), "-p", seen_as, str(folder)], check=False, env=_environment())
    return True


@cache
def deployed_interpreter() -> tuple[str, ...] | None:
    """Return the command of an interpreter of the deployed version, None if there is none."""
    for command in _candidates():
        asked = [*command, "-c", _SAYS_ITS_VERSION]
        try:
            told = subprocess.run(asked, capture_output=True, text=True, check=False, env=_environment())
        except OSError:
            continue
        if told.returncode == 0 and told.stdout.strip() == DEPLOYED_VERSION:
            return command
    return None


def _candidates() -> Iterator[tuple[str, ...]]:
    """Yield this interpreter, an installed one, and one that uv has or downloads."""
    from infrastructure.stack.uv_command import uv_binary

    yield (sys.executable,)
    yield (f"python{DEPLOYED_VERSION}",)
    of_pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for found in sorted(of_pyenv.glob(f"{DEPLOYED_VERSION}.*/bin/python{DEPLOYED_VERSION}"), reverse=True):
        yield (str(found),)
    yield (uv_binary(), "run", "--quiet", "--no-project", "--python", DEPLOYED_VERSION, "python")


def _environment() -> dict[str, str]:
    """Return the environment without variables that would change the result or prevent writing it."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONOPTIMIZE", "PYTHONPYCACHEPREFIX")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return kept | {"PYTHONHASHSEED": "0"}
