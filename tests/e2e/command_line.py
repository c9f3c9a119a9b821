"""The command line as a shell runs it: a process of its own, with an environment, an exit code and two outputs.

Most of a short command is its imports, so the process is forked from one that has them already. What a shell starts
is tried by the documents' blocks (`test_documents`), which run the program itself.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

from infrastructure.local.stack import LocalStack

MAINSPRING = Path(sys.executable).parent / "mainspring"
_LONGEST = 120.0
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_processes = multiprocessing.get_context("forkserver")
_IMPORTED = (
    "infrastructure.cli.main",
    "infrastructure.cli.client",
    "typer.rich_utils",
    "rich.markdown",
    "pydantic.types",
)
"""Of the modules that nearly each command takes, those that take the others with them."""
_processes.set_forkserver_preload(list(_IMPORTED))


def mainspring(
    stack: LocalStack, *arguments: str, workspace: str | None = None, key: str | None = None
) -> CompletedProcess[str]:
    """A command on the tests' stack, in a workspace and with a key where they are given."""
    given = {"MAINSPRING_WORKSPACE": workspace, "MAINSPRING_KEY": key}
    environment = {name: value for name, value in given.items() if value}
    return command_line(*arguments, "--data", str(stack.data), environment=environment)


def command_line(*arguments: str, environment: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    """A command, without the settings that the tests make for functions."""
    given = without_settings() | dict(environment or {})
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder, "output"), Path(folder, "errors")
        process = _processes.Process(target=_run, args=(arguments, given, str(Path.cwd()), *map(str, outputs)))
        process.start()
        process.join(_LONGEST)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(arguments)
        output, errors = (file.read_text() if file.exists() else "" for file in outputs)
    return CompletedProcess(arguments, process.exitcode, output, errors)


def without_settings() -> dict[str, str]:
    """The environment, but for what the tests set for functions."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAINSPRING_", "AWS_"))}


def _run(arguments: tuple[str, ...], environment: dict[str, str], folder: str, output: str, errors: str) -> None:
    """In the process: what a shell would have set up, then the console script."""
    for descriptor, path, mode in ((0, os.devnull, os.O_RDONLY), (1, output, _WRITE), (2, errors, _WRITE)):
        opened = os.open(path, mode, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [str(MAINSPRING), *arguments]

    from infrastructure.cli.main import main

    main()
