"""Who may run when a workflow has a concurrency limit. Any number of callers may admit at the same time.

Whoever starts, ends or looks after an execution calls `admit`, which lets in as many of the queue as there are free
slots, in order. If it dies half-way, the next caller, or the sweeper, goes on.
"""

from __future__ import annotations

import logging

from engine import limits
from engine.clock import Clock
from engine.errors import Unavailable
from engine.execution import format_time
from engine.services.state_machine import StateMachine
from engine.storage.slots import Hold
from engine.storage.stores import Stores
from engine.storage.table import ConditionFailed

logger = logging.getLogger(__name__)
_SLOT, _QUEUE = 0, 1
_TRIES = 2 * limits.MAX_CONCURRENCY_LIMIT


class Admission:
    """The doorkeeper of all gates."""

    def __init__(self, stores: Stores, machine: StateMachine, clock: Clock) -> None:
        self._slots = stores.slots
        self._executions = stores.executions
        self._machine = machine
        self._clock = clock

    def admit(self, gate: str) -> list[str]:
        """Give free slots to those first in the queue, and start driving them; gives their ids."""
        admitted: list[str] = []
        for _ in range(_TRIES):
            following = self._slots.first_in_queue(gate)
            if following is None:
                break
            taken = self._slots.holds(gate)
            slot = _free_slot(taken, following.limit)
            if slot is None:
                if not self._reclaim(gate, taken):
                    break
                continue
            try:
                self._slots.admit(gate, following.execution_id, slot, self._clock.now())
            except ConditionFailed as failed:
                if failed.index not in (_SLOT, _QUEUE):
                    self._slots.leave_queue(gate, following.execution_id)
                continue  # somebody else was quicker; look again
            except Unavailable:
                break  # so many are at this gate that one of them is sure to get on with it
            admitted.append(following.execution_id)
            self._drive(following.execution_id)
        return admitted

    def release(self, gate: str, slot: int | None, execution_id: str) -> None:
        """Take back the slot or the place in the queue of an execution that is over, and let the next one in."""
        if slot is None:
            self._slots.leave_queue(gate, execution_id)
        else:
            self._slots.release(gate, slot, execution_id)
        self.admit(gate)

    def check_hold(self, gate: str, slot: int) -> bool:
        """Look whether who has a slot still runs; if not, the slot is free again. Whether it still runs."""
        hold = next((hold for hold in self._slots.holds(gate) if hold.slot == slot), None)
        if hold is None or self._is_open(hold):
            return hold is not None
        self.release(gate, slot, hold.execution_id)
        return False

    def oldest(self, gate: str) -> str | None:
        """The execution that has had a slot for the longest."""
        return min((hold.execution_id for hold in self._slots.holds(gate)), default=None)

    def _reclaim(self, gate: str, taken: list[Hold]) -> bool:
        """Free the slots whose lease has run out and whose holder is over; whether there was one."""
        now = format_time(self._clock.now())
        lost = [hold for hold in taken if hold.look_at < now and not self._is_open(hold)]
        for hold in lost:
            self._slots.release(gate, hold.slot, hold.execution_id)
        return bool(lost)

    def _is_open(self, hold: Hold) -> bool:
        holder = self._executions.find(hold.execution_id)
        return holder is not None and not holder.execution.status.is_final

    def _drive(self, execution_id: str) -> None:
        try:
            self._machine.start(execution_id)
        except Unavailable:
            logger.warning("%s has its slot and will be started by the sweeper", execution_id)


def _free_slot(taken: list[Hold], limit: int) -> int | None:
    """The lowest free number, if fewer than `limit` are taken."""
    numbers = {hold.slot for hold in taken}
    if len(numbers) >= limit:
        return None
    return next(number for number in range(limit) if number not in numbers)
