"""`mainspring`: the command line. Commands of the local stack are here, all others in one file per group.

Output for programs goes to standard output; progress and errors go to standard error.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape

from infrastructure.cli.executions import answer, approvals, cancel, executions, logs, retry
from infrastructure.cli.help import CommandLine
from infrastructure.cli.keys import key_app, keys, service_account_app, service_accounts
from infrastructure.cli.login import login, logout, password
from infrastructure.cli.members import invitations, member_app, members, workspace_app, workspaces
from infrastructure.cli.options import (
    ApiUrl,
    AsJson,
    Data,
    Extensions,
    Resources,
    Token,
    say_step,
    stack_choices,
    stop_command,
)
from infrastructure.cli.organize import labels, move
from infrastructure.cli.output import Complaint, console, results
from infrastructure.cli.reference import reference
from infrastructure.cli.tests import run_cases
from infrastructure.cli.triggers import show_triggers, trigger_app
from infrastructure.cli.versions import diff, publish, restore, rollback, versions
from infrastructure.cli.workflows import activate, deactivate, delete, export, run, validate, workflows
from infrastructure.cli.workspace import event, integration_app, integrations, user_app, users
from infrastructure.local.stack import LocalStack, LocalStackError, Running

app = CommandLine(
    help="Mainspring: business process automation in your own AWS account.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)

Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="NUMBER",
        min=1,
        max=65_535,
        help="Where the emulator listens on 127.0.0.1.",
        show_default="as before, or 4566",
    ),
]


def _register(panel: str, *commands: Callable[..., None]) -> None:
    for command in commands:
        app.command(rich_help_panel=panel)(command)


_register("Workflows", validate, run, activate, deactivate, workflows, labels, move, export, delete)
_register("Versions", versions, diff, publish, rollback, restore)
app.command("test", rich_help_panel="Workflows")(run_cases)
_register("Executions", executions, logs, retry, cancel, approvals, answer)
app.command("triggers", rich_help_panel="Triggers and events")(show_triggers)
app.add_typer(trigger_app, name="trigger", rich_help_panel="Triggers and events")
_register("Triggers and events", event)
_register("Workspace", integrations, workspaces, members, invitations, keys, service_accounts, users)
_register("Sign-in", login, logout, password)
_register("Help", reference)
app.add_typer(integration_app, name="integration", rich_help_panel="Workspace")
app.add_typer(workspace_app, name="workspace", rich_help_panel="Workspace")
app.add_typer(member_app, name="member", rich_help_panel="Workspace")
app.add_typer(key_app, name="key", rich_help_panel="Workspace")
app.add_typer(service_account_app, name="service-account", rich_help_panel="Workspace")
app.add_typer(user_app, name="user", rich_help_panel="Workspace")


@app.callback()
def version_option(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Mainspring: business process automation in your own AWS account."""
    if version:
        from importlib.metadata import version as installed

        print(installed("mainspring"))
        raise typer.Exit


@app.command(rich_help_panel="Local stack")
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
    _print_sign_in(stack, running)
    if detach or ran_before:
        console.print(f"`{stop_command(data)}` stops it.")
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
        for number in (signal.SIGINT, signal.SIGTERM):  # a second signal must not leave it half stopped
            signal.signal(number, signal.SIG_IGN)
        console.print("stopping …")
        stack.down()


@app.command(rich_help_panel="Local stack")
def down(data: Data) -> None:
    """Stop the local stack; what it holds stays for the next `up`."""
    stack = LocalStack(data)
    if stack.running() is not None:
        console.print("stopping …")
    console.print("stopped" if stack.down() else f"nothing was running in {escape(str(stack.data))}")


@app.command(rich_help_panel="Local stack")
def status(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """Say whether the local stack runs, where, and how to sign in. Exit code 1 when it does not run.

    With `--api-url` and `--token`, say who is signed in to that deployed stack.
    """
    from infrastructure.cli.client import remote

    client = remote(api_url, token)
    if client is not None:
        me = client.call("GET", "/api/auth/me")
        who = me["email"] or me["full_name"]
        shown = {"running": True, "api_url": client.api_url, "email": me["email"], "role": me["role"]}
        if as_json:
            print(json.dumps(shown))
        else:
            results.print(f"{escape(client.api_url)} answers; signed in as {escape(who)} ({me['role']})")
        return
    stack = LocalStack(data)
    running = stack.running()
    shown = {"running": running is not None, "data": str(stack.data)}
    if running is not None:
        email, password = stack.credentials()
        shown |= {"console_url": running.console_url, "api_url": running.api_url, "port": running.port}
        shown |= {"email": email, "password": password}
    if as_json:
        print(json.dumps(shown))
    elif running is not None:
        _print_sign_in(stack, running)
    else:
        console.print(f"nothing runs in {escape(str(stack.data))}; `mainspring up` starts it")
    if running is None:
        raise typer.Exit(1)


@app.command(rich_help_panel="Local stack")
def token(data: Data) -> None:
    """Print an access token for the local stack, good for 15 minutes, to use with curl."""
    from infrastructure.cli.client import sign_in

    if os.environ.get("MAINSPRING_API_URL"):
        raise Complaint("MAINSPRING_API_URL names a deployed stack; `token` is for the local one, so unset it first")

    stack = LocalStack(data)
    running = stack.running()
    if running is None:
        raise Complaint("the local stack does not run; `mainspring up` starts it")
    print(sign_in(running.api_url, *stack.credentials()))


def main() -> None:
    """The console script: every error is one sentence and an exit code, never a traceback."""
    from infrastructure.cli.api_answers import ApiError

    try:
        app()
    except (Complaint, ApiError) as complaint:
        console.print(f"[red]error:[/] {escape(str(complaint))}")
        for problem in complaint.problems if len(complaint.problems) > 1 or isinstance(complaint, Complaint) else ():
            node = f" (node `{problem['node']}`)" if problem.get("node") else ""
            where = f"[bold]{escape(str(problem.get('path') or 'definition'))}[/]{escape(node)}"
            console.print(f"  {where}: {escape(problem['message'])}")
        sys.exit(1)
    except LocalStackError as error:
        console.print(f"[red]error:[/] {escape(str(error))}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _print_sign_in(stack: LocalStack, running: Running) -> None:
    email, password = stack.credentials()
    results.print(f"[bold green]Mainspring is running[/] (data in {escape(str(stack.data))})")
    results.print(f"  console   {running.console_url}")
    results.print(f"  API       {running.api_url}")
    results.print(f"  e-mail    {email}")
    results.print(f"  password  {escape(password)}")
