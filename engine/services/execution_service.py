"""Starting, watching and cancelling executions."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from engine import limits
from engine.clock import Clock
from engine.definition import WorkflowDefinition
from engine.errors import Conflict, InvalidInput, TooLarge, Unavailable
from engine.execution import Execution, LogLine, Status
from engine.ids import is_id, new_id
from engine.journal import by_path
from engine.jsonvalue import dumps
from engine.schemas.executions import StartBody
from engine.services.principal import Permission, Principal
from engine.states import NodeState, node_states
from engine.storage.executions import ExecutionRepository, Filter
from engine.storage.payloads import OMITTED
from engine.storage.table import Page
from engine.storage.workflows import WorkflowRepository

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

logger = logging.getLogger(__name__)

SHOWN_BYTES = 4 * 1024 * 1024
"""What an answer may hold. Lambda gives back at most 6 MB."""


class StateMachine:
    """The Step Functions state machine that drives executions."""

    def __init__(self, client: SFNClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    def start(self, execution_id: str, generation: int = 1) -> None:
        """Start driving an execution; starting the same generation again changes nothing.

        Raises:
            Unavailable: Step Functions did not take it.
        """
        name = f"{execution_id}-{generation}"
        payload = dumps({"execution_id": execution_id, "generation": generation})
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=name, input=payload)
        except self._client.exceptions.ExecutionAlreadyExists:
            return
        except (ClientError, BotoCoreError) as error:
            logger.exception("StartExecution %s failed", name)
            raise Unavailable("the execution could not be started; try again") from error

    def stop(self, execution_id: str, generation: int = 1) -> None:
        """Stop driving it. If that fails it is no harm: the next turn sees the record's status and ends."""
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{execution_id}-{generation}"
        try:
            self._client.stop_execution(executionArn=arn, cause="cancelled")
        except (ClientError, BotoCoreError) as error:
            logger.warning("StopExecution %s failed: %s", arn, error)


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """An execution with the state of each of its nodes."""

    execution: Execution
    nodes: list[NodeState]


class ExecutionService:
    """Everything about executions, for one caller at a time."""

    def __init__(
        self, executions: ExecutionRepository, workflows: WorkflowRepository, machine: StateMachine, clock: Clock
    ) -> None:
        self._executions = executions
        self._workflows = workflows
        self._machine = machine
        self._clock = clock

    def start(self, principal: Principal, body: StartBody, idempotency_key: str | None) -> Execution:
        """Start a workflow's newest version.

        With an idempotency key the same request gives the same execution for 24 hours, and a start that was
        interrupted between the record and Step Functions is completed.

        Raises:
            NotFound: there is no such workflow.
            TooLarge: the input is over the bound.
            Conflict: code `idempotency_mismatch`: the key was used for another request.
            Unavailable: Step Functions did not take it.
        """
        principal.require(Permission.EXECUTE)
        text = dumps(body.input)
        size = len(text.encode())
        if size > limits.MAX_INPUT_BYTES:
            raise TooLarge(f"`input` has at most {limits.MAX_INPUT_BYTES} bytes of JSON, this has {size}")
        workflow = self._workflows.get(principal.workspace_id, body.workflow_id)
        execution = Execution(
            id=new_id(),
            workspace_id=principal.workspace_id,
            workflow_id=workflow.id,
            workflow_version=workflow.version,
            trigger_type="manual",
            triggered_by=principal.user_id,
            trigger={"type": "manual", "body": body.input},
            created_at=self._clock.now(),
        )
        key = sha256(idempotency_key.encode()).hexdigest() if idempotency_key else None
        request_hash = sha256(f"{workflow.id} {text}".encode()).hexdigest()
        started = self._executions.create(execution, key, request_hash)
        if not started.same_request:
            message = "this Idempotency-Key was used for another workflow or input; use a new one"
            raise Conflict(message, code="idempotency_mismatch")
        if started.execution.status is Status.PENDING:
            self._drive(started.execution, can_be_repeated=idempotency_key is not None)
        return started.execution

    def get(self, principal: Principal, execution_id: str) -> ExecutionView:
        """An execution with its nodes. Raises NotFound."""
        principal.require(Permission.READ)
        execution, entries = self._executions.load_own(principal.workspace_id, execution_id, SHOWN_BYTES)
        stored = self._workflows.get_version(execution.workflow_id, execution.workflow_version)
        definition = WorkflowDefinition.model_validate(stored.definition)
        return ExecutionView(execution, node_states(definition, *by_path(entries), execution.status))

    def page(self, principal: Principal, wanted: Filter, cursor: str | None, limit: int) -> Page:
        """A page of the workspace's executions, the newest first."""
        principal.require(Permission.READ)
        return self._executions.page(principal.workspace_id, wanted, cursor, limit)

    def logs(self, principal: Principal, execution_id: str, after: str | None, limit: int) -> list[tuple[str, LogLine]]:
        """Log lines behind a cursor, each with its own; one more than `limit` where there is more.

        Raises:
            NotFound: there is no such execution.
            InvalidInput: the cursor is none of ours.
        """
        principal.require(Permission.READ)
        self._executions.get(principal.workspace_id, execution_id, payloads=False)
        batch, line = _log_cursor(after)
        return self._executions.logs(execution_id, batch, line, limit + 1)

    def cancel(self, principal: Principal, execution_id: str) -> Execution:
        """Cancel an execution that is not finished; cancelling it twice changes nothing.

        The record comes first: from then on no driver starts another node, whatever happens to this call.

        Raises:
            NotFound: there is no such execution.
            Conflict: it is finished.
        """
        principal.require(Permission.EXECUTE)
        before = self._executions.get(principal.workspace_id, execution_id, payloads=False)
        now = self._clock.now()
        error = {"code": "cancelled", "message": "the execution was cancelled", "details": None}
        final, wrote = self._executions.finish(execution_id, Status.CANCELLED, now, error=error)
        if final is not Status.CANCELLED:
            raise Conflict(f"the execution has {final} already", code="already_finished")
        if wrote:
            line = LogLine(now, "warning", "execution cancelled", None, {"user_id": principal.user_id})
            self._executions.log(execution_id, [line], now)
        self._machine.stop(execution_id)
        return self._executions.get(before.workspace_id, execution_id)

    def _drive(self, execution: Execution, *, can_be_repeated: bool) -> None:
        try:
            self._machine.start(execution.id)
        except Unavailable as error:
            if not can_be_repeated:
                self._executions.finish(execution.id, Status.FAILED, self._clock.now(), error=error.as_dict())
            raise


def shown(view: ExecutionView) -> tuple[ExecutionView, list[str]]:
    """The view with what is too large for one answer left out, and the names of those fields."""
    omitted: list[str] = []
    left = SHOWN_BYTES

    def keep(name: str, value: Any) -> Any:
        nonlocal left
        if value is None:
            return None
        # Lambda's answer holds the body as a string in JSON, so what counts is the value escaped twice.
        size = left + 1 if value is OMITTED else len(json.dumps(json.dumps(value)))
        if size > left:
            omitted.append(name)
            return None
        left -= size
        return value

    execution = view.execution
    execution = replace(
        execution,
        error=keep("error", execution.error),
        trigger={**execution.trigger, "body": keep("input", execution.trigger.get("body"))},
        result=keep("result", execution.result),
    )
    nodes = [
        replace(
            node, error=keep(f"nodes.{node.id}.error", node.error), output=keep(f"nodes.{node.id}.output", node.output)
        )
        for node in view.nodes
    ]
    return ExecutionView(execution, nodes), omitted


def _log_cursor(after: str | None) -> tuple[str | None, int]:
    if after is None:
        return None, -1
    batch, _, line = after.partition(".")
    if is_id(batch) and line.isascii() and line.isdecimal() and len(line) < 9:  # noqa: PLR2004
        return batch, int(line)
    raise InvalidInput.at("after", "not a cursor of this log")
