"""`mainspring publish`, `rollback`, `versions`, `diff`, `restore`: which version of a workflow runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from infrastructure.cli.options import ApiUrl, AsJson, Data, Token, WorkflowName, client_for
from infrastructure.cli.output import console, results, short_time, show_list

if TYPE_CHECKING:
    from infrastructure.cli.client import Client

Message = Annotated[str | None, typer.Option("--message", "-m", metavar="TEXT", help="Why, for those who look back.")]
Which = Annotated[str, typer.Argument(metavar="VERSION", help="A number, `newest`, `published` or `draft`: yours.")]


def publish(
    workflow: WorkflowName,
    data: Data,
    version: Annotated[int | None, typer.Option(metavar="NUMBER", min=1, help="Default: the newest.")] = None,
    message: Message = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Make triggers and all other starts use a version of a workflow from now on. Running executions continue."""
    body = {"message": message, **({"version": version} if version else {})}
    _change(client_for(data, api_url, token, start=False), workflow, "publish", body)


def rollback(
    workflow: WorkflowName, data: Data, message: Message = None, api_url: ApiUrl = None, token: Token = None
) -> None:
    """Publish again what was published before the present version. Running executions continue."""
    _change(client_for(data, api_url, token, start=False), workflow, "rollback", {"message": message})


def restore(
    workflow: WorkflowName,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="Its number.")],
    data: Data,
    message: Message = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Make a new version with the content of an older one. The published version stays."""
    client = client_for(data, api_url, token, start=False)
    _change(client, workflow, f"versions/{version}/restore", {"message": message})


def versions(
    workflow: WorkflowName, data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None
) -> None:
    """List a workflow's versions, the newest first."""
    client = client_for(data, api_url, token, start=False)
    found = client.pages(f"/api/workflows/{client.workflow_id(workflow)}/versions", limit=100)
    columns = ("version", "published", "saved", "by", "message")
    show_list(found, columns, _version_row, as_json=as_json, empty=f"{workflow} has no version yet, only drafts")


def diff(
    workflow: WorkflowName,
    data: Data,
    begin: Which = "published",
    end: Which = "newest",
    as_json: AsJson = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Show the differences between two versions of a workflow. Exit code 0, whether there are any or not."""
    client = client_for(data, api_url, token, start=False)
    found = client.call("GET", f"/api/workflows/{client.workflow_id(workflow)}/versions/{begin}/diff/{end}")
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for line in _lines(found):
        results.print(line)
    if found["is_equal"]:
        console.print("nothing differs")


def _change(client: Client, workflow: str, what: str, body: dict[str, Any]) -> None:
    """Change what a workflow is now: if it is another thing by then, that is refused and nothing happens."""
    address = f"/api/workflows/{client.workflow_id(workflow)}"
    _before, etag = client.get_with_etag(address)
    done = client.call("POST", f"{address}/{what}", json=body, headers={"if-match": etag})
    live = f"version {done['published_version']} is published" if done["published_version"] else "nothing is published"
    active = "its triggers are live" if done["is_active"] else "its triggers are not active"
    results.print(f"[bold]{escape(done['name'])}[/]: {live}, version {done['version']} is the newest, {active}")


def _version_row(one: dict[str, Any]) -> Iterator[str]:
    yield from (str(one["version"]), "yes" if one["is_published"] else "", short_time(one["created_at"]))
    again = f"(version {one['restored_from']} again) " if one["restored_from"] else ""
    yield from (one["author"]["name"], again + (one["message"] or ""))


_SIGNS = {"added": "[green]+[/]", "removed": "[red]-[/]", "renamed": "[yellow]~[/]", "changed": "[yellow]~[/]"}


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for kind in ("nodes", "triggers"):
        for one in found[kind]:
            was = f" (was {one['was']})" if one["was"] else ""
            what = "" if kind == "nodes" else "trigger "
            yield f"{_SIGNS[one['kind']]} {what}{escape(one['id'])} ({escape(one['type'])}){escape(was)}"
            yield from (f"    {_operation(change)}" for change in one["changes"])
    for kind in ("added", "removed"):
        for edge in found["edges"][kind]:
            port = "" if edge["port"] == "main" else f" by {edge['port']}"
            yield f"{_SIGNS[kind]} {escape(edge['from'])} → {escape(edge['to'])}{escape(port)}"
    yield from (f"{_SIGNS['changed']} {_operation(change)}" for change in found["settings"])
    for what in ("hosts", "integrations", "workflows"):
        for kind in ("added", "removed"):
            for name in found[what][kind]:
                yield f"{_SIGNS[kind]} {what.removesuffix('s')} {escape(name)}"


def _operation(change: dict[str, Any]) -> str:
    before, after = (json.dumps(change.get(name), ensure_ascii=False) for name in ("before", "value"))
    shown = {"add": after, "remove": f"{before} is gone", "replace": f"{before} → {after}"}[change["op"]]
    return f"{escape(change['path'].lstrip('/'))}: {escape(shown)}"
