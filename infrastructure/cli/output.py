"""Output of the command line: results on standard output; progress and events of executions on standard error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from infrastructure.cli.client import Client

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""For progress and errors."""

results = Console(highlight=False, soft_wrap=True)
"""For results."""

_WIDTH = 400
"""Columns when the output is not a terminal."""
_COLORS = {
    "succeeded": "green",
    "failed": "red",
    "timed_out": "red",
    "cancelled": "yellow",
    "skipped": "dim",
    "running": "cyan",
    "waiting": "blue",
    "pending": "dim",
}


class Complaint(Exception):
    """An error that the user can fix; one sentence."""

    def __init__(self, message: str, problems: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or []


def show_list(
    items: Iterable[dict[str, Any]],
    columns: Sequence[str],
    row: Callable[[dict[str, Any]], Iterable[str]],
    *,
    as_json: bool,
    empty: str,
) -> None:
    """Print a list as a table, or as JSON with all fields of the API; `empty` is printed if there is nothing."""
    found = list(items)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    elif found:
        show_table(columns, ([escape(cell) for cell in row(one)] for one in found))
    else:
        console.print(empty)


def show_table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table, each row on one line unless the terminal is too narrow; cells may have rich's markup."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    (results if results.is_terminal else Console(highlight=False, width=_WIDTH)).print(table)


def short_time(moment: str | None) -> str:
    """Format a time of the API to the minute, in UTC."""
    return moment[:16].replace("T", " ") if moment else "-"


def follow_to_the_end(client: Client, execution_id: str) -> None:
    """Print the events of an execution, then its cost and its result.

    Raises:
        Complaint: it did not succeed.
    """
    try:
        final = _next_checks(client, execution_id)
    except KeyboardInterrupt:
        console.print(f"it goes on without you; `mainspring logs {execution_id}` shows what it does")
        raise typer.Exit(130) from None
    bill = final["bill"]
    console.print(
        f"[dim]cost ${bill['dollars']:.6f} (list prices of {bill['prices_as_of']}): {bill['transitions']} transitions, "
        f"{bill['lambda_ms']} ms of functions, {bill['write_units']:g} write and {bill['read_units']:g} read units[/]"
    )
    console.print(f"to look at it: {client.api_url}/console/runs/{execution_id}")
    if final["status"] == "succeeded":
        print(json.dumps(final["result"], indent=2, ensure_ascii=False))
        return
    error = final["error"] or {}
    if final["status"] == "cancelled":
        raise Complaint(error.get("message") or "the execution was cancelled")
    where = f" in node {error['node']}" if error.get("node") else ""
    raise Complaint(f"the execution has {final['status'].replace('_', ' ')}{where}: {error.get('message')}")


def _next_checks(client: Client, execution_id: str) -> dict[str, Any]:
    """Print each node as its state changes, until the execution is final; return it then."""
    seen: dict[str, str] = {}
    execution: dict[str, Any] = {}
    with _spinner() as say:
        for execution in client.follow(execution_id):
            say("queued" if execution["queued"] else execution["status"] + _loops_of(execution))
            for node in execution["nodes"]:
                if seen.get(node["id"]) != node["status"] and node["status"] != "pending":
                    seen[node["id"]] = node["status"]
                    _print_node(execution_id, node)
    return execution


def _loops_of(execution: dict[str, Any]) -> str:
    """Return the progress of the loops that are running."""
    running = [node for node in execution["nodes"] if node["progress"] and node["status"] in ("running", "waiting")]
    return "".join(f", {node['id']} {node['progress']['done']}/{node['progress']['total'] or '?'}" for node in running)


def _print_node(execution_id: str, node: dict[str, Any]) -> None:
    color = _COLORS.get(node["status"], "white")
    attempts = f" after {node['attempts']} attempts" if node["attempts"] > 1 else ""
    error = f": {node['error']['message']}" if node["error"] else ""
    console.print(f"  [{color}]{node['status']:9}[/] {escape(node['id'])}{attempts}[dim]{escape(error)}[/]")
    wait = node["wait"] or {}
    if wait.get("kind") == "approval":
        console.print(f"            {escape(wait['message'])}")
        console.print(f"            [dim]mainspring answer {execution_id} {escape(node['id'])} approved|rejected[/]")
    elif wait.get("kind") == "callback":
        console.print(f"            [dim]POST JSON to {escape(wait['url'])}[/]")


@contextmanager
def _spinner() -> Iterator[Any]:
    if not console.is_terminal:
        yield lambda _text: None
        return
    with console.status("starting") as live:
        yield live.update
