"""Saves a workflow file as a version of a workflow, or finds that version; and publishes it on request.

What was saved or viewed from this data directory is remembered there, so that a file never replaces a version that
nobody here has seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from engine.json_value import is_equal
from engine.workflow.layout import split
from infrastructure.cli.options import read_workflow
from infrastructure.cli.output import Complaint, console

if TYPE_CHECKING:
    from infrastructure.cli.client import Client


@dataclass(frozen=True)
class Choices:
    """The caller's choices for a file: which workflow it is, and what may be replaced."""

    workflow_id: str | None = None
    publish: bool = False
    replace: bool = False


def saved(client: Client, data: Path, file: Path, choices: Choices) -> dict[str, Any]:
    """The workflow whose newest version is the file: made, given a new version, or as it is.

    A new workflow's version is published, as nothing of it can be live. A workflow that the file names and that is not
    there yet is made first, if a file beside it has that name.

    Raises:
        Complaint: the newest version was neither saved nor looked at from here.
    """
    name, description, definition, _value = read_workflow(file)
    known = client.workflow_id(choices.workflow_id) if choices.workflow_id else client.find_workflow(name)
    if known is None:
        return _made(client, data, file, ())
    current, etag = client.get_with_etag(f"/api/workflows/{known}")
    is_newest = says_the_same(current, definition, description)
    if is_newest and not (choices.publish and current["version"] != current["published_version"]):
        return remember(client, data, current)
    seen = _remembered(data).get(_key(client, known)) == current["version"] or current["version"] is None
    if not (is_newest or seen or choices.replace):
        raise Complaint(
            f"version {current['version']} of `{name}` differs from {file} and was not saved from here; "
            f"`mainspring export {known}` shows it, `--replace` makes the file the next version all the same"
        )
    body = {"name": name, "description": description, "definition": definition, "publish": choices.publish}

    def save() -> dict[str, Any]:
        return dict(client.call("PUT", f"/api/workflows/{known}", json=body, headers={"if-match": etag}))

    return remember(client, data, _with_those_it_names(client, data, file, (), save))


def says_the_same(workflow: Mapping[str, Any], definition: Any, description: str | None) -> bool:
    """Whether the newest version of a workflow is what a file says; where the editor draws it is no difference."""
    if workflow["definition"] is None or workflow["description"] != (description or None):
        return False
    here, drawn = split(definition) if isinstance(definition, dict) else (definition, {})
    there, is_drawn = split(workflow["definition"])
    return is_equal(here, there) and drawn in ({}, is_drawn)


def files_beside(file: Path) -> dict[str, Path]:
    """The workflow files in the folder of one, by the names of their workflows; what is none is left out."""
    found: dict[str, Path] = {}
    for other in sorted(file.parent.glob("*.json")):
        with suppress(Complaint):
            name, _description, definition, _value = read_workflow(other)
            if other != file and isinstance(definition, dict) and "nodes" in definition:
                found[name] = other
    return found


def remember(client: Client, data: Path, workflow: dict[str, Any]) -> dict[str, Any]:
    """Note that a workflow's newest version has been seen from here."""
    known = _remembered(data)
    if known.get(_key(client, workflow["id"])) != workflow["version"]:
        data.mkdir(parents=True, exist_ok=True)
        known[_key(client, workflow["id"])] = workflow["version"]
        (data / "seen.json").write_text(json.dumps(known, indent=1))
    return workflow


def _made(client: Client, data: Path, file: Path, under_way: tuple[Path, ...]) -> dict[str, Any]:
    """Make a workflow of a file, and before it those that it names; `under_way` are the files that name this one."""
    name, description, definition, _value = read_workflow(file)
    body = {"name": name, "description": description, "definition": definition}

    def save() -> dict[str, Any]:
        return dict(client.call("POST", "/api/workflows", json=body))

    return remember(client, data, _with_those_it_names(client, data, file, under_way, save))


def _with_those_it_names(
    client: Client, data: Path, file: Path, under_way: tuple[Path, ...], save: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Save a file; where it is refused for workflows that are not there, make those of the files beside it, and again.

    Raises:
        Complaint: two files name each other, so that neither can be first.
    """
    from infrastructure.cli.api_answers import ApiError

    try:
        return save()
    except ApiError as error:
        missing = {one["name"] for one in error.problems if one.get("code") == "unknown_workflow" and one.get("name")}
        beside = files_beside(file) if missing else {}
        if not missing & beside.keys():
            raise
    for name in sorted(missing & beside.keys()):
        if beside[name] in (*under_way, file):
            message = "name each other and neither is there yet: take the name out of one, save it, and put it back"
            raise Complaint(f"{file} and {beside[name]} {message}")
        if client.find_workflow(name) is None:
            made = _made(client, data, beside[name], (*under_way, file))
            console.print(f"[bold]{escape(name)}[/] version 1 is made first: workflow {made['id']}")
    return save()


def _remembered(data: Path) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((data / "seen.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def _key(client: Client, workflow_id: str) -> str:
    return f"{client.api_url} {workflow_id}"
