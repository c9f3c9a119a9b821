"""`mainspring executions`, `logs`, `retry`, `answer`, `cancel`, `approvals`: running and waiting executions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape

from engine.history.model import Status
from infrastructure.cli.options import ApiUrl, AsJson, Data, Token, client_for, read_input
from infrastructure.cli.output import Complaint, console, follow_to_the_end, short_time, show_list
from infrastructure.local.stack import LocalStack

if TYPE_CHECKING:
    from infrastructure.cli.client import Client

Execution = Annotated[str, typer.Argument(metavar="EXECUTION", help="An execution's id.", show_default=False)]


class Decision(StrEnum):
    """The answer to an approval."""

    APPROVED = "approved"
    REJECTED = "rejected"


def executions(
    data: Data,
    workflow: Annotated[str | None, typer.Option(metavar="WORKFLOW", help="Only those of one, by id or name.")] = None,
    status: Annotated[
        Status | None, typer.Option(metavar="STATUS", help=f"Only those that have it: {', '.join(Status)}.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="NUMBER", min=1, max=1_000, help="At most so many, the newest.")] = 20,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """List executions, the newest first."""
    client = client_for(data, api_url, token, start=False)
    query: dict[str, Any] = {"limit": min(limit, 100)}
    if workflow is not None:
        query["workflow_id"] = client.workflow_id(workflow)
    if status is not None:
        query["status"] = status
    names = {one["id"]: one["name"] for one in client.pages("/api/workflows", limit=100)}
    found = (one for one, _ in zip(client.pages("/api/executions", **query), range(limit), strict=False))
    columns = ("id", "workflow", "status", "started by", "created", "completed", "error")
    show_list(found, columns, lambda one: _row(one, names), as_json=as_json, empty="no such executions")


def _row(one: dict[str, Any], names: dict[str, str]) -> Iterator[str]:
    yield from (one["id"], names.get(one["workflow_id"], one["workflow_id"]), one["status"], one["trigger_type"])
    yield from (short_time(one["created_at"]), short_time(one["completed_at"]), _why(one["error"]))


def _why(error: dict[str, Any] | None) -> str:
    if error is None:
        return ""
    where = f"{error['node']}: " if error["node"] else ""
    return where + " ".join(error["message"].split())


def approvals(
    data: Data,
    mine: Annotated[bool, typer.Option("--mine", help="Only those that you may answer.")] = False,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """List the approvals that executions wait for."""
    client = client_for(data, api_url, token, start=False)
    columns = ("execution", "node", "message", "approved", "deadline")
    found = client.pages("/api/approvals", mine="true" if mine else "false", limit=100)
    show_list(found, columns, _approval_row, as_json=as_json, empty="nobody is asked for an approval")


def _approval_row(one: dict[str, Any]) -> Iterator[str]:
    yield from (one["execution_id"], one["node"], one["message"])
    yield f"{len(one['answers'])} of {one['needs']}" if one["needs"] > 1 else ""
    yield short_time(one["deadline"])


def answer(  # noqa: PLR0917 - options
    execution_id: Execution,
    node: Annotated[
        str, typer.Argument(metavar="NODE", help="The node that waits; in a loop its path: `each[3].ask`.")
    ],
    decision: Annotated[Decision, typer.Argument(metavar="DECISION", help=f"What you say: {' or '.join(Decision)}.")],
    data: Data,
    comment: Annotated[str | None, typer.Option(metavar="TEXT", help="Why.")] = None,
    values: Annotated[
        str | None, typer.Option(metavar="JSON", help="What you fill into the form of the approval, or @FILE.")
    ] = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Answer an approval that an execution waits for."""
    client = client_for(data, api_url, token, start=False)
    body = {"decision": decision, "comment": comment, **({} if values is None else {"values": read_input(values)})}
    done = client.call("POST", f"/api/executions/{execution_id}/signals/{quote(node, safe='')}", json=body)
    console.print(f"{escape(node)} is {decision}" if done["decided"] else f"{escape(node)} waits for further people")


def retry(
    execution_id: Execution,
    data: Data,
    start: Annotated[
        str, typer.Option("--from", metavar="NODE", help="Where to go on: `failed`, or the id of a node.")
    ] = "failed",
    version: Annotated[
        str, typer.Option(metavar="VERSION", help="Of the workflow: `same` as before, `current`, or a number.")
    ] = "same",
    value: Annotated[str | None, typer.Option("--input", metavar="JSON", help="Another input, or @FILE.")] = None,
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
    whence = "what failed" if start == "failed" else f"node {start}"
    console.print(f"execution {execution['id']} continues {execution_id} from {escape(whence)}")
    follow_to_the_end(client, execution["id"])


def cancel(execution_id: Execution, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Cancel an execution, whatever it does or waits for. None of its nodes starts after this."""
    client_for(data, api_url, token, start=False).call("POST", f"/api/executions/{execution_id}/cancel")
    console.print("cancelled")


def logs(
    data: Data,
    execution_id: Annotated[str | None, typer.Argument(metavar="EXECUTION", help="An execution's id.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it is finished.")] = False,
    function: Annotated[
        str | None, typer.Option(metavar="NAME", help="Instead: a function of the local stack, such as `advance`.")
    ] = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Print an execution's log, or that of a function of the local stack."""
    if (execution_id is None) == (function is None):
        raise Complaint("give an execution's id, or --function NAME")
    if execution_id is not None:
        _print_log(client_for(data, api_url, token, start=False), execution_id, follow=follow)
        return
    for line in LocalStack(data).function_log(str(function)):
        print(line)


def _print_log(client: Client, execution_id: str, *, follow: bool) -> None:
    from infrastructure.cli.client import FINAL

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


def _log_lines(client: Client, execution_id: str, after: str | None) -> Iterator[dict[str, Any]]:
    while True:
        query = {"limit": 100, **({"after": after} if after else {})}
        page = client.call("GET", f"/api/executions/{execution_id}/logs", params=query)
        yield from page["items"]
        after = page["next_cursor"]
        if after is None:
            return
