"""Starts, reads and cancels executions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from engine import limits
from engine.errors import Conflict, NotFound, TooLarge
from engine.execution.fork import reusable
from engine.execution.node_costs import node_costs
from engine.execution.node_states import NodeState, node_page, node_states
from engine.history.events import History, Stored, WaitKind
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution, LogLine, Status
from engine.json_value import dumps
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.executions import LogLevel, RetryBody, StartBody
from engine.services.executions.finalization import Finalization
from engine.services.executions.start import Request, Starter
from engine.services.executions.trials import Trials
from engine.services.principal import Principal
from engine.storage.dynamodb.table import Page
from engine.storage.execution_lists import Filter
from engine.storage.payloads import OMITTED
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import WorkflowVersion
from engine.workflow.compiled import CompiledBlock, prepare_once
from engine.workflow.definition import WorkflowDefinition

SHOWN_BYTES = 4 * 1024 * 1024
"""Bytes of a response. Lambda returns at most 6 MB."""
LOG_LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """An execution with the states of nodes; `omitted` names the fields that are too large to be shown.

    `next_nodes` is the path of the last of the nodes, if there are more.
    """

    execution: Execution
    nodes: list[NodeState]
    omitted: list[str]
    next_nodes: str | None = None


class ExecutionService:
    """Manages executions, for one caller at a time."""

    def __init__(
        self, repositories: Repositories, starter: Starter, finalization: Finalization, trials: Callable[[], Trials]
    ) -> None:
        self._executions = repositories.executions
        self._histories = repositories.histories
        self._logs = repositories.logs
        self._payloads = repositories.payloads
        self._workflows = repositories.workflows
        self._starter = starter
        self._finalization = finalization
        self._trials = trials
        self._factory = NodeExecutorFactory()

    def start(self, principal: Principal, body: StartBody, idempotency_key: str | None) -> Execution:
        """Start a workflow's published version, or the requested one; or a test run.

        With an idempotency key the same request returns the same execution for 24 hours, and a start that was
        interrupted between the record and Step Functions is completed.

        Raises:
            NotFound: the workflow, version or draft does not exist.
            TooLarge: the input exceeds the bound.
            InvalidInput: the workflow's concurrency key has no value for this input, or a test run does not fit it.
            Conflict: code `idempotency_mismatch`: the key was used for another request.
            Unavailable: Step Functions did not accept it.
        """
        text = _bounded_input(body.input)
        if body.is_test:
            asked = dumps(body.model_dump(mode="json", exclude_unset=True))
            return self._started(self._trials().request(principal, body), idempotency_key, asked)
        request = Request(
            workspace_id=principal.workspace_id,
            workflow_id=body.workflow_id,
            version=body.version,
            trigger={"type": "manual", "body": body.input},
            triggered_by=principal.user_id,
        )
        return self._started(request, idempotency_key, f"{body.workflow_id} {body.version} {text}")

    def retry(self, principal: Principal, execution_id: str, body: RetryBody, idempotency_key: str | None) -> Execution:
        """Start an execution that continues an ended one from a node, with the outcomes recorded before.

        Raises:
            NotFound: the execution or version does not exist.
            InvalidInput: `from` is not a node at the top level of the workflow.
            Conflict: the execution has not ended, nothing has failed, or the versions do not fit.
        """
        text = _bounded_input(body.input)
        old, history = self._load(principal.workspace_id, execution_id)
        if old.is_test:
            raise Conflict("a test run is not gone on with; test again, with what it gave pinned", code="test_run")
        if not old.status.is_final:
            raise Conflict(f"the execution is {old.status}; it can be retried when it has ended", code="not_finished")
        workflow = self._workflows.get(principal.workspace_id, old.workflow_id)
        named = {"same": old.workflow_version, "current": workflow.published_version}
        version = body.version if isinstance(body.version, int) else named[body.version]
        if not version:
            raise Conflict("nothing of the workflow is published; name a version", code="not_published")
        before = self._block(old.workflow_id, old.workflow_version)
        after = before if version == old.workflow_version else self._block(old.workflow_id, version)
        has_input = "input" in body.model_fields_set
        request = Request(
            workspace_id=principal.workspace_id,
            workflow_id=old.workflow_id,
            version=version,
            trigger={**old.trigger, "body": body.input} if has_input else old.trigger,
            triggered_by=principal.user_id,
            depth=old.depth,
            retry_of=old.id,
            history=reusable(history, before, after, body.start, same_input=not has_input),
        )
        return self._started(request, idempotency_key, f"{old.id} {body.start} {body.version} {text}")

    def _started(self, request: Request, idempotency_key: str | None, asked: str) -> Execution:
        if idempotency_key is None:
            return self._starter.start(request, may_be_asked_again=False).execution
        # The prefix keeps keys chosen by users apart from the ids of deliveries and events, which are remembered the
        # same way.
        key = sha256(f"request {idempotency_key}".encode()).hexdigest()
        request_hash = sha256(asked.encode()).hexdigest()
        started = self._starter.start(request, key, request_hash)
        if not started.same_request:
            message = "this Idempotency-Key was used for another request; use a new one"
            raise Conflict(message, code="idempotency_mismatch")
        return started.execution

    def get(self, principal: Principal, execution_id: str, nodes_after: str | None = None) -> ExecutionView:
        """Return an execution with its nodes, from the one after `nodes_after` on; too large values are named.

        Raises:
            NotFound: the execution does not exist.
            InvalidInput: `nodes_after` is not one of its nodes.
        """
        execution = self._executions.with_progress(principal.workspace_id, execution_id, SHOWN_BYTES)
        history = self._histories.without_outputs(execution.ref)
        loops = [wait for wait in history.waits.values() if wait.kind is WaitKind.DISTRIBUTED_MAP]
        asked = self._histories.outputs(execution.ref, [wait.key for wait in loops])
        history.waits.update({wait.path: replace(wait, output=asked.get(wait.key)) for wait in loops})
        definition = self._definition(execution)
        whole = prepare_once(definition, self._factory)
        trial = execution.trial
        block = whole if trial is None else prepare_once(trial.applied(definition), self._factory)
        states = node_states(block, history, execution, whole)
        costs = node_costs(states, history, execution)
        states, next_nodes = node_page(states, nodes_after)
        states = [replace(state, dollars=costs.get(state.id, 0.0)) for state in states]
        view = shown(execution, self._with_outputs(execution.ref, states), self._histories.load)
        return replace(view, next_nodes=next_nodes)

    def _with_outputs(self, ref: ExecutionRef, states: Sequence[NodeState]) -> list[NodeState]:
        """Return the states with separately stored outputs: only those of shown nodes are read."""
        values = [value for state in states for value in (state.output, state.wait.output if state.wait else None)]
        keys = [key for value in values if (key := _key_in(value)) is not None]
        known = self._histories.outputs(ref, keys)

        def found(value: Any) -> Any:
            key = _key_in(value)
            return value if key is None else known.get(key)

        result = []
        for state in states:
            output, wait, progress = found(state.output), state.wait, state.progress
            if wait is not None:
                wait = replace(wait, output=found(wait.output))
            if progress is not None and progress["total"] is None and isinstance(output, list):
                progress = {**progress, "total": len(output)}
            result.append(replace(state, output=output, wait=wait, progress=progress))
        return result

    def file(self, principal: Principal, execution_id: str, digest: str) -> bytes:
        """Return a file that came with a delivery. Raises NotFound."""
        self._executions.get(principal.workspace_id, execution_id, payloads=False)
        content = self._payloads.file(execution_id, digest)
        if content is None:
            raise NotFound("the execution has no such file")
        return content

    def _load(self, workspace_id: str, execution_id: str) -> tuple[Execution, History]:
        """Return the record and the whole history, in one query. Large outputs are `Stored`."""
        found = self._executions.whole(execution_id)
        if found is None or found[0].workspace_id != workspace_id:
            raise NotFound("there is no such execution")
        execution, items = found
        return execution, self._histories.of(items)

    def definition(self, principal: Principal, execution_id: str) -> tuple[Execution, WorkflowVersion]:
        """Return the definition that an execution ran. Raises NotFound."""
        execution = self._executions.get(principal.workspace_id, execution_id)
        return execution, self._workflows.written(execution.workflow_id, execution.workflow_version)

    def _block(self, workflow_id: str, version: int) -> CompiledBlock:
        stored = self._workflows.get_version(workflow_id, version)
        return prepare_once(WorkflowDefinition.model_validate(stored.definition), self._factory)

    def _definition(self, execution: Execution) -> WorkflowDefinition:
        stored = self._workflows.get_version(execution.workflow_id, execution.workflow_version)
        return WorkflowDefinition.model_validate(stored.definition)

    def page(self, principal: Principal, wanted: Filter, cursor: str | None, limit: int) -> Page:
        """Return a page of the workspace's executions, the newest first."""
        return self._executions.page(principal.workspace_id, wanted, cursor, limit)

    def logs(
        self,
        principal: Principal,
        execution_id: str,
        after: str | None,
        limit: int,
        node_id: str | None = None,
        level: str = LOG_LEVELS[0],
    ) -> tuple[list[tuple[str, LogLine]], str | None]:
        """Return log lines after a cursor, each with its own, and the cursor of the rest; filtered by node and level.

        Raises:
            NotFound: the execution does not exist.
            InvalidInput: the cursor is not valid.
        """
        self._executions.get(principal.workspace_id, execution_id, payloads=False)
        below = (f"{node_id}[", f"{node_id}.")

        def is_wanted(line: LogLine) -> bool:
            is_there = node_id is None or (
                line.node_id is not None and (line.node_id == node_id or line.node_id.startswith(below))
            )
            return is_there and LOG_LEVELS.index(known_level(line.level)) >= LOG_LEVELS.index(level)

        return self._logs.page(execution_id, after, limit, is_wanted)

    def cancel(self, principal: Principal, execution_id: str) -> Execution:
        """Cancel an execution that is not finished; cancelling it twice changes nothing.

        The record comes first: from then on no driver starts another node, whatever happens to this call.

        Raises:
            NotFound: the execution does not exist.
            Conflict: the execution is finished.
        """
        execution = self._executions.get(principal.workspace_id, execution_id, payloads=False)
        message = "the execution was cancelled"
        final = self._finalization.close(execution, Status.CANCELLED, "cancelled", message, user_id=principal.user_id)
        if final is not Status.CANCELLED:
            raise Conflict(f"the execution has {final} already", code="already_finished")
        return self._executions.get(execution.workspace_id, execution_id)


def known_level(level: str) -> LogLevel:
    """Return the level of a line. Custom node types may write unknown ones."""
    return next((one for one in LOG_LEVELS if one == level), "info")


def shown(
    execution: Execution, nodes: Sequence[NodeState] = (), load: Callable[[Any], Any] = lambda value: value
) -> ExecutionView:
    """Return the view of an execution; values that are too large for one response are omitted and named.

    A `Stored` value is read, by `load`, only if there is room for it.
    """
    omitted: list[str] = []
    left = SHOWN_BYTES

    def keep(name: str, value: Any) -> Any:
        nonlocal left
        if value is None:
            return None
        if value is OMITTED or (isinstance(value, Stored) and value.reference["bytes"] > left):
            omitted.append(name)
            return None
        value = load(value)
        # Lambda's response holds the body as a string in JSON, so the size that counts is of the value escaped twice.
        size = len(json.dumps(json.dumps(value)))
        if size > left:
            omitted.append(name)
            return None
        left -= size
        return value

    execution = replace(
        execution,
        error=keep("error", execution.error),
        trigger={**execution.trigger, "body": keep("input", execution.trigger.get("body"))},
        result=keep("result", execution.result),
    )
    kept = [
        replace(
            node, error=keep(f"nodes.{node.id}.error", node.error), output=keep(f"nodes.{node.id}.output", node.output)
        )
        for node in nodes
    ]
    return ExecutionView(execution, kept, omitted)


def _key_in(value: Any) -> str | None:
    """Return the key of the event that holds a value, if it was not read with the history."""
    return value.reference.get("key") if isinstance(value, Stored) else None


def _bounded_input(value: Any) -> str:
    """Return an input as JSON text.

    Raises:
        TooLarge: the input exceeds the bound.
    """
    text = dumps(value)
    size = len(text.encode())
    if size > limits.MAX_INPUT_BYTES:
        raise TooLarge(f"`input` has at most {limits.MAX_INPUT_BYTES} bytes of JSON, this has {size}")
    return text
