"""`mainspring validate`, `run`, `activate`, `workflows` …: workflows from files, and those that the stack has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    confirm,
    read_input,
    read_workflow,
)
from infrastructure.cli.output import Complaint, console, follow_to_the_end, results, short_time, show_list
from infrastructure.cli.triggers import why_not_healthy

if TYPE_CHECKING:
    from infrastructure.cli.client import Client

Publish = Annotated[
    bool,
    typer.Option(
        "--publish",
        help="Make the file the newest version, also where its triggers are live or somebody else has changed it.",
    ),
]
ThisWorkflow = Annotated[
    str | None, typer.Option("--workflow", metavar="ID", help="Which workflow the file is; default: that of its name.")
]


def validate(file: WorkflowFile) -> None:
    """Check a workflow file without running it. Exit code 1 when anything is wrong."""
    from engine.nodes.registry import NodeExecutorFactory
    from engine.workflow.validator import validate as check

    _name, _description, definition, _value = read_workflow(file)
    _, problems = check(definition, NodeExecutorFactory())
    if problems:
        rows = [asdict(problem) for problem in problems]
        raise Complaint(f"{file} has {len(rows)} problem{'s' if len(rows) > 1 else ''}", rows)
    results.print(f"{escape(str(file))} is valid")


def run(
    file: WorkflowFile,
    data: Data,
    value: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="Or @FILE; default: the file's `input`.")
    ] = None,
    publish: Publish = False,
    workflow_id: ThisWorkflow = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Run a workflow file and print its result; starts the local stack when none runs.

    The file becomes the workflow's newest version. Exit code 0 when it succeeded, 1 when not.
    """
    name, _description, _definition, default = read_workflow(file)
    given = default if value is None else read_input(value)
    client = client_for(data, api_url, token, start=True)
    workflow = _published(client, data, file, workflow_id, publish=publish, may_be_live=False)
    execution = client.start(workflow["id"], given)
    console.print(f"[bold]{escape(name)}[/] version {workflow['version']}, execution {execution['id']}")
    follow_to_the_end(client, execution["id"])


def activate(
    file: WorkflowFile,
    data: Data,
    publish: Publish = False,
    workflow_id: ThisWorkflow = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Have a workflow file's triggers start it from now on; starts the local stack when none runs."""
    name, _description, definition, _value = read_workflow(file)
    client = client_for(data, api_url, token, start=True)
    workflow = _published(client, data, file, workflow_id, publish=publish, may_be_live=True)
    client.call("POST", f"/api/workflows/{workflow['id']}/activate")
    results.print(f"[bold]{escape(name)}[/] version {workflow['version']} is active: workflow {workflow['id']}")
    for trigger in definition.get("triggers", []):
        found = client.call("GET", f"/api/workflows/{workflow['id']}/triggers/{trigger['id']}")
        following = found["url"] or (f"next {found['next_expected_at']}" if found["next_expected_at"] else "")
        results.print(f"  {escape(found['id'])} ({found['type']}) {escape(following)}")
        if found["is_active"] and found["status"] != "healthy":
            why = why_not_healthy(found) or found["status"]
            console.print(f"  [yellow]{escape(found['id'])}: {escape(why)}[/]")


def deactivate(workflow: WorkflowName, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Stop a workflow's triggers. What is under way goes on."""
    client = client_for(data, api_url, token, start=False)
    client.call("POST", f"/api/workflows/{client.workflow_id(workflow)}/deactivate")
    console.print("deactivated")


def workflows(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List the workflows."""
    found = client_for(data, api_url, token, start=False).pages("/api/workflows", limit=100)
    columns = ("id", "name", "version", "active", "updated")
    show_list(
        found, columns, _workflow_row, as_json=as_json, empty="there are no workflows; `mainspring run` makes one"
    )


def export(workflow: WorkflowName, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Print a workflow as a file that `run` and `activate` take."""
    client = client_for(data, api_url, token, start=False)
    found = client.call("GET", f"/api/workflows/{client.workflow_id(workflow)}")
    file = {name: found[name] for name in ("name", "description", "definition") if found[name] is not None}
    print(json.dumps(file, indent=2, ensure_ascii=False))


def delete(workflow: WorkflowName, data: Data, yes: Yes = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """Delete a workflow with all its versions. What is under way goes on."""
    client = client_for(data, api_url, token, start=False)
    found = client.workflow_id(workflow)
    confirm(f"delete the workflow {workflow}?", yes=yes)
    client.call("DELETE", f"/api/workflows/{found}")
    console.print("deleted")


def _workflow_row(one: dict[str, Any]) -> Iterator[str]:
    yield from (one["id"], one["name"], str(one["version"]))
    yield from ("yes" if one["is_active"] else "no", short_time(one["updated_at"]))


def _published(
    client: Client, data: Path, file: Path, workflow_id: str | None, *, publish: bool, may_be_live: bool
) -> dict[str, Any]:
    """The workflow whose newest version is the file: made, given a new version, or as it is.

    A workflow that it names and that is not there yet is made first, if a file beside it has that name.

    What was published from this data directory is remembered there, so that a file that is older than what somebody
    else has saved since does not replace it unasked.

    Raises:
        Complaint: the newest version came from elsewhere, or its triggers are live and `may_be_live` is not given.
    """
    name, description, definition, _value = read_workflow(file)
    body = {"name": name, "description": description, "definition": definition}
    known = client.workflow_id(workflow_id) if workflow_id else client.find_workflow(name)
    if known is None:
        return _made(client, data, file, ())
    current: dict[str, Any] = client.call("GET", f"/api/workflows/{known}")
    if current["definition"] == definition and current["description"] == description:
        return _remembered(client, data, current)
    if not publish and _remember(data).get(_key(client, known)) != current["version"]:
        raise Complaint(
            f"version {current['version']} of `{name}` differs from {file} and was not published from here; "
            f"`mainspring export {known}` prints it, `--publish` makes the file the newest version"
        )
    if not publish and not may_be_live and current["is_active"]:
        raise Complaint(
            f"the triggers of `{name}` are live and would run the changed file; "
            "`--publish` makes it the newest version, another `name` in the file runs it beside it"
        )
    headers = {"if-match": f'"{current["version"]}"'}

    def save() -> dict[str, Any]:
        return dict(client.call("PUT", f"/api/workflows/{known}", json=body, headers=headers))

    return _remembered(client, data, _with_those_it_names(client, data, file, (), save))


def _made(client: Client, data: Path, file: Path, under_way: tuple[Path, ...]) -> dict[str, Any]:
    """Make a workflow of a file, and before it those that it names; `under_way` are the files that name this one."""
    name, description, definition, _value = read_workflow(file)
    body = {"name": name, "description": description, "definition": definition}

    def save() -> dict[str, Any]:
        return dict(client.call("POST", "/api/workflows", json=body))

    return _remembered(client, data, _with_those_it_names(client, data, file, under_way, save))


def _with_those_it_names(
    client: Client, data: Path, file: Path, under_way: tuple[Path, ...], save: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Save a file; where it is refused for workflows that are not there, make those of the files beside it, and again.

    Raises:
        Complaint: two files name each other, so that neither can be first.
    """
    from infrastructure.cli.client import ApiError

    try:
        return save()
    except ApiError as error:
        missing = {one["name"] for one in error.problems if one.get("code") == "unknown_workflow"}
        beside = _files_beside(file) if missing else {}
        if not missing & beside.keys():
            raise
    for name in sorted(missing & beside.keys()):
        if beside[name] in (*under_way, file):
            message = "name each other and neither is there yet: take the name out of one, publish it, and put it back"
            raise Complaint(f"{file} and {beside[name]} {message}")
        if client.find_workflow(name) is None:
            made = _made(client, data, beside[name], (*under_way, file))
            console.print(f"[bold]{escape(name)}[/] version 1 is made first: workflow {made['id']}")
    return save()


def _files_beside(file: Path) -> dict[str, Path]:
    """The workflow files in the folder of one, by the names of their workflows; what is none is left out."""
    found: dict[str, Path] = {}
    for other in sorted(file.parent.glob("*.json")):
        with suppress(Complaint):
            name, _description, definition, _value = read_workflow(other)
            if other != file and isinstance(definition, dict) and "nodes" in definition:
                found[name] = other
    return found


def _remembered(client: Client, data: Path, workflow: dict[str, Any]) -> dict[str, Any]:
    known = _remember(data)
    if known.get(_key(client, workflow["id"])) != workflow["version"]:
        data.mkdir(parents=True, exist_ok=True)
        known[_key(client, workflow["id"])] = workflow["version"]
        (data / "published.json").write_text(json.dumps(known, indent=1))
    return workflow


def _remember(data: Path) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((data / "published.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def _key(client: Client, workflow_id: str) -> str:
    return f"{client.api_url} {workflow_id}"
