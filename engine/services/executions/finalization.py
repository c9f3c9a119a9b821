"""Finalization: everything that follows from the end of an execution.

Its slot is given back, its caller is answered, what it started is ended, and the failure workflow is started. Each step
can be repeated by anybody, with the same result.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from engine import limits
from engine.aws.step_functions import StateMachine
from engine.clock import Clock, format_time
from engine.errors import ExecutionLost, MainspringError, RequestError, Unavailable
from engine.history.events import History, PendingSignal, Signal, SignalStatus, WaitKind
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Caller, Execution, LogLine, Status
from engine.ids import derived_id
from engine.services.executions.concurrency import ConcurrencyLimits
from engine.services.executions.start import Request, Starter
from engine.storage.dynamodb.table import ConditionFailed
from engine.storage.repositories import Repositories
from engine.workflow.definition import WorkflowDefinition

logger = logging.getLogger(__name__)
_MOST_ENDED = 100
"""Child executions that one call ends at most."""


class Finalization:
    """Ends executions, and finalizes them."""

    def __init__(
        self,
        repositories: Repositories,
        concurrency_limits: ConcurrencyLimits,
        starter: Starter,
        machine: StateMachine,
        clock: Clock,
    ) -> None:
        self._repositories = repositories
        self._executions = repositories.executions
        self._next_checks = repositories.next_checks
        self._histories = repositories.histories
        self._concurrency_limits = concurrency_limits
        self._starter = starter
        self._machine = machine
        self._clock = clock

    def close(self, execution: Execution, status: Status, code: str, message: str, **metadata: Any) -> Status:
        """End an execution from outside, unless it has ended; return its status afterwards.

        The record is written first: from then on no driver starts another node, whatever happens to this call.
        """
        now = self._clock.now()
        error = {"code": code, "message": message, "details": None, "node": None}
        soon = now + timedelta(seconds=limits.CHECK_GRACE)
        try:
            final, wrote = self._executions.finish(execution.id, status, now, error=error, next_check_at=soon)
        except ExecutionLost:
            return status
        if final is not status:
            return final
        if wrote:
            self._complete_log(execution.ref)
            level = "warning" if status is Status.CANCELLED else "error"
            self._repositories.logs.append(execution.ref, [LogLine(now, level, message, None, metadata or None)])
        self._machine.stop(execution.id, execution.driver_attempt)
        try:
            self.finalize(execution.id)
        except Exception:
            # The end is recorded, so the caller is told of it; recovery soon finalizes it.
            logger.exception("what the end of %s brings could not all be done", execution.id)
        return final

    def finalize(self, execution_id: str) -> None:
        """Finalize an execution, if it has ended. Doing it twice changes nothing.

        A failing step does not keep the others from running; the first failure is raised after all were tried.
        """
        found = self._executions.find(execution_id)
        if found is None or not found.execution.status.is_final:
            return
        execution = found.execution
        failures: list[Exception] = []
        is_done = [self._tried(step, execution, failures) for step in self._steps(execution)]
        if failures:
            raise failures[0]
        if all(is_done):  # otherwise there is more than one call can end, and recovery calls again
            self._executions.retire(execution)

    def _steps(self, execution: Execution) -> Iterator[Callable[[Execution], bool | None]]:
        """Yield the steps of the finalization."""
        if execution.queue_position is not None:
            yield self._release
        if execution.caller is not None and execution.caller.waits:
            yield self._tell_caller
        yield self._end_what_it_started
        if execution.status in (Status.FAILED, Status.TIMED_OUT) and not execution.is_test:
            yield self._start_on_failure

    def _tried(self, step: Callable[[Execution], bool | None], execution: Execution, failures: list[Exception]) -> bool:
        """Run a step; return whether nothing is left of it."""
        try:
            return step(execution) is not False
        except Exception as error:
            if failures:
                logger.warning("another step failed at the end of %s", execution.id, exc_info=error)
            failures.append(error)
            return False

    def _release(self, execution: Execution) -> None:
        if execution.queue_position is not None:
            self._concurrency_limits.release(execution.queue_position, execution.id)

    def _whole(self, execution: Execution) -> Execution:
        """Return the execution with its input and result, which most finalizations do not need."""
        found = self._executions.find(execution.id, payloads=True)
        return found.execution if found else execution

    def _complete_log(self, ref: ExecutionRef) -> None:
        """Add the log lines of a driver that may have died. A failure must not keep executions from ending."""
        try:
            self._repositories.logs.complete(ref)
        except Exception:
            logger.exception("the log of %s could not be completed", ref)

    def resume(self, ref: ExecutionRef) -> None:
        """Resume a suspended execution; if it is not suspended, its signal counter keeps it from suspending."""
        found = self._executions.find(str(ref))
        if found is not None and found.task_token is not None:
            self._machine.resume(found.task_token)

    def send_signal(
        self,
        ref: ExecutionRef,
        wait: PendingSignal | Caller,
        output: Any,
        status: SignalStatus = SignalStatus.ANSWERED,
    ) -> None:
        """Record a signal and resume its execution, unless that is over."""
        now = self._clock.now()
        signal = Signal(wait.path, wait.attempt, now, status, output)
        try:
            self._histories.record_signal(ref, signal, now + timedelta(seconds=limits.CHECK_GRACE))
        except ConditionFailed:
            return
        self.resume(ref)

    def pending_signals(self, ref: ExecutionRef) -> Iterator[PendingSignal]:
        """Return the open pending signals of an execution for other executions and drivers."""
        return self._histories.open_waits_for_others(ref)

    def _tell_caller(self, ended: Execution) -> None:
        execution = self._whole(ended)
        told = {
            "execution_id": execution.id,
            "status": str(execution.status),
            "result": execution.result,
            "error": execution.error,
        }
        if execution.caller is not None:
            self.send_signal(execution.caller.ref, execution.caller, told)

    def _end_what_it_started(self, execution: Execution) -> bool:
        """End all that an execution and its map batches waited for; return whether that was all."""
        left = _MOST_ENDED
        history = self._histories.waits(execution.ref)
        self._forget_approvals(execution.workspace_id, execution.ref, history)
        for wait in self._histories.open_waits_for_others(execution.ref, history):
            left -= self.end_what_was_waited_for(execution, execution.ref, wait, left)
            if left <= 0:
                return False
        return True

    def _forget_approvals(self, workspace_id: str, ref: ExecutionRef, history: History) -> None:
        """Remove approvals that are no longer awaited from the lists now, not only when somebody reads them."""
        waits = [history.open_signal(path) for path in history.waits]
        asked = [wait for wait in waits if wait is not None and wait.kind is WaitKind.APPROVAL]
        self._repositories.approvals.forget(workspace_id, ref, asked)

    def end_failed_maps(self, execution: Execution) -> None:
        """End the map workers of failed distributed loops, and what their map batches wait for."""
        for wait in self._histories.failed_maps(execution.ref):
            self.end_what_was_waited_for(execution, execution.ref, wait)

    def end_map_batch(self, ref: ExecutionRef) -> None:
        """End a map batch that is no longer needed, and what it waits for."""
        for wait in self.pending_signals(ref):
            self.end_child(ref, wait)
        self._complete_log(ref)
        self._repositories.map_batches.give_up(ref)

    def end_what_was_waited_for(
        self, execution: Execution, ref: ExecutionRef, wait: PendingSignal, most: int = _MOST_ENDED
    ) -> int:
        """End the child or the map workers that a pending signal was for; return how many were ended."""
        if wait.kind is WaitKind.CHILD:
            return self.end_child(ref, wait)
        if wait.kind is not WaitKind.DISTRIBUTED_MAP:
            return 0
        current = int(self._repositories.map_batches.progress(execution.id, wait.path)["map_attempt"])
        self._machine.stop_distributed_map(execution.id, wait.path, current)
        count = len(self._histories.load(wait.output)["begins"]) - 1
        batches = [ExecutionRef.of_batch(execution.id, wait.path, number) for number in range(count)]
        ended = 0
        for batch in self._repositories.map_batches.open_batches(batches):
            if ended >= most:
                break
            self.end_map_batch(batch)
            ended += 1
        return ended

    def end_child(self, ref: ExecutionRef, wait: PendingSignal) -> int:
        """Cancel the execution that a pending signal was for, if it is awaited and has not ended.

        Return how many that were.
        """
        child = self._executions.find(child_id(ref, wait))
        if child is None or child.execution.status.is_final:
            return 0
        if child.execution.caller is None or not child.execution.caller.waits:
            return 0
        message = "the execution that waited for it has ended, or waits no more"
        self.close(child.execution, Status.CANCELLED, "caller_ended", message, caller=str(ref))
        return 1

    def _start_on_failure(self, execution: Execution) -> None:
        stored = self._repositories.workflows.get_version(execution.workflow_id, execution.workflow_version)
        rule = WorkflowDefinition.model_validate(stored.definition).on_failure
        if rule is None or (rule.workflow == execution.workflow_id and execution.trigger_type == "failure"):
            return  # a failed execution of the failure workflow itself must not start it again
        execution = self._whole(execution)
        ended = execution.completed_at or execution.created_at
        known = {
            **execution.template_data,
            "workflow_name": execution.workflow_name,
            "status": str(execution.status),
            "error": execution.error,
            "started_at": format_time(execution.started_at) if execution.started_at else None,
            "completed_at": format_time(ended),
            "input": execution.trigger.get("body"),
        }
        request = Request(
            workspace_id=execution.workspace_id,
            workflow_id=rule.workflow,
            version=rule.version,
            trigger={"type": "failure", "body": {"execution": known}},
            id=derived_id(ended, execution.id, "on_failure"),
            depth=execution.depth + 1,
        )
        try:
            check_depth(request)
            self._starter.start(request)
        except Unavailable:
            logger.warning("%s will be started by the recovery", request.id)
        except MainspringError as error:
            message = f"the workflow for failures could not be started: {error.message}"
            now = self._clock.now()
            self._repositories.logs.append(execution.ref, [LogLine(now, "error", message)])


def check_depth(request: Request) -> None:
    """Refuse an execution at the end of too long a chain of executions that started one another.

    Raises:
        RequestError: code `too_deep`.
    """
    if request.depth > limits.MAX_CALL_DEPTH:
        message = f"executions start one another at most {limits.MAX_CALL_DEPTH} deep"
        raise RequestError(message, code="too_deep")


def child_id(ref: ExecutionRef, wait: PendingSignal) -> str:
    """Return the id of the execution that a sub-workflow node starts."""
    return derived_id(wait.started_at, str(ref), wait.key)
