"""What all tests share: AWS's SDK is told of a region and of credentials that open nothing.

The functions read their settings when they are imported, so these are here too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.figures import FIGURES

# isort: split
import moto  # noqa: F401 - has to come before the first client is made, in whatever test that is

STATE_MACHINE_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:execution"

os.environ.update(
    {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_SERVICE_NAME": "test",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "MAINSPRING_IDENTITY_TABLE": "Identity",
        "MAINSPRING_AUTOMATION_TABLE": "Automation",
        "MAINSPRING_PAYLOAD_BUCKET": "payloads",
        "MAINSPRING_SIGNING_SECRET": "signing",
        "MAINSPRING_STATE_MACHINE_ARN": STATE_MACHINE_ARN,
        "MAINSPRING_API_URL": "https://api.example",
    }
)


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The stack is deployed once: all tests that need it run in one process, and the longest of them come first."""
    for item in items:
        where = item.path.relative_to(Path(__file__).parent).parts[0]
        item.add_marker(pytest.mark.xdist_group("stack" if where == "e2e" else "no stack"))
    items.sort(key=lambda item: "e2e" not in item.path.parts)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process hands its figures to the one that shows them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = dict(FIGURES)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the figures of a process."""
    FIGURES.update(getattr(node, "workeroutput", {}).get("figures", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was tried."""
    for what, count in sorted(FIGURES.items()):
        terminalreporter.write_line(f"{what}: {count:,}")
