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

from infrastructure.cli_options import (
    ApiUrl,
    AsJson,
    Data,
    Extensions,
    Resources,
    Token,
    client_for,
    read_input,
    read_workflow,
    say_step,
    stack_choices,
)
from infrastructure.cli_tests import run_cases
from infrastructure.cli_triggers import show_triggers, trigger_app
from infrastructure.local import LocalStack, LocalStackError, Running
from infrastructure.show import Complaint, console, follow_to_the_end

if TYPE_CHECKING:
    from infrastructure.client import Client

app = typer.Typer(
    help="Mainspring: business process automation in your own AWS account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=1, max=65_535, help="Where the emulator listens on 127.0.0.1.", show_default="as before, or 4566"
    ),
]
WorkflowFile = Annotated[Path, typer.Argument(metavar="FILE", help="A workflow as JSON.")]

app.add_typer(trigger_app, name="trigger")
app.command("triggers")(show_triggers)
app.command("test")(run_cases)

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
    resource: Resources = None,
    extension: Extensions = None,
) -> None:
    """Start the local stack: the real CDK app on an AWS emulator, with IAM enforced.

    `--resource` and `--extension` are remembered; give one as '' to forget all of them.
    """
    stack = LocalStack(data, say_step)
    ran_before = stack.running() is not None
    running = stack.up(port, stack_choices(resource, extension))
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

    _name, _description, definition, _value = read_workflow(file)
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
    name, description, definition, default = read_workflow(file)
    given = default if value is None else read_input(value)
    client = client_for(data, api_url, token, start=True)
    workflow = client.ensure_workflow(name, description, definition)
    execution = client.start(workflow["id"], given)
    console.print(f"[bold]{escape(name)}[/] version {workflow['version']}, execution {execution['id']}")
    follow_to_the_end(client, execution["id"])


@app.command()
def activate(file: WorkflowFile, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Have a workflow file's triggers start it from now on; starts the local stack when none runs."""
    name, description, definition, _value = read_workflow(file)
    client = client_for(data, api_url, token, start=True)
    workflow = client.ensure_workflow(name, description, definition)
    client.call("POST", f"/api/workflows/{workflow['id']}/activate")
    console.print(f"[bold]{escape(name)}[/] version {workflow['version']} is active: workflow {workflow['id']}")
    for trigger in definition.get("triggers", []):
        found = client.call("GET", f"/api/workflows/{workflow['id']}/triggers/{trigger['id']}")
        following = found["url"] or (f"next {found['next_expected_at']}" if found["next_expected_at"] else "")
        console.print(f"  {escape(found['id'])} ({found['type']}) {escape(following)}")


@app.command()
def deactivate(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="A workflow's id, or its name.")],
    data: Data,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Have a workflow's triggers start it no more. What is under way goes on."""
    client = client_for(data, api_url, token, start=False)
    client.call("POST", f"/api/workflows/{client.workflow_id(workflow)}/deactivate")
    console.print("deactivated")


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
        body["input"] = read_input(value)
    client = client_for(data, api_url, token, start=False)
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
    client = client_for(data, api_url, token, start=False)
    body = {"decision": decision, "comment": comment}
    client.call("POST", f"/api/executions/{execution_id}/signals/{quote(node, safe='')}", json=body)
    console.print(f"{escape(node)} is {decision}")


@app.command()
def cancel(execution_id: Execution, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Cancel an execution, whatever it does or waits for. Nothing of it starts after this."""
    client_for(data, api_url, token, start=False).call("POST", f"/api/executions/{execution_id}/cancel")
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

    client = client_for(data, api_url, token, start=False)
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


def _log_lines(client: Client, execution_id: str, after: str | None) -> Iterator[dict[str, Any]]:
    while True:
        query = {"limit": 100, **({"after": after} if after else {})}
        page = client.call("GET", f"/api/executions/{execution_id}/logs", params=query)
        yield from page["items"]
        after = page["next_cursor"]
        if after is None:
            return


def _introduce(stack: LocalStack, running: Running) -> None:
    email, password = stack.credentials()
    console.print(f"[bold green]Mainspring is running[/] (data in {escape(str(stack.data))})")
    console.print(f"  API       {running.api_url}")
    console.print(f"  e-mail    {email}")
    console.print(f"  password  {escape(password)}")
