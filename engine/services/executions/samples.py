"""The latest outputs of a workflow's nodes, for completing expressions and for pinned outputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from engine.clock import Clock, format_time
from engine.errors import NotFound
from engine.history.events import History, Outcome, Stored
from engine.history.execution_ref import ExecutionRef
from engine.json_value import dumps
from engine.schemas.previews import SampleNode, WorkflowSamples
from engine.services.executions.node_details import NodeInspector
from engine.services.principal import Principal
from engine.storage.payloads import OMITTED
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Workflow
from engine.triggers.definition import TriggerDefinition
from engine.triggers.samples import sample
from engine.triggers.types import TRIGGER_TYPES

_EXECUTIONS = 10
"""How many of the newest executions are searched."""
_MOST_BYTES = 3 * 1024 * 1024
_ONE_BYTES = 512 * 1024
_INDEX = re.compile(r"\[(\d+)\]")


@dataclass
class _Budget:
    """How much more may be shown."""

    left: int = _MOST_BYTES

    def takes(self, value: Any) -> bool:
        size = len(dumps(value))
        if size > min(self.left, _ONE_BYTES):
            return False
        self.left -= size
        return True


@dataclass
class _Found:
    """The samples found so far, by the path of a node in the definition."""

    nodes: dict[str, SampleNode] = field(default_factory=dict)
    loops: dict[str, tuple[str, str]] = field(default_factory=dict)
    """For each loop an execution, and the path of a node in its first iteration there."""


class Samples:
    """Reads samples."""

    def __init__(self, repositories: Repositories, inspector: NodeInspector, clock: Clock) -> None:
        self._clock = clock
        self._drafts = repositories.drafts
        self._executions = repositories.executions
        self._histories = repositories.histories
        self._workflows = repositories.workflows
        self._inspector = inspector

    def of(self, principal: Principal, workflow_id: str, execution_id: str | None = None) -> WorkflowSamples:
        """Return the latest output of each node, in one execution or among the newest.

        Before the first execution, `trigger` is made up by the triggers of the caller's draft, or the newest version.

        Raises:
            NotFound: the workflow does not exist, or it has no such execution.
        """
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        ids = list(self._newest(principal, workflow.id)) if execution_id is None else [execution_id]
        budget, found = _Budget(), _Found()
        trigger: dict[str, Any] | None = None
        began = None
        used = []
        for one in ids:
            record = self._executions.find(one, payloads=True, at_most=_ONE_BYTES)
            if record is None or record.execution.workflow_id != workflow.id:
                if execution_id is not None:
                    raise NotFound("the workflow has no such execution")
                continue
            used.append(one)
            given = record.execution.trigger
            if trigger is None and given.get("body") is not OMITTED and budget.takes(given):
                trigger, began = given, one
            self._add(found, one, self._histories.without_outputs(ExecutionRef(one)), budget)
        self._add_items(principal, found, budget)
        if trigger is None and execution_id is None:
            trigger = self._made_up(principal, workflow)
        return WorkflowSamples(trigger=trigger, trigger_execution_id=began, nodes=found.nodes, executions=used)

    def _made_up(self, principal: Principal, workflow: Workflow) -> dict[str, Any] | None:
        """Return what the first trigger that is complete would give; None if there is none."""
        draft = self._drafts.get(workflow.id, principal.user_id)
        if draft is not None:
            definition = draft.definition or {}
        elif workflow.version:
            definition = self._workflows.get_version(workflow.id, workflow.version).definition
        else:
            return None
        triggers = definition.get("triggers")  # a draft may be any JSON
        for one in triggers if isinstance(triggers, list) else []:
            try:
                trigger = TriggerDefinition.model_validate(one)
                config = TRIGGER_TYPES[trigger.type].model_validate(trigger.config)
            except (ValidationError, KeyError):
                continue
            return {**sample(trigger, config, self._clock.now()), "type": trigger.type}
        return None

    def _newest(self, principal: Principal, workflow_id: str) -> Iterator[str]:
        return self._executions.newest_of(principal.workspace_id, workflow_id, _EXECUTIONS)

    def _add(self, found: _Found, execution_id: str, history: History, budget: _Budget) -> None:
        """Add the outputs that an execution has of nodes without a sample."""
        chosen: dict[str, Outcome] = {}
        for outcome in sorted(history.outcomes.values(), key=lambda one: _order(one.path)):
            path = _INDEX.sub("", outcome.path)
            if path not in found.nodes and path not in chosen:
                chosen[path] = outcome
                loop = outcome.path.rpartition(".")[0]
                if loop:
                    found.loops.setdefault(_INDEX.sub("", loop), (execution_id, outcome.path))
        outputs = self._outputs(execution_id, chosen.values())
        for path, outcome in chosen.items():
            output = outputs.get(outcome.path, outcome.output)
            is_shown = not isinstance(output, Stored) and budget.takes(output)
            found.nodes[path] = SampleNode(
                output=output if is_shown else None,
                port=outcome.port,
                status=outcome.status,
                error=outcome.error,
                execution_id=execution_id,
                at=format_time(outcome.completed_at),
                omitted=not is_shown,
            )

    def _outputs(self, execution_id: str, outcomes: Iterable[Outcome]) -> Mapping[str, Any]:
        """Return the outputs that are in items of their own, or in S3, except those that are too large."""
        keys = {
            str(one.output.reference["key"]): one.path
            for one in outcomes
            if isinstance(one.output, Stored) and "key" in one.output.reference
        }
        read = self._histories.outputs(ExecutionRef(execution_id), list(keys))
        found = {path: read[key] for key, path in keys.items() if key in read}
        found |= {one.path: one.output for one in outcomes if one.path not in found}
        return {path: self._histories.load(value) if _is_small(value) else value for path, value in found.items()}

    def _add_items(self, principal: Principal, found: _Found, budget: _Budget) -> None:
        """Add the first item of each loop."""
        for loop, (execution_id, path) in found.loops.items():
            try:
                place = self._inspector.place(principal.workspace_id, execution_id, path)
                context, _ = self._inspector.context(place, path)
            except NotFound:
                continue
            item = context.data.get("item")
            if loop in found.nodes and budget.takes(item):
                found.nodes[loop] = found.nodes[loop].model_copy(
                    update={"item": item, "index": context.data.get("index")}
                )


def _is_small(value: Any) -> bool:
    return isinstance(value, Stored) and int(value.reference.get("bytes", _ONE_BYTES + 1)) <= _ONE_BYTES


def _order(path: str) -> tuple[tuple[int, ...], str]:
    return tuple(int(one) for one in _INDEX.findall(path)), path
