"""What all tests share: AWS's SDK is told of a region and of credentials that open nothing.

The functions read their settings when they are imported, so these are here too.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import lean_moto  # moto has to come before the first client is made, in whatever test that is
from tests.figures import FIGURES

lean_moto.install()

STATE_MACHINE_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:execution"

os.environ.update(
    {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_SERVICE_NAME": "test",
        "MAINSPRING_IDENTITY_TABLE": "Identity",
        "MAINSPRING_AUTOMATION_TABLE": "Automation",
        "MAINSPRING_PAYLOAD_BUCKET": "payloads",
        "MAINSPRING_SIGNING_SECRET": "signing",
        "MAINSPRING_STATE_MACHINE_ARN": STATE_MACHINE_ARN,
        "MAINSPRING_API_URL": "https://api.example",
        "MAINSPRING_KEY_ID": "alias/platform",
        "MAINSPRING_EVENT_BUS": "events",
        "MAINSPRING_SCHEDULE_GROUP": "schedules",
        "MAINSPRING_SCHEDULER_ROLE_ARN": "arn:aws:iam::123456789012:role/scheduler",
        "MAINSPRING_RULE_PREFIX": "ms-",
        "MAINSPRING_DEAD_LETTERS_ARN": "arn:aws:sqs:us-east-1:123456789012:dead-letters",
        "MAINSPRING_DISPATCH_FUNCTION_ARN": "arn:aws:lambda:us-east-1:123456789012:function:dispatch",
    }
)


_TESTS = Path(__file__).parent
_ALONE = ("restart", "chaos", "story", "grants")  # the last leaves much behind, which each start would look at
"""The tests of the local stack that take grants away, forget its users or stop it: they have it alone, at the
beginning, while the other processes do what needs no stack. The others share it then.
"""
_LONG = ("console", "triggers", "durable", "examples", "commands", "documents")
"""The tests of the local stack that take minutes: they begin first, so that no process has them left at the end."""
_LAST = ("z_fuzz",)
"""Those that leave behind what other tests would stumble over."""


def group_of(nodeid: str) -> str:
    """What one process does in turn: a file of tests, or a spec of the console.

    Those of the template share what is synthesized; those that need the stack alone have it from the first to the last.
    """
    file = nodeid.partition("::")[0]
    if file.startswith("tests/infrastructure/"):
        return "tests/infrastructure"
    if file.startswith("tests/e2e/") and _module_of(nodeid) in _ALONE:
        return "alone"
    return nodeid if file == "tests/e2e/test_console.py" else file


def _module_of(nodeid: str) -> str:
    """Of a test of the local stack, as `_ALONE` has it."""
    return nodeid.partition("::")[0].removeprefix("tests/e2e/test_").removesuffix(".py")


class _ByStack(LoadScopeScheduling):
    """See `group_of`."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_collection_finish() -> None:
    """What is imported by now stays: the garbage collector need not look through it again and again."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByStack:
    """See above."""
    return _ByStack(config, log)


_SLOW = frozenset(
    {
        "approval_answers",
        "approval_mails",
        "attempt_deadlines",
        "command_help",
        "concurrency_queue",
        "conversations",
        "data_nodes",
        "databases",  # starts a PostgreSQL and a MariaDB
        "dispatch",
        "driver_memory",
        "engine_faults",
        "error_codes",
        "expression_bounds",
        "fairness",
        "finalization_failures",
        "html_xml",
        "incidents",
        "isolation",
        "javascript",
        "late_drivers",
        "logs",
        "matching",
        "outgoing",
        "query_parameters",
        "record_payloads",
        "reference",
        "retention",
        "route_permissions",
        "sandbox",
        "spreadsheets",
        "ssrf",
        "torn_reads_and_outages",
        "trials",
        "unread_answers",
        "webhook_deliveries",
        "workspace_isolation",
        "workspaces",
        "world",
        "zip",
    }
)
"""Files of `tests/unit` that are no part of `pytest -m quick`: simulations, real servers, many processes."""


def is_quick(nodeid: str) -> bool:
    """Whether a test belongs to those for between two edits: two minutes for all of them."""
    file = nodeid.partition("::")[0]
    return file.startswith("tests/unit/test_") and file.removeprefix("tests/unit/test_")[:-3] not in _SLOW


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Who asks for the quick ones does not wait until the others are imported, with CDK and the emulator."""
    is_other = collection_path.parent == _TESTS and collection_path.is_dir() and collection_path.name != "unit"
    return True if config.option.markexpr == "quick" and is_other else None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: what was compressed or encrypted differs from process to process, and so would the name."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what needs the stack alone, then what needs none, then what shares it; see `_ALONE`."""

    def position(item: pytest.Item) -> tuple[int, int]:
        module = _module_of(item.nodeid)
        if not item.nodeid.startswith("tests/e2e/"):
            return 1, 0
        if module in _ALONE:
            return 0, _ALONE.index(module)
        if module in _LAST:
            return 3, 0
        return 2, _LONG.index(module) if module in _LONG else len(_LONG)

    items.sort(key=position)
    for item in items:
        if is_quick(item.nodeid):
            item.add_marker("quick")


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
