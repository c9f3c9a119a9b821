"""`mainspring triggers` and `mainspring trigger …`: the health of triggers, and operations on one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from infrastructure.cli.help import CommandLine
from infrastructure.cli.options import ApiUrl, AsJson, Data, Token, WorkflowName, client_for, read_input
from infrastructure.cli.output import Complaint, console, follow_to_the_end, results, short_time, show_table

if TYPE_CHECKING:
    from infrastructure.cli.client import Client

trigger_app = CommandLine(help="Fire a trigger, see when it comes, set its secret.")

Trigger = Annotated[str, typer.Argument(metavar="TRIGGER", help="The id of one of its triggers.")]

_COLORS = {"healthy": "green", "failing": "red", "silent": "red", "no_secret": "red"}


def show_triggers(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List all triggers and their health. Exit code 1 when one is failing or silent."""
    client = client_for(data, api_url, token, start=False)
    found = list(client.pages("/api/triggers"))
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    elif not found:
        console.print("there are no triggers; a workflow's definition has them in `triggers`")
    else:
        show_table(
            ("workflow", "trigger", "type", "status", "fired", "refused", "last", "next", "why"), map(_row, found)
        )
    if any(one["is_active"] and one["status"] != "healthy" for one in found):
        raise typer.Exit(1)


def why_not_healthy(one: dict[str, Any]) -> str:
    """Why a trigger is not healthy, and what to do where that is known; empty where nothing is to be said."""
    if one["status"] == "no_secret":
        command = f"mainspring trigger secret {one['workflow_id']} {one['id']}"
        return f"its secret is not set, so it refuses every delivery: {command}"
    if one["status"] == "silent":
        return f"silent since {one['silent_since']}"
    message = str((one["last_failure"] or {}).get("message", ""))
    if one["status"] == "failing" and not message:
        return f"{one['consecutive_failures']} failed in a row, the last {one['last_outcome']['execution_id']}"
    return message


def _row(one: dict[str, Any]) -> Iterator[str]:
    why = why_not_healthy(one)
    status = one["status"] if one["is_active"] else "inactive"
    yield from (escape(one["workflow_name"]), escape(one["id"]), one["type"])
    yield f"[{_COLORS.get(status, 'dim')}]{status}[/]"
    yield from (str(one["fired"]), str(one["refused"]))
    yield from (short_time(one["last_fired_at"]), short_time(one["next_expected_at"]))
    yield escape(why or one["last_refusal"] or "")


@trigger_app.command()
def show(workflow: WorkflowName, trigger: Trigger, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Print a trigger as JSON, including the URL of a webhook."""
    client = client_for(data, api_url, token, start=False)
    _print(client.call("GET", _address(client, workflow, trigger)))


@trigger_app.command()
def fire(
    workflow: WorkflowName,
    trigger: Trigger,
    data: Data,
    payload: Annotated[
        str | None, typer.Option(metavar="JSON", help='Parts of `trigger` to use, such as {"body": …}, or @FILE.')
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="With what it really got last.")] = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Start an execution as the trigger would, and print its result. Exit code 0 when it succeeded, 1 when not."""
    body: dict[str, Any] = {"last": last}
    if payload is not None:
        body["payload"] = read_input(payload)
    client = client_for(data, api_url, token, start=False)
    execution = client.call("POST", f"{_address(client, workflow, trigger)}/test", json=body)
    console.print(f"execution {execution['id']}")
    follow_to_the_end(client, execution["id"])


@trigger_app.command()
def sample(workflow: WorkflowName, trigger: Trigger, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Print what a trigger passes to its executions: a sample, and the last real value."""
    client = client_for(data, api_url, token, start=False)
    _print(client.call("GET", f"{_address(client, workflow, trigger)}/sample"))


@trigger_app.command()
def secret(workflow: WorkflowName, trigger: Trigger, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Set the secret that callers of a webhook are checked against; it is asked for, or read from standard input."""
    client = client_for(data, api_url, token, start=False)
    address = _address(client, workflow, trigger)
    given = typer.prompt("secret", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    if not given:
        raise Complaint("no secret was given")
    client.call("PUT", f"{address}/secret", json={"secret": given})
    console.print("set")


@trigger_app.command()
def rotate(workflow: WorkflowName, trigger: Trigger, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Give a webhook a new URL, and print it. The old one is not valid any more."""
    client = client_for(data, api_url, token, start=False)
    print(client.call("POST", f"{_address(client, workflow, trigger)}/rotate")["url"])


@trigger_app.command()
def schedule(
    workflow: WorkflowName, data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None
) -> None:
    """Show the next ten times of a workflow's schedules."""
    client = client_for(data, api_url, token, start=False)
    found = client.call("GET", f"/api/workflows/{client.workflow_id(workflow)}/schedule")
    if as_json:
        _print(found)
        return
    if not found["is_active"]:
        console.print("[yellow]the workflow is not active; these times come when it is[/]")
    for one in found["items"]:
        results.print(f"[bold]{escape(one['trigger_id'])}[/] ({escape(one['timezone'])})")
        for time in one["times"]:
            print(time)


@trigger_app.command()
def backfill(
    workflow: WorkflowName,
    data: Data,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="With a zone: 2026-12-24T18:00:00Z.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Not in the future.")],
    trigger: Annotated[str | None, typer.Option(metavar="TRIGGER", help="One of its schedules; default: all.")] = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Start what a workflow's schedules have missed, in order of time. Doing it twice changes nothing."""
    for option, text in (("--from", begin), ("--to", end)):
        try:
            has_zone = datetime.fromisoformat(text).tzinfo is not None
        except ValueError:
            has_zone = False
        if not has_zone:
            raise Complaint(f"{option} {text}: give a time with a zone, such as 2026-12-24T18:00:00Z")
    client = client_for(data, api_url, token, start=False)
    body = {"from": begin, "to": end, **({"trigger_id": trigger} if trigger else {})}
    done = client.call("POST", f"/api/workflows/{client.workflow_id(workflow)}/backfill", json=body)
    for item in done["items"]:
        print(f"{item['scheduled_at']} {item['execution_id']}{'' if item['is_new'] else ' was there'}")
    console.print(f"{done['started']} started")


def _address(client: Client, workflow: str, trigger: str) -> str:
    return f"/api/workflows/{client.workflow_id(workflow)}/triggers/{trigger}"


def _print(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
