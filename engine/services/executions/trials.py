"""Test runs: of a draft or a version, with pinned outputs, of all nodes or some."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol

from pydantic import ValidationError

from engine import limits
from engine.clock import Clock
from engine.errors import Conflict, InvalidInput, TooLarge
from engine.json_value import check_output, dumps
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.executions import StartBody, TriggerBody
from engine.security.permissions import Permission
from engine.services.executions.start import Request
from engine.services.executions.trigger_trials import trial_trigger
from engine.services.principal import Principal
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Workflow
from engine.triggers.definition import TriggerDefinition
from engine.triggers.types import TRIGGER_TYPES
from engine.workflow.definition import WorkflowDefinition
from engine.workflow.trial import Trial, check_trial


class Drafts(Protocol):
    """The drafts of workflows, as test runs need them."""

    def draft_definition(self, principal: Principal, workflow_id: str) -> dict[str, Any]:
        """Return the definition in the caller's draft. Raises NotFound."""

    def draft_snapshot(self, principal: Principal, workflow_id: str, definition: dict[str, Any]) -> int:
        """Check a definition as for publishing, and store it as an unlisted version; return its number.

        Raises:
            InvalidInput: the definition cannot run.
        """


class Trials:
    """Prepares test runs."""

    def __init__(self, repositories: Repositories, drafts: Drafts, clock: Clock) -> None:
        self._repositories = repositories
        self._drafts = drafts
        self._clock = clock
        self._factory = NodeExecutorFactory()

    def request(self, principal: Principal, body: StartBody) -> Request:
        """Return what to start for a test run.

        Raises:
            NotFound: the workflow, version or draft does not exist.
            InvalidInput: the requested part cannot run, or a field does not fit it.
            TooLarge: the pins exceed the bound.
            Forbidden: the caller may start workflows, and not write them.
            Conflict: nothing is published, or the trigger has not received anything yet.
        """
        _check_sizes(body)
        workflow = self._repositories.workflows.get(principal.workspace_id, body.workflow_id)
        raw = self._draft(principal, body)
        if raw is None:
            version = body.version or _published(workflow)
            stored = self._repositories.workflows.get_version(workflow.id, version)
        else:
            version = self._snapshot(principal, body, raw)
            stored = self._repositories.workflows.get_version(workflow.id, version)
        definition = WorkflowDefinition.model_validate(stored.definition)
        pins = {path: (pin.output, pin.port) for path, pin in body.pins.items()}
        trial = check_trial(pins, body.until, body.only, definition, self._factory)
        return Request(
            workspace_id=principal.workspace_id,
            workflow_id=workflow.id,
            workflow=workflow,
            version=version,
            trigger=self._trigger(workflow, body, raw or stored.definition),
            triggered_by=principal.user_id,
            is_test=True,
            trial=trial,
        )

    def _draft(self, principal: Principal, body: StartBody) -> dict[str, Any] | None:
        if body.draft is None:
            return None
        if body.version is not None:
            raise InvalidInput.at("draft", "give `draft` or `version`, not both")
        principal.require(Permission.EDIT)  # else whoever may start what others wrote could run anything
        return (
            body.draft if isinstance(body.draft, dict) else self._drafts.draft_definition(principal, body.workflow_id)
        )

    def _snapshot(self, principal: Principal, body: StartBody, raw: dict[str, Any]) -> int:
        """Store the draft as a version; if not all of it can run, only the requested part."""
        if body.until is None and body.only is None:
            return self._drafts.draft_snapshot(principal, body.workflow_id, raw)
        with suppress(InvalidInput, TooLarge):
            return self._drafts.draft_snapshot(principal, body.workflow_id, raw)
        pins = {path: {"output": pin.output, "port": pin.port or "main"} for path, pin in body.pins.items()}
        part = Trial.of({"pins": pins, "until": body.until, "only": body.only}).applied_to(raw)
        part.pop("triggers", None)
        return self._drafts.draft_snapshot(principal, body.workflow_id, part)

    def _trigger(self, workflow: Workflow, body: StartBody, raw: dict[str, Any]) -> dict[str, Any]:
        """Return the value of `trigger` in the test run."""
        if body.trigger is None:
            return {"type": "manual", "body": body.input}
        if "input" in body.model_fields_set:
            raise InvalidInput.at("input", "give `input` or `trigger`, not both; `trigger.payload` has a `body`")
        trigger = _find_trigger(raw, body.trigger)
        return trial_trigger(
            self._repositories,
            workflow.id,
            trigger,
            body.trigger.payload,
            self._clock.now(),
            last=body.trigger.last,
            where="trigger.payload",
        )


def _published(workflow: Workflow) -> int:
    if not workflow.published_version:
        message = "nothing of the workflow is published; test a draft or a version"
        raise Conflict(message, code="not_published")
    return workflow.published_version


def _find_trigger(raw: dict[str, Any], body: TriggerBody) -> TriggerDefinition:
    """Find a trigger of a definition, whose other parts may be unfinished.

    Raises:
        InvalidInput: the trigger does not exist, or its config is not valid.
    """
    listed = raw.get("triggers")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    chosen = next((one for one in found if one.get("id") == body.id), None)
    if chosen is None:
        known = ", ".join(f"`{one.get('id')}`" for one in found) or "none"
        raise InvalidInput.at("trigger.id", f"the workflow has no trigger `{body.id}`; it has {known}")
    try:
        trigger = TriggerDefinition.model_validate(chosen)
        TRIGGER_TYPES[trigger.type].model_validate(trigger.config)
    except (ValidationError, KeyError):
        raise InvalidInput.at("trigger.id", f"the trigger `{body.id}` is not complete yet") from None
    return trigger


def _check_sizes(body: StartBody) -> None:
    size = len(dumps({path: pin.output for path, pin in body.pins.items()}).encode())
    if size > limits.MAX_INPUT_BYTES:
        raise TooLarge(f"`pins` have at most {limits.MAX_INPUT_BYTES} bytes of JSON together, these have {size}")
    for pin in body.pins.values():
        check_output(pin.output, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
