"""What `--help` says of each command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from infrastructure.cli.main import app


def all_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command and group, the program's own being none."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from all_commands(inner, (*path, name))


ALL = list(all_commands(typer.main.get_command(app)))


def test_all_commands_are_looked_at():
    assert {(), ("run",), ("trigger",), ("trigger", "fire"), ("user", "add")} <= set(ALL)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_says_nothing_of_python(words: tuple[str, ...]):
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "300", "NO_COLOR": "1"})
    assert shown.exit_code == 0, shown.output
    assert not re.findall(r"<\w*(?:bool|str|int|path|float|list)\b[^>]*>", shown.output, re.IGNORECASE)
    usage = next(line for line in shown.output.splitlines() if "Usage:" in line)
    assert not set("{}<>") & set(usage)
    rows = re.findall(r"^│ (?:\*)? *(--[\w-]+|[A-Z][A-Z._]+) (.*)│$", shown.output, re.MULTILINE)
    assert rows, "each command has options"
    for name, rest in rows:
        assert re.search(r"[a-z]{2,}", rest), f"{name} says nothing of itself"


def test_a_flag_takes_no_value_and_an_option_names_what_it_takes():
    shown = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "300", "NO_COLOR": "1"}).output
    assert re.search(r"--publish +Have triggers", shown)
    assert re.search(r"--input +JSON +Or @FILE", shown)
    assert re.search(r"Usage: \S+ run \[OPTIONS\] FILE +$", shown, re.MULTILINE)


@pytest.mark.parametrize(("begun", "offered"), [("exec", "executions"), ("deac", "deactivate"), ("trigger f", "fire")])
def test_shells_complete_commands(begun: str, offered: str):
    asked = {"_MAINSPRING_COMPLETE": "complete_bash", "COMP_WORDS": f"mainspring {begun}"}
    asked["COMP_CWORD"] = str(len(begun.split()))
    done = CliRunner().invoke(app, [], env=asked, prog_name="mainspring")
    assert offered in done.stdout.split()
    assert "--install-completion" in CliRunner().invoke(app, ["--help"]).stdout
