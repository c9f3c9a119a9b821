"""`mainspring`: the local stack, and running, checking and watching workflows from the command line.

What a program may want to read goes to standard output; progress and complaints go to standard error.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape

from infrastructure.local import LocalStack, LocalStackError, Running, default_data
from infrastructure.show import Complaint, console, follow_to_the_end

if TYPE_CHECKING:
    from infrastructure.client import Client

app = typer.Typer(
    help="Mainspring: business process automation in your own AWS account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        help="Where the local stack keeps everything.",
        default_factory=default_data,
        show_default="$MAINSPRING_DATA, or .mainspring here",
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=1, max=65_535, help="Where the emulator listens on 127.0.0.1.", show_default="as before, or 4566"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ApiUrl = Annotated[str | None, typer.Option("--api-url", help="A deployed stack's API, or MAINSPRING_API_URL.")]
Token = Annotated[str | None, typer.Option("--token", help="An access token for it, or MAINSPRING_TOKEN.")]
WorkflowFile = Annotated[Path, typer.Argument(metavar="FILE", help="A workflow as JSON.")]

Execution = Annotated[str, typer.Argument(metavar="EXECUTION", help="An execution's id.")]


class Decision(StrEnum):
    """What somebody says who is asked."""

    APPROVED = "approved"
    REJECTED = "rejected"


@app.command()
def up(
    data: Data,
    port: Port = None,
    detach: Annotated[bool, typer.Option("--detach", help="Leave it running in the background.")] = False,
) -> None:
    """Start the local stack: the real CDK app on an AWS emulator, with IAM enforced."""
    stack = LocalStack(data, _step)
    ran_before = stack.running() is not None
    running = stack.up(port)
    _introduce(stack, running)
    if detach or ran_before:
        console.print("`mainspring down` stops it.")
        return
    console.print("Ctrl-C stops it.")

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        while stack.running() is not None:
            time.sleep(1)
        raise Complaint(f"the emulator has ended; {stack.data / 'emulator.log'} may say why, `mainspring up` starts it")
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second one must not leave it half stopped
            signal.signal(number, signal.SIG_IGN)
        console.print("stopping …")
        stack.down()


@app.command()
def down(data: Data) -> None:
    """Stop the local stack; what it holds stays for the next `up`."""
    stack = LocalStack(data)
    if stack.running() is not None:
        console.print("stopping …")
    console.print("stopped" if stack.down() else f"nothing was running in {escape(str(stack.data))}")


@app.command()
def status(data: Data, as_json: AsJson = False) -> None:
    """Say whether the local stack runs, where, and how to sign in. Exit code 1 when it does not run."""
    stack = LocalStack(data)
    running = stack.running()
    facts: dict[str, Any] = {"running": running is not None, "data": str(stack.data)}
    if running is not None:
        email, password = stack.credentials()
        facts |= {"api_url": running.api_url, "port": running.port, "email": email, "password": password}
    if as_json:
        print(json.dumps(facts))
    elif running is not None:
        _introduce(stack, running)
    else:
        console.print(f"nothing runs in {escape(str(stack.data))}; `mainspring up` starts it")
    if running is None:
        raise typer.Exit(1)


@app.command()
def token(data: Data) -> None:
    """Print an access token for the local stack, good for 15 minutes, to use with curl."""
    from infrastructure.client import sign_in

    stack = LocalStack(data)
    running = stack.running()
    if running is None:
        raise Complaint("the local stack does not run; `mainspring up` starts it")
    print(sign_in(running.api_url, *stack.credentials()))


@app.command()
def validate(file: WorkflowFile) -> None:
    """Check a workflow file without running it. Exit code 1 when anything is wrong."""
    from engine.executor import NodeExecutorFactory
    from engine.validator import validate as check

    _name, _description, definition, _value = _read_workflow(file)
    _, problems = check(definition, NodeExecutorFactory())
    if problems:
        rows = [{"path": problem.path, "code": problem.code, "message": problem.message} for problem in problems]
        raise Complaint(f"{file} has {len(rows)} problem{'s' if len(rows) > 1 else ''}", rows)
    console.print(f"{file} is valid")


@app.command()
def run(
    file: WorkflowFile,
    data: Data,
    value: Annotated[str | None, typer.Option("--input", help="JSON, or @FILE; default: the file's `input`.")] = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Run a workflow file and print its result; starts the local stack when none runs.

    Exit code 0 when it succeeded, 1 when not.
    """
    name, description, definition, default = _read_workflow(file)
    given = default if value is None else _read_input(value)
    client = _client(data, api_url, token, start=True)
    workflow = client.ensure_workflow(name, description, definition)
    execution = client.start(workflow["id"], given)
    console.print(f"[bold]{escape(name)}[/] version {workflow['version']}, execution {execution['id']}")
    follow_to_the_end(client, execution["id"])


@app.command()
def retry(
    execution_id: Execution,
    data: Data,
    start: Annotated[
        str, typer.Option("--from", metavar="NODE", help="Where to go on: `failed`, or the id of a node.")
    ] = "failed",
    version: Annotated[str, typer.Option(help="Of the workflow: `same` as before, `current`, or a number.")] = "same",
    value: Annotated[str | None, typer.Option("--input", help="Another input: JSON, or @FILE.")] = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Go on from a point of an execution that has ended, with all that it found out before that point.

    It starts another execution, and prints that one's result. Exit code 0 when it succeeded, 1 when not.
    """
    if version not in ("same", "current") and not (version.isascii() and version.isdecimal()):
        raise Complaint(f"--version {version}: give `same`, `current` or a number")
    body: dict[str, Any] = {"from": start, "version": int(version) if version.isdecimal() else version}
    if value is not None:
        body["input"] = _read_input(value)
    client = _client(data, api_url, token, start=False)
    execution = client.post_once(f"/api/executions/{execution_id}/retry", body)
    console.print(f"execution {execution['id']} goes on from {escape(start)} of {execution_id}")
    follow_to_the_end(client, execution["id"])


@app.command()
def answer(
    execution_id: Execution,
    node: Annotated[
        str, typer.Argument(metavar="NODE", help="The node that waits; in a loop its path: `each[3].ask`.")
    ],
    decision: Annotated[Decision, typer.Argument(help="What you say.")],
    data: Data,
    comment: Annotated[str | None, typer.Option(help="Why.")] = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Answer an approval that an execution waits for."""
    client = _client(data, api_url, token, start=False)
    body = {"decision": decision, "comment": comment}
    client.call("POST", f"/api/executions/{execution_id}/signals/{quote(node, safe='')}", json=body)
    console.print(f"{escape(node)} is {decision}")


@app.command()
def cancel(execution_id: Execution, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Cancel an execution, whatever it does or waits for. Nothing of it starts after this."""
    _client(data, api_url, token, start=False).call("POST", f"/api/executions/{execution_id}/cancel")
    console.print("cancelled")


@app.command()
def logs(
    execution_id: Execution,
    data: Data,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it is finished.")] = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Print an execution's log."""
    from infrastructure.client import FINAL

    client = _client(data, api_url, token, start=False)
    after: str | None = None
    while True:
        finished = client.call("GET", f"/api/executions/{execution_id}")["status"] in FINAL
        for line in _log_lines(client, execution_id, after):
            after = line["cursor"]
            node = f" {line['node_id']}" if line["node_id"] else ""
            print(f"{line['timestamp']} {line['level']:7}{node} {line['message']}")
        if finished or not follow:
            return
        time.sleep(1)


def main() -> None:
    """The console script: every complaint is one sentence and an exit code, never a traceback."""
    from infrastructure.client import ApiError

    try:
        app()
    except (Complaint, ApiError) as complaint:
        console.print(f"[red]error:[/] {escape(str(complaint))}")
        for problem in complaint.problems if len(complaint.problems) > 1 or isinstance(complaint, Complaint) else ():
            console.print(
                f"  [bold]{escape(str(problem.get('path') or 'definition'))}[/]: {escape(problem['message'])}"
            )
        sys.exit(1)
    except LocalStackError as error:
        console.print(f"[red]error:[/] {escape(str(error))}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _client(data: Path, api_url: str | None, token: str | None, *, start: bool) -> Client:
    from infrastructure.client import Client, remote

    client = remote(api_url, token)
    if client is not None:
        return client
    stack = LocalStack(data, _step)
    if stack.running() is None and start:
        console.print("no local stack runs; starting one that stays (`mainspring down` stops it)")
        stack.up()
    return Client.local(stack)


def _log_lines(client: Client, execution_id: str, after: str | None) -> Iterator[dict[str, Any]]:
    while True:
        query = {"limit": 100, **({"after": after} if after else {})}
        page = client.call("GET", f"/api/executions/{execution_id}/logs", params=query)
        yield from page["items"]
        after = page["next_cursor"]
        if after is None:
            return


def _read_workflow(file: Path) -> tuple[str, str | None, Any, Any]:
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


def _read_input(value: str) -> Any:
    if value.startswith("@"):
        return _read_json(Path(value[1:]))
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise Complaint(f"--input is not JSON ({error}); quote it for your shell, or use @FILE") from None


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Complaint(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Complaint(f"{file} is not JSON: {error}") from None


def _introduce(stack: LocalStack, running: Running) -> None:
    email, password = stack.credentials()
    console.print(f"[bold green]Mainspring is running[/] (data in {escape(str(stack.data))})")
    console.print(f"  API       {running.api_url}")
    console.print(f"  e-mail    {email}")
    console.print(f"  password  {escape(password)}")


def _step(message: str) -> None:
    console.print(f"[dim]…[/] {escape(message)}")
