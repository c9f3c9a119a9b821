"""Starts executions: by the API, by other executions, as a retry. All of them take one path."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine import limits
from engine.aws.step_functions import StateMachine
from engine.clock import Clock
from engine.errors import Conflict, ExpressionError, InvalidInput, Unavailable
from engine.execution.callbacks import new_secret
from engine.history.events import Outcome
from engine.history.model import Caller, Execution, QueuePosition, Status
from engine.ids import new_id
from engine.json_value import dumps
from engine.services.executions.concurrency import ConcurrencyLimits
from engine.storage.concurrency_slots import concurrency_key_of
from engine.storage.executions import Started
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Workflow
from engine.workflow.definition import Concurrency
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.templates import render
from engine.workflow.trial import Trial

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """What to start. Without `version` it is the published one; without `id` a new one is made.

    If a trigger starts it, `overlap` says what happens while another execution of the same trigger is running, and
    `workflow` is its record, if the caller has just read it. `trial` is how a test run differs from other runs.
    """

    workspace_id: str
    workflow_id: str
    trigger: dict[str, Any]
    version: int | None = None
    triggered_by: str | None = None
    id: str | None = None
    depth: int = 0
    caller: Caller | None = None
    retry_of: str | None = None
    history: Sequence[Outcome] = ()
    """The outcomes that it begins with."""
    overlap: Literal["skip", "queue"] | None = None
    workflow: Workflow | None = None
    is_test: bool = False
    trial: Trial | None = None

    @property
    def trigger_id(self) -> str | None:
        """The id of the workflow's trigger that starts it; None for other starts and test runs."""
        return None if self.trigger.get("test") else self.trigger.get("trigger_id")


class Starter:
    """Starts executions, each exactly once."""

    def __init__(
        self, repositories: Repositories, concurrency_limits: ConcurrencyLimits, machine: StateMachine, clock: Clock
    ) -> None:
        self._repositories = repositories
        self._executions = repositories.executions
        self._concurrency_limits = concurrency_limits
        self._machine = machine
        self._clock = clock

    def start(
        self,
        request: Request,
        idempotency_key: str | None = None,
        request_hash: str = "",
        *,
        may_be_asked_again: bool = True,
        remember: int = limits.IDEMPOTENCY_SECONDS,
        other_keys: Sequence[str] = (),
        runs_ahead: bool = False,
    ) -> Started:
        """Record an execution and start its driver, or queue it if its workflow has a limit.

        The same key or other key (for `remember` seconds) or id returns the same execution; a start that was
        interrupted after the record is completed. If the caller cannot repeat the request, a start that Step Functions
        does not accept now has failed. A new execution that needs no slot gets no driver if `runs_ahead`: the caller
        runs it.

        Raises:
            NotFound: the workflow or version does not exist.
            Conflict: code `not_published`: no version was requested, and none is published.
            InvalidInput: the key of the workflow's limit cannot be evaluated over this input.
            Unavailable: Step Functions did not accept it; recovery will start it.
        """
        execution = self._new(request)
        also = [self._repositories.slots.queue_entry(execution)] if execution.queue_position else []
        if request.history:
            histories = self._repositories.histories
            adopted = [histories.adopt(outcome, execution.ref) for outcome in request.history]
            also.append(histories.recomputable(execution.ref, adopted))  # with the record, or nobody would ever find it
        started = self._executions.create(
            execution, idempotency_key, request_hash, also, remember=remember, other_keys=other_keys
        )
        if runs_ahead and self._is_run_ahead(started):
            return started
        if started.same_request and started.execution.status is Status.PENDING:
            try:
                self._drive(started.execution)
            except Unavailable as error:
                if not may_be_asked_again:
                    self._executions.finish(execution.id, Status.FAILED, self._clock.now(), error=error.as_dict())
                raise
            if started.execution.queue_position is not None:
                fresh = self._executions.get(request.workspace_id, started.execution.id)
                return replace(started, execution=fresh)
        return started

    def _is_run_ahead(self, started: Started) -> bool:
        """Return whether an execution is run ahead: by this caller, or by an earlier one with the same request.

        If that one has died, recovery takes over after this time.
        """
        age = (self._clock.now() - started.execution.created_at).total_seconds()
        return started.execution.queue_position is None and (started.is_new or age < limits.START_GRACE)

    def find(self, request: Request) -> Execution | None:
        """Return the execution that an earlier request with this id created, if it got that far."""
        found = self._executions.find(request.id) if request.id else None
        return found.execution if found else None

    def _new(self, request: Request) -> Execution:
        """Create the requested execution."""
        workflow = request.workflow or self._repositories.workflows.get(request.workspace_id, request.workflow_id)
        version, concurrency = request.version or workflow.published_version, workflow.concurrency
        if not version:
            raise Conflict("nothing of the workflow is published; publish a version first", code="not_published")
        if version != workflow.published_version:
            concurrency = self._repositories.workflows.get_version(workflow.id, version).definition.get("concurrency")
        if request.overlap is not None:
            concurrency = {"limit": 1, "when_full": request.overlap}
        rule = Concurrency.model_validate(concurrency) if concurrency else None
        created_at = self._clock.now()  # before the id: `created_after` of lists, which uses the id's time, includes it
        return Execution(
            id=request.id or new_id(),
            workspace_id=request.workspace_id,
            workflow_id=workflow.id,
            workflow_version=version,
            trigger_type=request.trigger["type"],
            triggered_by=request.triggered_by,
            trigger=request.trigger,
            created_at=created_at,
            secret=new_secret(),
            depth=request.depth,
            caller=request.caller,
            queue_position=_queue_position(workflow.id, rule, request),
            retry_of=request.retry_of,
            trigger_id=request.trigger_id,
            workflow_name=workflow.name,
            is_test=request.is_test,
            trial=request.trial,
        )

    def _drive(self, execution: Execution) -> None:
        if execution.queue_position is None:
            self._machine.start(execution.id, execution.driver_attempt)
        else:
            self._concurrency_limits.enter(execution)


def _queue_position(workflow_id: str, rule: Concurrency | None, request: Request) -> QueuePosition | None:
    """Return the queue position of an execution.

    An awaited child runs in its caller's slot; a test run takes no slot.
    """
    if rule is None or request.is_test or (request.caller is not None and request.caller.waits):
        return None
    if request.overlap is not None:
        return QueuePosition(
            concurrency_key_of(workflow_id, f"trigger {request.trigger_id}"), rule.limit, when_full=rule.when_full
        )
    if rule.key is None:
        return QueuePosition(concurrency_key_of(workflow_id, None), rule.limit, when_full=rule.when_full)
    try:
        value = render(rule.key, Scope({"trigger": request.trigger}), "concurrency.key")
    except ExpressionError as error:
        raise InvalidInput.at("input", f"the workflow's {error.message}") from None
    return QueuePosition(concurrency_key_of(workflow_id, dumps(value)), rule.limit, when_full=rule.when_full)
