"""Enforces concurrency limits. Any number of callers may admit executions concurrently.

Each process that starts, ends or checks an execution calls `admit`, which admits as many of the queue as there are free
slots, in order. If it dies half-way, the next caller, or recovery, continues.
"""

from __future__ import annotations

import logging

from engine import limits
from engine.aws.step_functions import StateMachine
from engine.clock import Clock, format_time
from engine.errors import Unavailable
from engine.history.model import Execution, QueuePosition, Status
from engine.json_value import dumps
from engine.storage.concurrency_slots import Lease, Queued
from engine.storage.dynamodb.table import ConditionFailed
from engine.storage.repositories import Repositories

logger = logging.getLogger(__name__)
_SLOT, _QUEUE = 0, 1
_TRIES = 2 * limits.MAX_CONCURRENCY_LIMIT


class ConcurrencyLimits:
    """Admits executions to their concurrency keys."""

    def __init__(self, repositories: Repositories, machine: StateMachine, clock: Clock) -> None:
        self._slots = repositories.slots
        self._executions = repositories.executions
        self._machine = machine
        self._clock = clock

    def enter(self, execution: Execution) -> None:
        """Give a queued execution a slot, or do what its limit says if none is free.

        The process that records it calls this, and any that later finds it without a slot, with the same result.
        """
        position = execution.queue_position
        if position is None or execution.id in self.admit(position.concurrency_key):
            return
        if position.when_full == "skip":
            self._withdraw(position.concurrency_key, Queued(execution.id, position.limit))
        elif position.when_full == "cancel_oldest":
            self._make_room(execution.id, position)

    def admit(self, concurrency_key: str) -> list[str]:
        """Give free slots to the first in the queue, and start driving them; return their ids."""
        admitted: list[str] = []
        for _ in range(_TRIES):
            following = self._slots.first_in_queue(concurrency_key)
            if following is None:
                break
            taken = self._slots.leases(concurrency_key)
            slot = _free_slot(taken, following.limit)
            if slot is None:
                if not self._reclaim(concurrency_key, taken):
                    break
                continue
            try:
                self._slots.admit(concurrency_key, following.execution_id, slot, self._clock.now())
            except ConditionFailed as failed:
                if failed.index not in (_SLOT, _QUEUE):
                    self._slots.leave_queue(concurrency_key, following.execution_id)
                continue  # another caller was faster; check again
            except Unavailable:
                break  # so many callers admit to this concurrency key that one of them certainly succeeds
            admitted.append(following.execution_id)
            self._drive(following.execution_id)
        return admitted

    def release(self, position: QueuePosition, execution_id: str) -> None:
        """Take back the slot or queue position of an execution that is over, and admit the next one."""
        if position.slot is None:
            self._slots.leave_queue(position.concurrency_key, execution_id)
        else:
            if position.when_full == "skip":
                self._turn_away(position.concurrency_key)
            self._slots.release(position.concurrency_key, position.slot, execution_id)
        self.admit(position.concurrency_key)

    def _turn_away(self, concurrency_key: str) -> None:
        """Cancel executions that must not wait and still do because their starter died.

        A slot that is freed now is too late.
        """
        taken = len(self._slots.leases(concurrency_key))
        for queued in self._slots.queue(concurrency_key):
            if queued.when_full == "skip" and taken >= queued.limit:
                self._withdraw(concurrency_key, queued)

    def check_lease(self, concurrency_key: str, slot: int) -> bool:
        """Check whether the holder of a slot still runs; if not, free the slot. Return whether it still runs."""
        hold = next((hold for hold in self._slots.leases(concurrency_key) if hold.slot == slot), None)
        if hold is None:
            return False
        if self._is_open(hold):
            return True
        self._slots.schedule_queue_check(
            concurrency_key, self._clock.now()
        )  # if this process dies between the two, another caller admits the next one
        self._slots.release(concurrency_key, slot, hold.execution_id)
        self.admit(concurrency_key)
        return False

    def check_concurrency_key(self, concurrency_key: str) -> bool:
        """Admit all that can be admitted; return whether some still wait, so that the key has to be checked again."""
        asked = self._slots.asked(concurrency_key)
        self.admit(concurrency_key)
        return self._slots.first_in_queue(concurrency_key) is not None or not self._slots.unwatch(
            concurrency_key, asked
        )

    def _withdraw(self, concurrency_key: str, queued: Queued) -> None:
        """Cancel an execution without a slot; if it got one meanwhile, it runs."""
        message = f"{queued.limit} executions were under way already, and this one was not to wait"
        error = {"code": "concurrency_full", "message": message, "details": None, "node": None}
        now = self._clock.now()
        held = {"error": dumps(error), **self._executions.kept(queued.execution_id, now)}
        self._slots.withdraw(concurrency_key, queued.execution_id, now, held)

    def _make_room(self, execution_id: str, position: QueuePosition) -> None:
        """Cancel the executions that have held their slots longest until this execution has one."""
        for _ in range(position.limit):
            oldest = min((hold.execution_id for hold in self._slots.leases(position.concurrency_key)), default=None)
            if oldest is None or oldest >= execution_id or self._has_slot(execution_id):
                return
            now, details = self._clock.now(), {"execution_id": execution_id}
            message = f"execution {execution_id} has taken its place"
            error = {"code": "superseded", "message": message, "details": details, "node": None}
            driver = self._executions.find(oldest)
            # The rest of the finalization, such as ending child executions, is left to recovery.
            self._executions.finish(oldest, Status.CANCELLED, now, error=error, next_check_at=now)
            if driver is not None and driver.execution.queue_position is not None:
                self._machine.stop(oldest, driver.execution.driver_attempt)
                self.release(driver.execution.queue_position, oldest)

    def _has_slot(self, execution_id: str) -> bool:
        found = self._executions.find(execution_id)
        return (
            found is None or found.execution.queue_position is None or found.execution.queue_position.slot is not None
        )

    def _reclaim(self, concurrency_key: str, taken: list[Lease]) -> bool:
        """Free the slots whose lease has expired and whose holder is over; return whether there were any."""
        now = format_time(self._clock.now())
        lost = [hold for hold in taken if hold.next_check_at < now and not self._is_open(hold)]
        for hold in lost:
            self._slots.release(concurrency_key, hold.slot, hold.execution_id)
        return bool(lost)

    def _is_open(self, hold: Lease) -> bool:
        holder = self._executions.find(hold.execution_id)
        return holder is not None and not holder.execution.status.is_final

    def _drive(self, execution_id: str) -> None:
        try:
            self._machine.start(execution_id)
        except Unavailable:
            logger.warning("%s has its slot and will be started by the recovery", execution_id)


def _free_slot(taken: list[Lease], limit: int) -> int | None:
    """Return the lowest free number, if fewer than `limit` are taken."""
    numbers = {hold.slot for hold in taken}
    if len(numbers) >= limit:
        return None
    return next(number for number in range(limit) if number not in numbers)
