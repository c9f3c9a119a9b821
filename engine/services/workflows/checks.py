"""Checks whether a definition can run here: the definition itself, and what it refers to in the workspace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine import limits
from engine.errors import Forbidden, InvalidInput, TooLarge
from engine.ids import is_id
from engine.json_value import dumps
from engine.nodes.registry import NodeExecutorFactory
from engine.services.principal import Principal
from engine.storage.integrations import Integration, IntegrationRepository
from engine.storage.workflow_records import Workflow, WorkflowVersion, named_integrations
from engine.storage.workflows import WorkflowRepository
from engine.workflow.layout import Layout, split
from engine.workflow.references import KEY, Known, bound, meanings, references
from engine.workflow.validator import Problem, node_at, validate

_BEGIN = "definition."
_CODES_OF_SIZE = frozenset({"too_large", "too_many"})


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check. Without errors `definition` is what runs, and `named` the names in it, by field."""

    problems: list[Problem]
    layout: Layout
    definition: dict[str, Any] = field(default_factory=dict)
    named: dict[str, str] | None = None

    @property
    def errors(self) -> list[Problem]:
        """The problems that prevent it from running."""
        return [problem for problem in self.problems if problem.severity == "error"]


@dataclass(frozen=True, slots=True)
class SelfReference:
    """The workflow of a definition: it may refer to itself, and names keep the meaning that they had in it before."""

    id: str
    name: str
    before: Callable[[], WorkflowVersion | None]


class Checker:
    """Checks definitions against node types and a workspace."""

    def __init__(
        self, workflows: WorkflowRepository, integrations: IntegrationRepository, factory: NodeExecutorFactory
    ) -> None:
        self._workflows = workflows
        self._integrations = integrations
        self._factory = factory

    def check(self, principal: Principal, raw: Any, own: SelfReference | None = None) -> Checked:
        """Return all problems of a definition, well-formed or not."""
        whole, layout = split(raw) if isinstance(raw, dict) else (raw, {})
        definition, problems = validate(whole, self._factory)
        if len(dumps(layout).encode()) > limits.MAX_UI_BYTES:
            problems.append(Problem("ui", "too_large", f"`ui` has at most {limits.MAX_UI_BYTES} bytes in all"))
        if not isinstance(whole, dict) or any(one.code in _CODES_OF_SIZE and not one.path for one in problems):
            return Checked(problems, layout)
        found, ids = self._names(principal, whole, own)
        found += [*self._uses_of_integrations(principal, whole), *_for_administrators(principal, whole)]
        problems += [replace(one, path=one.path.removeprefix(_BEGIN), node=node_at(whole, one.path)) for one in found]
        problems = [replace(one, edge=_edge_at(whole, one.path)) for one in problems[: limits.MAX_PROBLEMS]]
        if definition is None or any(one.severity == "error" for one in problems):
            return Checked(problems, layout)
        runs, named = bound(definition.as_json(), ids)
        return Checked(problems, layout, runs, named or None)

    def require(self, principal: Principal, raw: Any, own: SelfReference | None = None) -> Checked:
        """Check a definition that has to run.

        Raises:
            InvalidInput: the definition cannot run; `details` lists all problems.
            TooLarge: the definition exceeds a bound of size.
            Forbidden: the only problem is that the caller is no administrator.
        """
        checked = self.check(principal, raw, own)
        errors = checked.errors
        if not errors:
            return checked
        details = [_detail(problem) for problem in errors]
        more = f" (and {len(errors) - 1} more problem{'s' if len(errors) > 2 else ''})" if len(errors) > 1 else ""  # noqa: PLR2004
        message, codes = f"{_sentence(details[0])}{more}", {problem.code for problem in errors}
        if codes == {"forbidden"}:
            raise Forbidden(message, details=details)
        if errors[0].code in _CODES_OF_SIZE:
            raise TooLarge(message, details=details)
        code = "unknown_workflow" if codes == {"unknown_workflow"} else "invalid_definition"
        raise InvalidInput(message, code=code, details=details)

    # -- references --------------------------------------------------------------------------------------------

    def _names(
        self, principal: Principal, definition: Mapping[str, Any], own: SelfReference | None
    ) -> tuple[list[Problem], dict[str, str]]:
        """Return the problems of its references to workflows, and the ids of those that it refers to by name."""
        asked = [(path, holder[KEY]) for path, holder in references(definition)]
        names = {named for _, named in asked if not is_id(named)}
        found = self._workflows.existing(principal.workspace_id, sorted({one for _, one in asked if is_id(one)}))
        problems = [
            Problem(path, "unknown_workflow", f"there is no workflow {named}")
            for path, named in asked if is_id(named) and named not in found
        ]  # fmt: skip
        ids: dict[str, str] = {}
        if names:
            found = {one.id: one for one in self._workflows.all(principal.workspace_id)}
            known = self._known(found, names, own)
            ids = {name: meant for name in names if (meant := known.meant_by(name)) is not None}
            problems += [
                Problem(path, "unknown_workflow", known.why_not(named), name=named)
                for path, named in asked if named in names and named not in ids
            ]  # fmt: skip
        by_id = [(path, named, ids.get(named, named)) for path, named in asked]
        problems += [
            Problem(
                path, "not_published", f"nothing of the workflow `{named}` is published yet; it cannot be started",
                severity="warning",
            )
            for path, named, one in by_id
            if one in found and not found[one].published_version and (own is None or one != own.id)
        ]  # fmt: skip
        return problems, ids

    def _known(self, found: Mapping[str, Workflow], names: Iterable[str], own: SelfReference | None) -> Known:
        by_id = {workflow_id: one.name for workflow_id, one in found.items()}
        if own is None:
            return Known(by_id, {})
        by_id[own.id] = own.name
        known = Known(by_id, {})
        if all(known.ids(name) for name in names):
            return known
        before = own.before()
        return Known(by_id, meanings(before.definition, before.named or {}) if before else {})

    def _uses_of_integrations(self, principal: Principal, definition: Mapping[str, Any]) -> Iterator[Problem]:
        """Return the problems of references to integrations: missing ones, and ones of types that do not fit."""
        known: dict[str, Integration | None] = {}
        for path, node_type, named in named_integrations(definition):
            if not self._factory.knows(node_type):
                continue
            if named not in known:
                known[named] = self._integrations.find(principal.workspace_id, named)
            integration, types = known[named], self._factory.node_class(node_type).integrations
            if integration is None:
                yield Problem(path, "unknown_integration", f"the workspace has no integration {named!r}", name=named)
            elif "*" not in types and integration.type not in types:
                wanted = " or ".join(f"`{one}`" for one in types) or "no integration at all"
                message = f"{named!r} is of type `{integration.type}`, the node works with {wanted}"
                yield Problem(path, "wrong_integration_type", message)


def _for_administrators(principal: Principal, definition: Mapping[str, Any]) -> Iterator[Problem]:
    """Return the problems of triggers that receive events of the whole account."""
    triggers = definition.get("triggers")
    for number, trigger in enumerate(triggers if isinstance(triggers, list) else []):
        config = trigger.get("config") if isinstance(trigger, dict) else None
        if isinstance(config, dict) and config.get("bus") == "account" and not principal.is_admin:
            message = "only the administrator may have a workflow hear the events of the whole account"
            yield Problem(f"triggers[{number}].config.bus", "forbidden", message)


def require_account_bus(principal: Principal, definition: Mapping[str, Any]) -> None:
    """Refuse a live definition that only an administrator may have.

    Raises:
        Forbidden: the definition receives events of the whole account.
    """
    for problem in _for_administrators(principal, definition):
        raise Forbidden(f"{_BEGIN}{problem.path}: {problem.message}")


def _edge_at(definition: Mapping[str, Any], path: str) -> dict[str, Any] | None:
    """Return the edge that a path leads to: `{from, port, to}`; None if it leads elsewhere."""
    found = re.match(r"(?P<outer>.*\.body\.|)edges\[(?P<number>\d+)\]", path)
    if not found:
        return None
    body: Any = definition
    try:
        for index in re.findall(r"nodes\[(\d+)\]", found["outer"]):
            body = body["nodes"][int(index)]["body"]
        edge = body["edges"][int(found["number"])]
        return {"from": edge.get("from"), "port": edge.get("port", "main"), "to": edge.get("to")}
    except (AttributeError, IndexError, KeyError, TypeError):
        return None


def _detail(problem: Problem) -> dict[str, Any]:
    path = f"{_BEGIN}{problem.path}" if problem.path else "definition"
    detail: dict[str, Any] = {"path": path, "code": problem.code, "message": problem.message, "node": problem.node}
    detail |= {"edge": problem.edge, "severity": problem.severity}
    return {**detail, "name": problem.name} if problem.name is not None else detail


def _sentence(problem: Mapping[str, Any]) -> str:
    """Describe a problem of a definition in a sentence: where, in which node if in one, and what."""
    node = "" if problem["node"] is None else f" (node `{problem['node']}`)"
    return f"{problem['path']}{node}: {problem['message']}"
