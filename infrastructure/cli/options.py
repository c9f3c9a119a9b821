"""Shared by the commands: common options, files, and the way to the API."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from infrastructure.cli.output import Complaint, console
from infrastructure.local.stack import LocalStack, default_data

if TYPE_CHECKING:
    from infrastructure.cli.client import Client

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="Where the local stack keeps everything.",
        default_factory=default_data,
        show_default="$MAINSPRING_DATA, or .mainspring here",
    ),
]
WorkflowFile = Annotated[Path, typer.Argument(metavar="FILE", help="A workflow as JSON.")]
WorkflowName = Annotated[str, typer.Argument(metavar="WORKFLOW", help="A workflow's id, or its name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ApiUrl = Annotated[
    str | None, typer.Option("--api-url", metavar="URL", help="A deployed stack's API, or MAINSPRING_API_URL.")
]
Token = Annotated[
    str | None,
    typer.Option("--token", metavar="TOKEN", help="An access token or API key for it; better MAINSPRING_KEY."),
]

Role = Annotated[
    str, typer.Option("--role", metavar="ROLE", help="`owner`, `editor`, `operator`, `viewer`, or one of your own.")
]

Resources = Annotated[
    list[str] | None,
    typer.Option(
        "--resource",
        metavar="[WORKSPACE=]ARN",
        help="A resource of AWS that the nodes of a workspace may use, by default your own; may be given often.",
    ),
]
Extensions = Annotated[
    list[Path] | None,
    typer.Option("--extension", metavar="FOLDER", help="A Python package with node or integration types; likewise."),
]


def stack_choices(resources: list[str] | None, extensions: list[Path] | None) -> dict[str, list[str]]:
    """Return the choices for the stack, checked; those that were not given are left out.

    Raises:
        Complaint: an ARN or a folder is invalid.
    """
    from infrastructure.stack.named_resources import ResourceError, by_workspace

    choices: dict[str, list[str]] = {}
    if resources is not None:
        choices["resources"] = [arn for arn in resources if arn]
    if extensions is not None:
        choices["extensions"] = [str(folder.resolve()) for folder in extensions if str(folder) not in ("", ".")]
    try:
        by_workspace(choices.get("resources", ()))
    except ResourceError as error:
        raise Complaint(str(error)) from None
    for folder in choices.get("extensions", ()):
        if not (Path(folder) / "pyproject.toml").is_file():
            raise Complaint(f"{folder} is no Python package: it has no pyproject.toml")
    return choices


def client_for(data: Path, api_url: str | None, token: str | None, *, start: bool) -> Client:
    """A signed-in caller of a deployed stack, or of the local one, which is started if it may be.

    Raises:
        LocalStackError: none runs.
        ApiError: it does not let us in.
    """
    from infrastructure.cli.client import Client, remote

    client = remote(api_url, token)
    if client is not None:
        return client
    stack = LocalStack(data, say_step)
    if stack.running() is None and start:
        console.print(f"no local stack runs; starting one that stays (`{stop_command(data)}` stops it)")
        stack.up()
    return Client.local(stack)


def client_if_there(data: Path, api_url: str | None, token: str | None) -> Client | None:
    """A signed-in caller of a deployed stack, or of the local one if it runs; None where there is none.

    Raises:
        ApiError: it does not let us in.
    """
    from infrastructure.cli.client import Client, remote

    client = remote(api_url, token)
    if client is not None:
        return client
    stack = LocalStack(data)
    return Client.local(stack) if stack.running() is not None else None


def stop_command(data: Path) -> str:
    """The command that stops the local stack of a data directory."""
    option = "" if data.resolve() == default_data().resolve() else f" --data {shlex.quote(str(data))}"
    return f"mainspring down{option}"


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is lost.

    Raises:
        Complaint: no terminal is there for asking.
        Abort: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Complaint("nobody is there to confirm it; give --yes")
    typer.confirm(question, abort=True, err=True)


def say_step(message: str) -> None:
    """Show what the local stack is doing."""
    console.print(f"[dim]…[/] {escape(message)}")


def read_workflow(file: Path) -> tuple[str, str | None, Any, Any]:
    """Name, description, definition and default input of a workflow file, which may be a bare definition.

    Raises:
        Complaint: it cannot be read, or is not JSON.
    """
    content = _read_json(file)
    if not isinstance(content, dict):
        raise Complaint(f"{file} does not hold a JSON object")
    if "definition" not in content:
        return file.stem, None, content, None
    unknown = content.keys() - {"name", "description", "definition", "input"}
    if unknown:
        raise Complaint(
            f"{file} has the unknown field `{min(unknown)}`; it may have name, description, definition, input"
        )
    return content.get("name") or file.stem, content.get("description"), content["definition"], content.get("input")


def read_input(value: str) -> Any:
    """JSON that was given as an option, or in a file that was.

    Raises:
        Complaint: it is not JSON.
    """
    if value.startswith("@"):
        return _read_json(Path(value[1:]))
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise Complaint(f"the input is not JSON ({error}); quote it for your shell, or use @FILE") from None


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Complaint(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Complaint(f"{file} is not JSON: {error}") from None
