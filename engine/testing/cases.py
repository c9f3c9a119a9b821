"""Cases of a workflow, as its author writes them in a file beside it: what nodes give, and what is expected of the run.

workflow: order_approval.json
cases:
  - name: a large order is reviewed
    input: {total: 5000}
    nodes:
      tell: {output: {status: 200}}
    expect:
      result: {decision: review}
      ran: [large, review, tell]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from engine.errors import InvalidInput
from engine.history.events import NodeStatus
from engine.nodes.context import NodeServices
from engine.testing.clock import START
from engine.testing.mocks import Mock, MockedFactory
from engine.testing.workflows import WorkflowRun, run_workflow
from engine.validation_messages import sentence


class Expectation(BaseModel):
    """What is expected of a run. What is not given is not looked at."""

    model_config = ConfigDict(extra="forbid")

    status: str = "succeeded"
    result: JsonValue = Field(default=None, description="All of it.")
    error: dict[str, JsonValue] | None = Field(default=None, description="Some of it, such as its `code`.")
    ran: list[str] | None = Field(default=None, description="All nodes that ended, by path, in any order.")
    skipped: list[str] | None = Field(default=None, description="Nodes that did not run, perhaps among others.")
    nodes: dict[str, JsonValue] = Field(default_factory=dict, description="Outputs; of objects some of their fields.")
    asked: dict[str, JsonValue] = Field(
        default_factory=dict, description="With which config nodes that reach outside were attempted last; some of it."
    )
    files: dict[str, str] = Field(default_factory=dict, description="Texts of files as they are in the end.")


class Case(BaseModel):
    """One run."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    input: JsonValue = None
    trigger: dict[str, JsonValue] = Field(default_factory=dict, description="More of `trigger`, such as `headers`.")
    at: AwareDatetime = Field(default=START, description="When it starts; time jumps over every wait.")
    nodes: dict[str, Mock] = Field(default_factory=dict)
    answers: dict[str, JsonValue] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    expect: Expectation = Field(default_factory=Expectation)


class Cases(BaseModel):
    """A file of cases."""

    model_config = ConfigDict(extra="forbid")

    workflow: str | None = Field(default=None, description="The workflow's file; default: that of the same name.")
    cases: list[Case] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case went: what was not as expected, nothing where all was."""

    name: str
    problems: tuple[str, ...]


def read_cases(content: Any) -> Cases:
    """The cases that a file holds.

    Raises:
        InvalidInput: it does not have their form.
    """
    try:
        return Cases.model_validate(content)
    except ValidationError as error:
        details = [
            {"path": ".".join(map(str, one["loc"])), "code": str(one["type"]), "message": sentence(one)}
            for one in error.errors(include_url=False)
        ]
        raise InvalidInput(f"{details[0]['path']}: {details[0]['message']}", details=details) from None


def judged(case: Case, definition: Mapping[str, Any], services: NodeServices | None = None) -> Verdict:
    """Run a case.

    Raises:
        InvalidInput: the workflow's definition is not right.
    """
    ids = set(_node_ids(definition))
    unknown = sorted((case.nodes.keys() | case.expect.asked.keys()) - ids)
    if unknown:
        return Verdict(case.name, (f"the workflow has no node `{unknown[0]}`",))
    allowed = ("javascript_code", "python_code") if services is not None and services.sandbox is not None else ()
    try:
        run = run_workflow(
            definition,
            case.input,
            nodes=case.nodes,
            answers=case.answers,
            files=case.files,
            services=services,
            allowed=allowed,
            at=case.at.astimezone(UTC),
            trigger_fields=case.trigger,
        )
    except AssertionError as error:
        return Verdict(case.name, (str(error),))
    return Verdict(case.name, tuple(_problems(case.expect, run)))


def _node_ids(definition: Mapping[str, Any]) -> Iterator[str]:
    for node in definition.get("nodes", ()):
        yield node["id"]
        if isinstance(node.get("body"), Mapping):
            yield from _node_ids(node["body"])


def _problems(expect: Expectation, run: WorkflowRun) -> Iterator[str]:
    factory = run.engine.factory
    if isinstance(factory, MockedFactory):
        yield from factory.not_mocked.values()  # whatever is expected: a case that forgot one tries something else
    execution = run.execution
    if execution.status != expect.status:
        error = execution.error or {}
        where = f" at `{error['node']}`" if error.get("node") else ""
        why = f"{where}: {error.get('code')}: {error.get('message')}" if error else ""
        yield f"it has {execution.status}{why}; expected was {expect.status}"
    if "result" in expect.model_fields_set and execution.result != expect.result:
        yield f"its result is {execution.result!r}; expected was {expect.result!r}"
    if expect.error is not None:
        yield from _differences(expect.error, execution.error, "its error")
    if expect.ran is not None and sorted(run.ran) != sorted(expect.ran):
        yield f"there ran {', '.join(run.ran) or 'nothing'}; expected was {', '.join(expect.ran) or 'nothing'}"
    yield from _nodes(expect, run)
    yield from _files(expect, run)


def _nodes(expect: Expectation, run: WorkflowRun) -> Iterator[str]:
    states = run.states
    for path in expect.skipped or ():
        status = states[path].status if path in states else "not there"
        if status not in (NodeStatus.SKIPPED, NodeStatus.PENDING):
            yield f"`{path}` is {status}; expected was that it does not run"
    for path, wanted in expect.nodes.items():
        if path not in states or states[path].status is not NodeStatus.SUCCEEDED:
            yield f"`{path}` has no output: it is {states[path].status if path in states else 'not there'}"
        else:
            yield from _differences(wanted, states[path].output, f"the output of `{path}`")
    for name, wanted in expect.asked.items():
        seen = run.engine.factory.seen.get(name) if isinstance(run.engine.factory, MockedFactory) else None
        if not seen:
            yield f"`{name}` was not attempted"
        else:
            yield from _differences(wanted, seen[-1], f"the config of `{name}`")


def _files(expect: Expectation, run: WorkflowRun) -> Iterator[str]:
    if not expect.files or run.engine.services.files is None:
        return
    files = run.engine.services.files("workspace-1")
    names = {one.name for one in files.list("", 10_000, None)[0]}
    for name, text in expect.files.items():
        if name not in names:
            yield f"there is no file {name!r}"
            continue
        with files.opened(name) as content:
            found = content.read().decode(errors="replace")
        if found != text:
            yield f"the file {name!r} is {found!r}; expected was {text!r}"


def _differences(wanted: Any, found: Any, what: str) -> Iterator[str]:
    """Where a value is not as wanted; objects may have more fields."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for name, value in wanted.items():
            if name not in found:
                yield f"{what} has no `{name}`"
            else:
                yield from _differences(value, found[name], f"{what}, `{name}`,")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(one, other, f"{what}, item {number},")
    elif wanted != found:
        yield f"{what} is {found!r}; expected was {wanted!r}"
