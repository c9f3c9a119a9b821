"""The supervisor: starts what executions ask for, replaces lost drivers, and finalizes executions.

It is notified that there is work, and reads in the history what it is; so notifications may be repeated, late, or lost.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from engine import limits
from engine.aws.step_functions import StateMachine
from engine.clock import Clock
from engine.errors import MainspringError, Unavailable
from engine.history.events import (
    History,
    PendingSignal,
    SignalStatus,
    WaitKind,
    signal_key,
    wait_key,
)
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Caller, Execution, LogLine, Status
from engine.history.usage import Bill
from engine.ids import derived_id
from engine.services.executions.finalization import Finalization, check_depth, child_id
from engine.services.executions.start import Request, Starter
from engine.storage.map_batches import MapBatchFailed
from engine.storage.repositories import Repositories

logger = logging.getLogger(__name__)


class Supervisor:
    """Starts and follows executions on behalf of others; a no-op for finished or missing executions."""

    def __init__(
        self,
        repositories: Repositories,
        starter: Starter,
        finalization: Finalization,
        machine: StateMachine,
        clock: Clock,
    ) -> None:
        self._executions = repositories.executions
        self._next_checks = repositories.next_checks
        self._histories = repositories.histories
        self._map_batches = repositories.map_batches
        self._logs = repositories.logs
        self._starter = starter
        self._finalization = finalization
        self._machine = machine
        self._clock = clock

    def notified(self, ref: ExecutionRef, keys: Sequence[str]) -> None:
        """Do what an execution or map batch asks for: its pending signals with these keys, or all.

        One that has ended is finalized; one that has its signals is resumed.
        """
        found = self._executions.find(ref.execution_id)
        if found is None:
            return
        is_over = found.execution.status.is_final
        if is_over:
            self._finalization.finalize(found.execution.id)
        elif not keys:
            self.launch_all(found.execution, ref)
            self._finalization.end_failed_maps(found.execution)
            self._finalization.resume(ref)
        signals = [key.replace("#WAIT#", "#SIGNAL#") for key in keys]
        history = History.of(self._histories.get(ref, [*keys, *signals]))
        for path, wait in history.waits.items():
            signal = history.signals.get(wait.signal_key)
            if history.open_signal(path) and not is_over:
                self._launch(found.execution, ref, wait)
            elif signal is not None and signal.status is SignalStatus.ABANDONED:
                self._finalization.end_what_was_waited_for(found.execution, ref, wait)

    def launch_all(self, execution: Execution, ref: ExecutionRef) -> bool:
        """Ensure that all that an execution or map batch waits for is under way.

        Returns:
            Whether it has to be checked again soon. A recorded child is checked by itself and notifies its caller; the
            map workers of a loop are checked with the execution that waits for them.
        """
        soon = [self._launch(execution, ref, wait) for wait in self._finalization.pending_signals(ref)]
        return any(soon)

    def start_tool(self, execution_id: str, workflow_id: str, value: Any, key: str) -> dict[str, Any]:
        """Start a workflow that a model has called; the same key returns the same execution.

        Returns `{execution_id}`, or `{error}` if it cannot be started.
        """
        found = self._executions.find(execution_id)
        if found is None or found.execution.status.is_final:
            return {"error": {"code": "execution_over", "message": "the execution has ended", "details": None}}
        execution = found.execution
        request = Request(
            workspace_id=execution.workspace_id,
            workflow_id=workflow_id,
            trigger={"type": "workflow", "body": value, "execution_id": execution.id},
            id=derived_id(execution.created_at, execution.id, "tool", key),
            depth=execution.depth + 1,
            is_test=execution.is_test,
        )
        try:
            check_depth(request)
            return {"execution_id": self._starter.start(request).execution.id}
        except Unavailable:
            return {"execution_id": request.id}  # it is recorded, and recovery will start it
        except MainspringError as error:
            return {"error": error.as_dict()}

    def _launch(self, execution: Execution, ref: ExecutionRef, wait: PendingSignal) -> bool:
        """Ensure that what a pending signal is for is under way; return whether to check again soon."""
        if wait.kind is WaitKind.CHILD:
            return self._start_child(execution, ref, wait)
        if wait.kind is WaitKind.DISTRIBUTED_MAP:
            self._distributed_map(execution.id, wait)
        return wait.kind is WaitKind.DISTRIBUTED_MAP

    # -- sub-workflows -------------------------------------------------------------------------------------

    def _start_child(self, execution: Execution, ref: ExecutionRef, wait: PendingSignal) -> bool:
        """Start the child that a pending signal is for, unless it exists.

        Return whether it could not even be recorded.
        """
        asked = self._histories.load(wait.output)
        known = self._executions.find(child_id(ref, wait))
        if known is not None:
            self._child_is_there(known.execution, ref, wait, is_waited_for=asked["wait"])
            return False
        request = Request(
            workspace_id=execution.workspace_id,
            workflow_id=asked["workflow"],
            version=asked["version"],
            trigger={"type": "workflow", "body": asked["input"], "execution_id": execution.id},
            id=child_id(ref, wait),
            depth=execution.depth + 1,
            is_test=execution.is_test,
            caller=Caller(ref, wait.path, wait.attempt, asked["wait"]),
        )
        try:
            check_depth(request)
            child = self._starter.start(request).execution
        except Unavailable:
            logger.warning("%s will be started by the recovery", request.id)
            return self._executions.find(child_id(ref, wait)) is None
        except MainspringError as error:
            self._finalization.send_signal(ref, wait, {"error": error.as_dict()})
            return False
        self._child_is_there(child, ref, wait, is_waited_for=asked["wait"])
        return False

    def _child_is_there(self, child: Execution, ref: ExecutionRef, wait: PendingSignal, *, is_waited_for: bool) -> None:
        """Notify the caller of the start, or of an end that it was not notified of."""
        if not is_waited_for:
            self._finalization.send_signal(ref, wait, {"execution_id": child.id})
        elif child.status.is_final:
            self._finalization.finalize(child.id)
        else:
            caller = self._executions.find(str(ref))
            if caller is None or caller.execution.status.is_final:  # it has ended since the notification
                self._finalization.end_child(ref, wait)

    # -- distributed loops -------------------------------------------------------------------------------------

    def _distributed_map(self, execution_id: str, wait: PendingSignal, *, ended: int = 0) -> None:
        """Ensure that a distributed loop has its map workers, or join it when all its map batches have ended.

        `ended` is the map attempt whose workers are known to have ended.
        """
        stored, path = self._histories.load(wait.output), wait.path
        progress = self._map_batches.progress(execution_id, path)
        current, map_workers, batches = int(progress["map_attempt"]), stored["map_workers"], len(stored["begins"]) - 1
        if progress["done"] >= stored["count"]:
            self._join(execution_id, wait, stored)
            return
        if current > ended:
            if self._machine.is_map_running(execution_id, path, current):
                return
            # It may never have been started: the process that reserved this attempt has died, or is about to start it.
            if self._machine.start_distributed_map(
                execution_id, path, current, map_workers=map_workers, batches=batches
            ):
                return
        if progress["stalled_attempts"] >= limits.MAX_STALLED_MAP_ATTEMPTS:
            message = f"the drivers of the loop were lost {progress['stalled_attempts']} times"
            self._fail_map(execution_id, wait, "engine_error", message)
            return
        if self._map_batches.next_map_attempt(execution_id, path, progress, batches):
            self._machine.start_distributed_map(
                execution_id, path, current + 1, map_workers=map_workers, batches=batches
            )

    def distributed_map_ended(self, execution_id: str, path: str, map_attempt: int) -> None:
        """Handle the end of all map workers of an attempt: the loop is done, has failed, or gets another attempt."""
        found = self._executions.find(execution_id)
        history = History.of(self._histories.get(ExecutionRef(execution_id), [wait_key(path), signal_key(path)]))
        wait = history.waits.get(path)
        if found is None or wait is None or found.execution.status.is_final:
            return
        if wait.signal_key in history.signals:
            self._finalization.end_failed_maps(found.execution)
            self._finalization.resume(ExecutionRef(execution_id))
        else:
            self._distributed_map(execution_id, wait, ended=map_attempt)

    def _join(self, execution_id: str, wait: PendingSignal, stored: dict[str, Any]) -> None:
        """Join the results of a loop's map batches into one list, and continue behind the loop."""
        tries = self._map_batches.begin_join(execution_id, wait.path)
        if tries > limits.MAX_JOINS:
            message = f"the results of the loop's items could not be joined in {limits.MAX_JOINS} tries"
            self._fail_map(execution_id, wait, "engine_error", message)
            return
        count = len(stored["begins"]) - 1
        batches = [ExecutionRef.of_batch(execution_id, wait.path, number) for number in range(count)]
        try:
            output = self._histories.joined(self._map_batches.results(batches), execution_id)
        except MapBatchFailed as failed:  # the process that ended it died before notifying the loop
            batch = self._executions.find(str(failed.batch), payloads=True)
            self._finalization.send_signal(
                ExecutionRef(execution_id), wait, batch.execution.error if batch else None, SignalStatus.FAILED
            )
            return
        if output is None:
            message = f"the output is larger than {limits.MAX_OUTPUT_BYTES} bytes"
            self._fail_map(execution_id, wait, "output_too_large", message)
        else:
            self._finalization.send_signal(ExecutionRef(execution_id), wait, output)

    def _fail_map(self, execution_id: str, wait: PendingSignal, code: str, message: str) -> None:
        self._finalization.send_signal(
            ExecutionRef(execution_id), wait, {"code": code, "message": message}, SignalStatus.FAILED
        )

    # -- drivers -------------------------------------------------------------------------------------------

    def drive(self, execution_id: str, bill: Bill) -> None:
        """Drive an execution that was run ahead and has to wait for something; `bill` is in no record yet.

        Raises:
            Unavailable: Step Functions did not accept it; try again.
        """
        found = self._executions.find(execution_id)
        if found is not None and not found.execution.status.is_final:
            self._machine.start(execution_id, found.execution.driver_attempt, bill)

    def continue_as_new(self, execution_id: str, driver_attempt: int) -> None:
        """Continue in a new execution of the state machine, before the history of this one is full.

        Raises:
            Unavailable: Step Functions did not accept it; try again.
        """
        found = self._executions.find(execution_id)
        if found is None or found.execution.status.is_final:
            return
        following: int | None = found.execution.driver_attempt
        if following == driver_attempt:
            soon = self._clock.now() + timedelta(seconds=limits.START_GRACE)
            following = self._next_checks.next_driver_attempt(found.execution, soon, recovery_attempt=False)
        if following == driver_attempt + 1:
            self._machine.start(execution_id, following)

    def driver_ended(self, execution_id: str, driver_attempt: int, how: str) -> None:
        """Handle the death of a state machine's execution: start a new driver, unless that was in vain too often."""
        self._drive_on(execution_id, driver_attempt, f"has {how}", is_paused=False)

    def driver_gave_up(self, execution_id: str, driver_attempt: int, reason: str) -> None:
        """Handle a driver that has exhausted its retries: the next one waits first, each time longer."""
        self._drive_on(execution_id, driver_attempt, f"gave up ({reason})", is_paused=True)

    def _drive_on(self, execution_id: str, driver_attempt: int, what: str, *, is_paused: bool) -> None:
        found = self._executions.find(execution_id)
        if found is None or found.execution.driver_attempt != driver_attempt or found.execution.status.is_final:
            return
        execution = found.execution
        if execution.queue_position is not None and execution.queue_position.slot is None:
            return
        if found.recovery_attempts >= limits.MAX_RECOVERY_ATTEMPTS:
            message = f"the execution could not go on: its driver {what}, as {found.recovery_attempts} before it"
            self._finalization.close(execution, Status.FAILED, "engine_error", message)
            return
        now = self._clock.now()
        pause = limits.RECOVERY_PAUSES[found.recovery_attempts] if is_paused else 0
        begin = now + timedelta(seconds=pause)
        soon = begin + timedelta(seconds=limits.START_GRACE)
        following = self._next_checks.next_driver_attempt(execution, soon, recovery_attempt=True)
        if following is not None:
            when = f" in {pause} seconds" if pause else ""
            line = LogLine(now, "warning", f"the driver of the execution {what}; it is driven on{when}")
            self._logs.append(execution.ref, [line])
            self._machine.start(execution_id, following, not_before=begin if pause else None)


def reason_of(error: dict[str, Any] | None) -> str:
    """Return the reason that Step Functions gives for a failed state."""
    return str((error or {}).get("Error", "an unknown error"))
