"""Creating, changing and checking workflows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, Forbidden, InvalidInput, TooLarge
from engine.execution.callbacks import new_secret
from engine.ids import new_id
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.workflows import WorkflowBody
from engine.services.principal import Permission, Principal
from engine.storage.dynamodb.table import Page
from engine.storage.integrations import Integration, IntegrationRepository
from engine.storage.workflows import Workflow, WorkflowRepository, WorkflowVersion, named_integrations
from engine.workflow.references import KEY, Known, as_written, bound, meanings, names_in, references
from engine.workflow.validator import Problem, node_at, validate


class WorkflowService:
    """Everything about workflows, for one caller at a time."""

    def __init__(
        self,
        workflows: WorkflowRepository,
        integrations: IntegrationRepository,
        factory: NodeExecutorFactory,
        clock: Clock,
    ) -> None:
        self._workflows = workflows
        self._integrations = integrations
        self._factory = factory
        self._clock = clock

    def create(self, principal: Principal, body: WorkflowBody) -> Workflow:
        """Store a new workflow, version 1, inactive.

        Raises:
            InvalidInput: the definition cannot run; `details` lists all problems.
            Conflict: the workspace holds as many workflows as it may.
        """
        principal.require(Permission.WRITE)
        workflow_id = new_id()
        definition, named = self._bound(principal, body, self._checked(body.definition), workflow_id)
        self._check_references(principal, definition, named)
        if self._workflows.count(principal.workspace_id) >= limits.MAX_WORKFLOWS:
            message = f"a workspace holds at most {limits.MAX_WORKFLOWS} workflows; delete one first"
            raise Conflict(message, code="limit_reached")
        now = format_time(self._clock.now())
        workflow = Workflow(
            workflow_id, principal.workspace_id, body.name, body.description, 1, is_active=False, created_at=now,
            updated_at=now, definition=definition, hook_secret=new_secret(),
        )  # fmt: skip
        version = self._version(principal, workflow.id, 1, body, definition, now)
        self._workflows.create(workflow, replace(version, named=named))
        return replace(workflow, definition=as_written(definition, named or {}))

    def get(self, principal: Principal, workflow_id: str) -> Workflow:
        """The workflow with the definition of its newest version. Raises NotFound."""
        principal.require(Permission.READ)
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        return self._with_definition(workflow)

    def page(self, principal: Principal, cursor: str | None, limit: int) -> Page:
        """A page of the workspace's workflows, the newest first."""
        principal.require(Permission.READ)
        return self._workflows.page(principal.workspace_id, cursor, limit)

    def update(self, principal: Principal, workflow_id: str, body: WorkflowBody, based_on: int | None) -> Workflow:
        """Make a new version, if `based_on` is the newest; None replaces whatever is there.

        Raises:
            NotFound: there is no such workflow.
            InvalidInput: the definition cannot run.
            PreconditionFailed: another version came first.
        """
        principal.require(Permission.WRITE)
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        checked = self._checked(body.definition)
        definition, named = self._bound(principal, body, checked, workflow_id, workflow.version)
        self._check_references(principal, definition, named)
        base = workflow.version if based_on is None else based_on
        version = self._version(principal, workflow_id, base + 1, body, definition, format_time(self._clock.now()))
        added = self._workflows.add_version(workflow, replace(version, named=named), based_on=base)
        return replace(added, definition=as_written(definition, named or {}))

    def delete(self, principal: Principal, workflow_id: str) -> None:
        """Delete a workflow; executions that are under way go on. Raises NotFound."""
        principal.require(Permission.WRITE)
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        self._workflows.delete(workflow, format_time(self._clock.now()))

    def set_active(self, principal: Principal, workflow_id: str, *, active: bool) -> Workflow:
        """Activate or deactivate; doing it twice changes nothing. Raises NotFound."""
        principal.require(Permission.WRITE)
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        if workflow.is_active != active:
            workflow = self._workflows.set_active(workflow, active=active, at=format_time(self._clock.now()))
        return self._with_definition(workflow)

    def versions(self, principal: Principal, workflow_id: str, cursor: str | None, limit: int) -> Page:
        """A page of versions, the newest first. Raises NotFound."""
        principal.require(Permission.READ)
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        before = None
        if cursor is not None:
            if not (cursor.isascii() and cursor.isdecimal() and 1 <= int(cursor[:9]) <= limits.MAX_VERSIONS + 1):
                raise InvalidInput.at("cursor", "not a cursor of this list")
            before = int(cursor)
        return self._workflows.versions(workflow.id, before, limit)

    def get_version(self, principal: Principal, workflow_id: str, version: int) -> WorkflowVersion:
        """One version. Raises NotFound."""
        principal.require(Permission.READ)
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        stored = self._workflows.get_version(workflow.id, version)
        return replace(stored, definition=as_written(stored.definition, stored.named or {}))

    def problems(self, principal: Principal, definition: Any) -> list[Problem]:
        """All that is wrong with a definition."""
        principal.require(Permission.READ)
        return validate(definition, self._factory)[1]

    def _checked(self, raw: dict[str, Any]) -> dict[str, Any]:
        definition, problems = validate(raw, self._factory)
        if definition is None:
            first = problems[0]
            more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
            details = [
                {
                    "path": f"definition.{problem.path}" if problem.path else "definition",
                    "code": problem.code,
                    "message": problem.message,
                    "node": problem.node,
                }
                for problem in problems
            ]
            kind = TooLarge if first.code in ("too_large", "too_many") else InvalidInput
            code = "too_large" if kind is TooLarge else "invalid_definition"
            raise kind(f"{_told(details[0])}{more}", code=code, details=details)
        return definition.as_json()

    def _bound(
        self, principal: Principal, body: WorkflowBody, definition: dict[str, Any], workflow_id: str, version: int = 0
    ) -> tuple[dict[str, Any], dict[str, str] | None]:
        """The definition with the ids of the workflows that it names, its own included, and the names by field.

        Raises:
            InvalidInput: code `unknown_workflow`: no workflow has such a name, or several have; `details` has all.
        """
        wanted = names_in(definition)
        if not wanted:
            return definition, None
        names = {**self._workflows.names(principal.workspace_id), workflow_id: body.name}
        known = Known(names, {})
        if version and any(not known.ids(name) for _, name in wanted):
            stored = self._workflows.get_version(workflow_id, version)
            known = Known(names, meanings(stored.definition, stored.named or {}))
        ids = {name: known.meant_by(name) for _, name in wanted}
        details = [
            {
                "path": path, "code": "unknown_workflow", "message": known.why_not(name), "name": name,
                "node": node_at(definition, path),
            }
            for path, name in wanted if ids[name] is None
        ]  # fmt: skip
        if details:
            raise InvalidInput(_told(details[0]), code="unknown_workflow", details=details)
        return bound(definition, {name: found for name, found in ids.items() if found})

    def _check_references(self, principal: Principal, definition: dict[str, Any], named: dict[str, str] | None) -> None:
        """Refuse a definition that names a workflow which is not there, where it names it outright.

        Raises:
            InvalidInput: names the field.
            Forbidden: a trigger hears what concerns the whole account, and the caller is not the administrator.
        """
        for number, trigger in enumerate(definition.get("triggers", ())):
            if trigger.get("config", {}).get("bus") == "account" and not principal.is_admin:
                message = "only the administrator may have a workflow hear the events of the whole account"
                raise Forbidden(f"definition.triggers[{number}].config.bus: {message}")
        asked = {path: holder[KEY] for path, holder in references(definition) if path not in (named or {})}
        there = self._workflows.existing(principal.workspace_id, sorted(set(asked.values())))
        for path, workflow_id in asked.items():
            if workflow_id not in there:
                raise InvalidInput.at(path, f"there is no workflow {workflow_id}")
        self._check_integrations(principal, definition)

    def _check_integrations(self, principal: Principal, definition: dict[str, Any]) -> None:
        """Refuse a definition whose nodes name integrations that are not there, or of types that they cannot use.

        Raises:
            InvalidInput: names the field.
        """
        known: dict[str, Integration | None] = {}
        for path, node_type, named in named_integrations(definition):
            if named not in known:
                known[named] = self._integrations.find(principal.workspace_id, named)
            integration, types = known[named], self._factory.node_class(node_type).integrations
            if integration is None:
                raise InvalidInput.at(path, f"the workspace has no integration {named!r}")
            if "*" not in types and integration.type not in types:
                wanted = " or ".join(f"`{one}`" for one in types) or "no integration at all"
                raise InvalidInput.at(path, f"{named!r} is of type `{integration.type}`, the node works with {wanted}")

    def _with_definition(self, workflow: Workflow) -> Workflow:
        stored = self._workflows.get_version(workflow.id, workflow.version)
        return replace(workflow, definition=as_written(stored.definition, stored.named or {}))

    def _version(
        self, principal: Principal, workflow_id: str, number: int, body: WorkflowBody, definition: Any, now: str
    ) -> WorkflowVersion:
        return WorkflowVersion(workflow_id, number, body.name, body.description, definition, now, principal.user_id)


def _told(problem: dict[str, Any]) -> str:
    """A problem of a definition in a sentence: where, in which node if in one, and what."""
    node = "" if problem["node"] is None else f" (node `{problem['node']}`)"
    return f"{problem['path']}{node}: {problem['message']}"
