"""`mainspring test`: runs test cases of workflows, in memory, without outside effects."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from infrastructure.cli.options import read_workflow
from infrastructure.cli.output import Complaint, results

if TYPE_CHECKING:
    from engine.nodes.context import NodeServices
    from engine.testing.cases import Cases

_SUFFIXES = (".test.yaml", ".test.yml", ".test.json")


def run_cases(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Files of cases, workflows that have one beside them, or folders."),
    ],
    only: Annotated[str | None, typer.Option("--case", metavar="NAME", help="Only cases whose name has this.")] = None,
) -> None:
    """Run the cases of a workflow: what its nodes give, and what is expected of the run.

    Nothing outside is touched, and time jumps over every wait. Exit code 1 when a case fails.
    """
    from engine.testing.cases import judged

    passed = failed = 0
    for place in [place for file in files for place in _cases_in(file)]:
        cases, definition = _read(place)
        for case in cases.cases:
            if only is not None and only not in case.name:
                continue
            verdict = judged(case, definition, _services())
            passed, failed = passed + (not verdict.problems), failed + bool(verdict.problems)
            mark = "[red]✗[/]" if verdict.problems else "[green]✓[/]"
            results.print(f"{mark} {escape(place.name)}: {escape(verdict.name)}")
            for problem in verdict.problems:
                results.print(f"    {escape(problem)}")
    if not passed + failed:
        raise Complaint(f"no case has {only!r} in its name")
    results.print(f"{passed} passed, {failed} failed")
    if failed:
        raise typer.Exit(1)


def _cases_in(place: Path) -> list[Path]:
    """Return the test case files for a file or folder.

    Raises:
        Complaint: there is none.
    """
    if not place.is_dir():
        return [_cases_of(place)]
    found = sorted(file for file in place.rglob("*") if file.name.endswith(_SUFFIXES))
    if not found:
        raise Complaint(f"no test cases in {place}; put them in a file such as order.test.yaml beside order.json")
    return found


def _cases_of(file: Path) -> Path:
    """The file of cases that is meant.

    Raises:
        Complaint: there is none.
    """
    if file.name.endswith(_SUFFIXES):
        return file
    beside = [file.with_name(file.stem + suffix) for suffix in _SUFFIXES]
    found = [one for one in beside if one.is_file()]
    if not found:
        raise Complaint(f"no test cases for {file}; they would be beside it, in {beside[0].name}")
    return found[0]


def _read(file: Path) -> tuple[Cases, dict[str, Any]]:
    from engine.errors import InvalidInput
    from engine.nodes.registry import NodeExecutorFactory
    from engine.testing.cases import read_cases
    from engine.workflow.validator import validate

    try:
        cases = read_cases(_parsed(file))
    except InvalidInput as error:
        raise Complaint(f"{file} does not hold test cases: {error.message}", error.details) from None
    stem = next(file.name.removesuffix(suffix) for suffix in _SUFFIXES if file.name.endswith(suffix))
    workflow = file.parent / (cases.workflow or f"{stem}.json")
    _name, _description, definition, _value = read_workflow(workflow)
    _, problems = validate(definition, NodeExecutorFactory())
    if problems:
        rows = [asdict(one) for one in problems]
        raise Complaint(f"{workflow} has {len(rows)} problem{'s' if len(rows) > 1 else ''}", rows)
    return cases, definition


def _parsed(file: Path) -> Any:
    """JSON, or YAML whose values are those of JSON: what looks like a date is a text."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        text = file.read_text(encoding="utf-8")
        return json.loads(text) if file.suffix == ".json" else yaml.load(text, Loader)  # noqa: S506 - a safe one
    except OSError as error:
        raise Complaint(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        kind = "JSON" if file.suffix == ".json" else "YAML"
        raise Complaint(f"{file} is not {kind}: {' '.join(str(error).split())}") from None


def _services() -> NodeServices:
    """Somebody's code runs in the same sandbox as ever, on this machine, which is started when there is some.

    Its time is the case's, which stands still while code runs, and chance gives the same in every run.
    """
    import asyncio
    from collections.abc import Mapping
    from functools import cache

    from engine.nodes.context import NodeServices
    from functions.sandbox.handler import Runner, run

    @cache
    def runner() -> Runner:
        from infrastructure.guests.build import local_guests

        return Runner(local_guests())

    async def sandbox(event: Mapping[str, Any]) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: run({**event, "fixed": True, "seed": "00"}, runner()))

    return NodeServices(api_url="https://api.example", sandbox=sandbox)
