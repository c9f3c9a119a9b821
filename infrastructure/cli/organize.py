"""`mainspring labels`, `move`: by what words workflows are found, and in which folder they are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli.options import ApiUrl, AsJson, Data, Token, WorkflowName, client_for
from infrastructure.cli.output import Complaint, console, results, show_list

if TYPE_CHECKING:
    from infrastructure.cli.client import Client


def labels(
    data: Data,
    workflow: Annotated[
        str | None, typer.Argument(metavar="WORKFLOW", help="A workflow's id, or its name; default: all of them.")
    ] = None,
    add: Annotated[list[str] | None, typer.Option(metavar="LABEL", help="Give it a label; may be given often.")] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="LABEL", help="Take one away; likewise.")] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """List the labels that workflows have; or those of one workflow, and change them. Makes no version."""
    if workflow is None:
        if add or remove:
            raise Complaint("name the workflow whose labels are to change")
        found = Counter(one for each in _workflows(data, api_url, token) for one in each["labels"])
        rows = [{"label": one, "workflows": found[one]} for one in sorted(found, key=str.casefold)]
        show_list(rows, ("label", "workflows"), _cells, as_json=as_json, empty="no workflow has a label")
        return
    client = client_for(data, api_url, token, start=False)
    known, etag = client.get_with_etag(f"/api/workflows/{client.workflow_id(workflow)}")
    has = list(known["labels"])
    if add or remove:
        wanted = _changed(workflow, has, add or [], remove or [])
        has = _patch(client, known["id"], etag, {"labels": wanted})["labels"]
    rows = [{"label": one} for one in has]
    show_list(rows, ("label",), _cells, as_json=as_json, empty=f"{workflow} has no label")


def move(
    workflow: WorkflowName,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Such as `Finance/Incoming`; `/` is none.")],
    data: Data,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Move a workflow into a folder, which is there as soon as something is in it. Makes no version."""
    client = client_for(data, api_url, token, start=False)
    known, etag = client.get_with_etag(f"/api/workflows/{client.workflow_id(workflow)}")
    is_in = _patch(client, known["id"], etag, {"folder": folder.strip("/ ") or None})["folder"]
    results.print(f"{known['name']} is in {is_in}" if is_in else f"{known['name']} is in no folder", markup=False)


def _workflows(data: Any, api_url: str | None, token: str | None) -> list[dict[str, Any]]:
    return list(client_for(data, api_url, token, start=False).pages("/api/workflows", limit=100))


def _patch(client: Client, workflow_id: str, etag: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change what was looked at: if somebody else was faster, that is refused and nothing happens."""
    return dict(client.call("PATCH", f"/api/workflows/{workflow_id}", json=body, headers={"if-match": etag}))


def _changed(workflow: str, has: list[str], add: list[str], remove: list[str]) -> list[str]:
    """Return the labels after a change, whatever their case is.

    Raises:
        Complaint: the workflow does not have a label that is to be removed.
    """
    gone = {one.strip().casefold() for one in remove}
    for one in remove:
        if one.strip().casefold() not in map(str.casefold, has):
            raise Complaint(f"{workflow} has no label {one!r}; it has {', '.join(has) or 'none'}")
    kept = [one for one in has if one.casefold() not in gone]
    for one in add:
        if one.strip().casefold() not in map(str.casefold, kept):
            kept.append(one.strip())
    console.print("changed" if kept != has else "nothing to change")
    return kept


def _cells(row: dict[str, Any]) -> list[str]:
    return [str(one) for one in row.values()]
