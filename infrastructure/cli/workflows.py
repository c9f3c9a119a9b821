"""`mainspring validate`, `run`, `activate`, `workflows` …: workflows in files, and those in the stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from infrastructure.cli.options import (
    ApiUrl,
    AsJson,
    Data,
    Token,
    WorkflowFile,
    WorkflowName,
    Yes,
    client_for,
    client_if_there,
    confirm,
    read_input,
    read_workflow,
)
from infrastructure.cli.output import Complaint, console, follow_to_the_end, results, short_time, show_list
from infrastructure.cli.saving import Choices, files_beside, remember, saved
from infrastructure.cli.triggers import why_not_healthy

Publish = Annotated[
    bool, typer.Option("--publish", help="Have triggers and all other starts use the file from now on.")
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Make the file the next version, also where somebody else has saved one.")
]
ThisWorkflow = Annotated[
    str | None, typer.Option("--workflow", metavar="ID", help="Which workflow the file is; default: that of its name.")
]


def validate(file: WorkflowFile, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Check a workflow file without running it. Exit code 1 when anything is wrong.

    Where a stack runs, the integrations and workflows that it names are looked up there.
    """
    name, _description, definition, _value = read_workflow(file)
    client = client_if_there(data, api_url, token)
    problems = _problems_here(definition) if client is None else _problems_there(client, file, name, definition)
    errors = [problem for problem in problems if problem["severity"] == "error"]
    if errors:
        raise Complaint(f"{file} has {len(errors)} problem{'s' if len(errors) > 1 else ''}", errors)
    for problem in problems:
        console.print(f"  [yellow]{escape(problem['path'])}: {escape(problem['message'])}[/]")
    results.print(f"{escape(str(file))} is valid")
    if client is None and _names_something(definition):
        console.print("[dim]no stack runs, so the integrations and workflows that it names were not looked up[/]")


def run(
    file: WorkflowFile,
    data: Data,
    *,
    value: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="Or @FILE; default: the file's `input`.")
    ] = None,
    publish: Publish = False,
    replace: Replace = False,
    workflow_id: ThisWorkflow = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Run a workflow file and print its result; starts the local stack when none runs.

    The file becomes a version of its workflow, and that version runs. What is published stays, unless `--publish` is
    given or the workflow is new. Exit code 0 when it succeeded, 1 when not.
    """
    name, _description, _definition, default = read_workflow(file)
    given = default if value is None else read_input(value)
    client = client_for(data, api_url, token, start=True)
    workflow = saved(client, data, file, Choices(workflow_id, publish, replace))
    execution = client.start(workflow["id"], given, workflow["version"])
    console.print(f"[bold]{escape(name)}[/] version {workflow['version']}, execution {execution['id']}")
    if workflow["published_version"] != workflow["version"]:
        is_now = workflow["published_version"]
        stays = f"version {is_now} stays published" if is_now else "nothing is published"
        console.print(f"[dim]only this run uses version {workflow['version']}; {stays} until you give --publish[/]")
    follow_to_the_end(client, execution["id"])


def activate(
    file: WorkflowFile,
    data: Data,
    publish: Publish = False,
    replace: Replace = False,
    workflow_id: ThisWorkflow = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Activate the triggers of a workflow file; starts the local stack when none runs."""
    from infrastructure.cli.api_answers import ApiError

    name, _description, definition, _value = read_workflow(file)
    client = client_for(data, api_url, token, start=True)
    workflow = saved(client, data, file, Choices(workflow_id, publish, replace))
    if workflow["published_version"] != workflow["version"]:
        raise Complaint(
            f"{file} is version {workflow['version']} of `{name}`, and version {workflow['published_version']} is the "
            "one that is published; `--publish` makes the file the one that its triggers start"
        )
    try:
        client.call("POST", f"/api/workflows/{workflow['id']}/activate")
    except ApiError as error:
        raise Complaint(str(error), error.problems) from None
    results.print(f"[bold]{escape(name)}[/] version {workflow['version']} is active: workflow {workflow['id']}")
    for trigger in definition.get("triggers", []):
        found = client.call("GET", f"/api/workflows/{workflow['id']}/triggers/{trigger['id']}")
        following = found["url"] or (f"next {found['next_expected_at']}" if found["next_expected_at"] else "")
        results.print(f"  {escape(found['id'])} ({found['type']}) {escape(following)}")
        if found["is_active"] and found["status"] != "healthy":
            why = why_not_healthy(found) or found["status"]
            console.print(f"  [yellow]{escape(found['id'])}: {escape(why)}[/]")


def deactivate(workflow: WorkflowName, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Deactivate a workflow's triggers. Running executions continue."""
    client = client_for(data, api_url, token, start=False)
    client.call("POST", f"/api/workflows/{client.workflow_id(workflow)}/deactivate")
    console.print("deactivated")


def workflows(
    data: Data,
    *,
    text: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only those with it in name, description or a label.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="LABEL", help="Only those that have it.")] = None,
    folder: Annotated[str | None, typer.Option(metavar="FOLDER", help="Only those in it, or below it.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Only those whose triggers are live, or not.")
    ] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """List the workflows."""
    is_active = None if active is None else str(active).lower()
    wanted = {"q": text, "label": label, "folder": folder, "is_active": is_active}
    query = {name: given for name, given in wanted.items() if given is not None}
    found = client_for(data, api_url, token, start=False).pages("/api/workflows", limit=100, **query)
    columns = ("id", "name", "version", "published", "active", "updated", "folder", "labels")
    empty = "no such workflows" if query else "there are no workflows; `mainspring run` makes one"
    show_list(found, columns, _workflow_row, as_json=as_json, empty=empty)


def export(workflow: WorkflowName, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Print a workflow as a file that `run` and `activate` take: its newest version."""
    client = client_for(data, api_url, token, start=False)
    found = client.call("GET", f"/api/workflows/{client.workflow_id(workflow)}")
    if found["definition"] is None:
        raise Complaint(f"{workflow} has no version yet, only drafts")
    file = {name: found[name] for name in ("name", "description", "definition") if found[name] is not None}
    print(json.dumps(file, indent=2, ensure_ascii=False))
    remember(client, data, found)


def delete(
    workflow: WorkflowName,
    data: Data,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Also where other workflows name it.")] = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Delete a workflow with all its versions and drafts. Running executions continue."""
    client = client_for(data, api_url, token, start=False)
    found = client.workflow_id(workflow)
    users = client.call("GET", f"/api/workflows/{found}/usages")["items"]
    if users and not force:
        named = ", ".join(f"`{one['name']}`" for one in users)
        raise Complaint(f"{workflow} is named by {named}; change what names it first, or give --force")
    confirm(f"delete the workflow {workflow}?", yes=yes)
    client.call("DELETE", f"/api/workflows/{found}", params={"force": "true"} if force else {})
    console.print("deleted")


def _workflow_row(one: dict[str, Any]) -> Iterator[str]:
    yield from (one["id"], one["name"], str(one["version"] or "-"), str(one["published_version"] or "-"))
    yield from ("yes" if one["is_active"] else "no", short_time(one["updated_at"]))
    yield from (one["folder"] or "", ", ".join(one["labels"]))


def _problems_here(definition: Any) -> list[dict[str, Any]]:
    from engine.nodes.registry import NodeExecutorFactory
    from engine.workflow.validator import validate as check

    return [asdict(problem) for problem in check(definition, NodeExecutorFactory())[1]]


def _problems_there(client: Any, file: Path, name: str, definition: Any) -> list[dict[str, Any]]:
    """What the stack finds; a workflow of a file beside this one would be made first, so it is no problem."""
    if not isinstance(definition, dict):
        return _problems_here(definition)
    known = client.find_workflow(name)
    address = f"/api/workflows/{known}/validate" if known else "/api/workflows/validate"
    found = client.call("POST", address, json={"definition": definition})["problems"]
    made_first = {name, *files_beside(file)} if any(one["code"] == "unknown_workflow" for one in found) else set()
    return [one for one in found if not (one["code"] == "unknown_workflow" and one["name"] in made_first)]


def _names_something(definition: Any) -> bool:
    from engine.storage.workflow_records import uses_of

    uses = uses_of(definition)
    return bool(uses.integrations or uses.workflows)
