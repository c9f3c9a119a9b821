"""The console in a real browser, against the deployed stack: each spec of `functions/console/web/e2e`."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from infrastructure.local.stack import LocalStack
from infrastructure.stack.console_build import CONSOLE, node_folder

WEB = CONSOLE / "web"
STORY = WEB / "e2e" / "story.spec.mjs"
SPECS = sorted(path for path in (WEB / "e2e").glob("*.spec.mjs") if path != STORY)
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in BROWSERS if (found := shutil.which(name))), None)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium on PATH; `.ci/run` installs Debian's"
)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For Node: the one that builds the console, and what the lock file has for tests."""
    assert CHROMIUM is not None
    node = node_folder()
    found = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}", "CONSOLE_CHROMIUM": CHROMIUM}
    with Path(tmp_path_factory.getbasetemp().parent, "npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (WEB / "node_modules" / "playwright-core").is_dir():
            subprocess.run([str(node / "npm"), "ci", "--no-audit", "--no-fund"], cwd=WEB, env=found, check=True)
    return found


def play(spec: Path, stack: LocalStack, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A spec against the stack, by its administrator."""
    running = stack.running()
    assert running is not None
    email, password = stack.credentials()
    told = {"CONSOLE_URL": running.console_url, "CONSOLE_EMAIL": email, "CONSOLE_PASSWORD": password}
    command = ["node", str(spec)]
    return subprocess.run(command, cwd=WEB, env={**environment, **told}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.name.removesuffix(".spec.mjs"))
def test_people_can(spec: Path, stack: LocalStack, environment: dict[str, str], tmp_path: Path):
    done = play(spec, stack, {**environment, "CONSOLE_PICTURES": str(tmp_path)})

    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed: " in done.stdout
