"""A new user's story in a real browser. Nobody else can sign in meanwhile: it has the stack alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox

from engine.ids import FIRST_WORKSPACE
from engine.storage.users import FIRST_USER
from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of
from tests.e2e.test_console import STORY, environment, play, pytestmark
from tests.servers import free_port

__all__ = ["environment", "pytestmark"]


@pytest.fixture(scope="session")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A mail server on loopback, and the Maildir in which it puts what it gets."""
    folder, port = tmp_path_factory.mktemp("mail") / "box", free_port()
    server = Controller(Mailbox(folder), hostname="127.0.0.1", port=port)
    server.start()
    yield {"CONSOLE_SMTP_PORT": str(port), "CONSOLE_MAILS": str(folder / "new")}
    server.stop()


def test_somebody_who_knows_only_the_goal_gets_there(
    stack: LocalStack, environment: dict[str, str], mail: dict[str, str], tmp_path: Path
):
    """From the first registration to a live webhook, an approval, a mail and a row, only in the browser."""
    told = {**environment, **mail, "CONSOLE_IS_NEW": "1", "CONSOLE_PICTURES": str(tmp_path)}
    forget_everybody(stack)
    done = play(STORY, stack, told)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed: " in done.stdout


def forget_everybody(stack: LocalStack) -> None:
    """Make the platform forget that anybody has registered; whoever is there stays as they are."""
    items = client_of(stack, "dynamodb")
    table = next(name for name in items.list_tables()["TableNames"] if "Identity" in name)
    for pk, sk in (FIRST_USER, (f"WORKSPACE#{FIRST_WORKSPACE}", "META")):
        items.delete_item(TableName=table, Key={"PK": {"S": pk}, "SK": {"S": sk}})
