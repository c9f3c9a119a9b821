"""The shell blocks of the documents, run on the local stack as somebody does who copies them into a terminal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infrastructure.local.stack import LocalStack
from tests.documents import DOCUMENTS, ROOT, Block, blocks
from tests.e2e.command_line import MAINSPRING, without_settings

NOT_RUN = {
    "pip install uv && uv run mainspring run": "it installs; the same workflow is run in the tutorial's block",
    "pip install uv && uv run pytest": "it is this very run",
    "uv run pytest -m quick": "tests, linters and benchmarks, of which CI runs what is needed",
    "uv run npx aws-cdk": "it deploys to a real account of AWS",
    "uv run mainspring up  ": "it starts and stops stacks; tests/e2e/test_restart.py does so",
    "aws sqs send-message": "it needs the command line of AWS; tests/e2e/test_events.py sends such a message",
}
"""How blocks begin that are not run here, and why."""


def _begins(block: Block) -> list[str]:
    return [begin for begin in NOT_RUN if block.text.startswith(begin)]


def runnable(document: Path) -> str:
    """All shell blocks of a document in their order, one program, since later ones use what earlier ones have set."""
    return "\n".join(one.text for one in blocks(document) if one.language == "bash" and not _begins(one))


def test_excluded_shell_blocks_exist_in_a_document():
    begun = [begin for document in DOCUMENTS for one in blocks(document) for begin in _begins(one)]

    assert set(begun) == set(NOT_RUN)


@pytest.fixture(scope="module")
def path_of_programs(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A `PATH` on which `uv run mainspring` is the program of this environment, on the tests' stack."""
    folder = tmp_path_factory.mktemp("programs")
    uv = folder / "uv"
    uv.write_text(
        f'#!/bin/sh\n[ "$1 $2" = "run mainspring" ] || {{ echo "uv $*: not here" >&2; exit 64; }}\nshift 2\n'
        f'export MAINSPRING_DATA="{stack.data}"\nexec "{MAINSPRING}" "$@"\n'
    )
    uv.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    "document",
    [one for one in DOCUMENTS if runnable(one).strip()],
    ids=lambda path: path.relative_to(ROOT).parent.name or "root",
)
def test_shell_blocks_of_a_document_succeed(document: Path, path_of_programs: str):
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", runnable(document)],  # noqa: S607 - our own documents
        cwd=ROOT,
        env={**without_settings(), "PATH": path_of_programs},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3_000:] + done.stdout[-2_000:]
