"""Recovery: every minute it checks executions and slots whose check is overdue.

It works as long as it has time, one piece of work of each workspace in turn. Of two concurrent runs, one gets each
item.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from types import MappingProxyType

from engine import limits
from engine.aws.step_functions import StateMachine
from engine.clock import Clock, format_time, parse_time
from engine.history.events import signal_key
from engine.history.execution_ref import ExecutionRef, MapBatch
from engine.history.model import Execution, Status
from engine.services.executions.concurrency import ConcurrencyLimits
from engine.services.executions.fair_order import in_turns
from engine.services.executions.finalization import Finalization
from engine.services.executions.supervisor import Supervisor
from engine.storage.concurrency_slots import concurrency_key_in, is_watch
from engine.storage.execution_record import CheckKind
from engine.storage.executions import Driver
from engine.storage.next_checks import Due
from engine.storage.repositories import Repositories
from engine.storage.subscriptions import delivery_in

logger = logging.getLogger(__name__)
FINALIZATION_FAILED = "finalization_failed"
"""The code in the log when the finalization of an execution failed."""
_RESERVE = 10.0
"""Seconds that one check may take; none is begun with less."""


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """The result of one run of recovery: how often it did what, and by how many seconds the oldest item was overdue."""

    done: dict[str, int]
    oldest_seconds: float


class Recovery:
    """Finds executions and slots that nothing drives or checks any more.

    Args:
        repositories: all repositories.
        concurrency_limits: admits queued executions.
        finalization: ends and finalizes executions.
        supervisor: starts and resumes drivers.
        machine: the state machines of Step Functions.
        clock: returns the time.
        others: checks of other kinds of items, by kind.
        threads: how many items are checked concurrently.
    """

    def __init__(
        self,
        repositories: Repositories,
        concurrency_limits: ConcurrencyLimits,
        finalization: Finalization,
        supervisor: Supervisor,
        machine: StateMachine,
        clock: Clock,
        others: Mapping[str, Callable[[str, str], str]] = MappingProxyType({}),
        *,
        threads: int = 1,
    ) -> None:
        self._repositories = repositories
        self._executions = repositories.executions
        self._next_checks = repositories.next_checks
        self._concurrency_limits = concurrency_limits
        self._finalization = finalization
        self._supervisor = supervisor
        self._machine = machine
        self._clock = clock
        self._others = others
        self._threads = threads

    def run(self, remaining: Callable[[], float], ahead: float = 0.0) -> RecoveryReport:
        """Check what is due, and what is due in the next `ahead` seconds, as long as there is time and work.

        A failure with one execution is logged and delays no other: that one is due again later.
        """
        done: Counter[str] = Counter()
        begin = self._clock.now()
        oldest: str | None = None
        while True:
            due = self._due(self._clock.now() + timedelta(seconds=ahead), limits.RECOVERY_READ)
            oldest = oldest or min((one.next_check_at for one in due), default=format_time(begin))
            looks = self._check_all(due, remaining)
            done += looks
            if not looks or looks["left"] or ahead:  # what is checked ahead of its time would be due again at once
                break
        return RecoveryReport(dict(done), max((begin - parse_time(oldest)).total_seconds(), 0.0))

    def send_due(self, send: Callable[[Sequence[tuple[str, str]]], None]) -> int:
        """Send outgoing webhooks that are due; return how many. They delay nothing else.

        Workspaces take turns, and so do the subscriptions of one: a receiver that never answers delays no other.
        """
        now = self._clock.now()
        again = now + timedelta(seconds=limits.CHECK_AGAIN)
        due = self._due(now, limits.RECOVERY_READ, CheckKind.DELIVERY)

        def claim(one: Due) -> bool:
            return self._repositories.subscriptions.claim((one.pk, one.sk), one.next_check_at, now, again)

        if self._threads == 1:
            mine = list(map(claim, due[: limits.SEND_MOST]))
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                mine = list(pool.map(claim, due[: limits.SEND_MOST]))
        claimed = [delivery_in(one.pk, one.sk) for one, is_mine in zip(due, mine, strict=False) if is_mine]
        if claimed:
            send(claimed)
        return len(claimed)

    def _due(self, until: datetime, share: int, kind: CheckKind = CheckKind.RECOVERY) -> list[Due]:
        """Return what is due in all shards, in fair order."""
        found = [
            one for shard in range(limits.CHECK_SHARDS) for one in self._next_checks.due(shard, until, share, kind)
        ]
        found.sort(key=lambda one: one.next_check_at)
        if len(found) <= 1:
            return found
        owners = self._next_checks.workspaces(found)
        by_partition = in_turns(found, lambda one: one.pk) if kind is CheckKind.DELIVERY else found
        return in_turns(by_partition, lambda one: owners[one.pk])

    def _check_all(self, due: Sequence[Due], remaining: Callable[[], float]) -> Counter[str]:
        """Check these in order; return how often what was done, and how many were `left` for lack of time."""
        done: Counter[str] = Counter()
        waiting, lock = deque(due), Lock()

        def work() -> None:
            while True:
                with lock:
                    if not waiting or remaining() < _RESERVE:
                        return
                    one = waiting.popleft()
                word = self._claim_and_check(one)
                with lock:
                    done[word] += word != ""

        if self._threads == 1 or len(due) <= 1:
            work()
        else:
            with ThreadPoolExecutor(min(self._threads, len(due))) as pool:
                for worker in [pool.submit(work) for _ in range(min(self._threads, len(due)))]:
                    worker.result()
        if waiting:
            done["left"] = len(waiting)
        return +done

    def _claim_and_check(self, one: Due) -> str:
        """Check an item unless another run does; return a word for what was done."""
        again = self._clock.now() + timedelta(seconds=limits.CHECK_AGAIN)
        if not self._next_checks.check_again((one.pk, one.sk), one.next_check_at, again):
            return ""
        try:
            return self._check(one.pk, one.sk)
        except Exception:
            logger.exception("looking after %s failed; it is looked at again", one.pk)
            return "failed"

    def _check(self, pk: str, sk: str) -> str:
        kind = pk.partition("#")[0]
        if kind in self._others:
            return self._others[kind](pk, sk)
        return self._concurrency_key(pk, sk) if kind == "CONCURRENCY" else self._execution(pk)

    def _execution(self, pk: str) -> str:
        """Check one execution; return a word for what was done."""
        found = self._executions.find(pk.removeprefix("EXECUTION#"))
        if found is None:
            return "gone"
        execution = found.execution
        if execution.ref.batch is not None:
            return self._map_batch(found, execution.ref, execution.ref.batch)
        if execution.status.is_final:
            return self._finalized(execution)
        if self._is_orphan(execution):
            message = "the execution that waited for it has ended"
            self._finalization.close(execution, Status.CANCELLED, "caller_ended", message)
            return "closed"
        if execution.queue_position is not None and execution.queue_position.slot is None:
            return self._queued(execution, execution.queue_position.concurrency_key)
        return self._driven(found)

    def _finalized(self, execution: Execution) -> str:
        """Finalize an execution: repeatedly with growing waits, until its retention is over."""
        try:
            self._finalization.finalize(execution.id)
        except Exception:
            tries = self._executions.finalization_failed(execution, self._clock.now())
            told = {"log_code": FINALIZATION_FAILED, "execution_id": execution.id, "tries": tries}
            logger.exception("%s: %s, in %d tries", FINALIZATION_FAILED, execution.id, tries, extra=told)
            return "not_finalized"
        return "finalized"

    def _queued(self, execution: Execution, concurrency_key: str) -> str:
        """Handle an execution without a slot.

        Do what its limit says, and leave it to the check of its concurrency key.
        """
        self._concurrency_limits.enter(execution)
        self._repositories.slots.schedule_queue_check(
            concurrency_key, self._clock.now() + timedelta(seconds=limits.LEASE_LENGTH)
        )
        self._repositories.slots.leave_to_recovery(execution.id)
        return "queued"

    def _driven(self, found: Driver) -> str:
        """Handle an execution that should have a driver: resume it, leave it alone, or start a new driver."""
        execution = found.execution
        if not self._machine.is_driving(execution.id, execution.driver_attempt):
            self._supervisor.driver_ended(execution.id, execution.driver_attempt, "gone")
            return "recovered"
        for_others = execution.status is Status.WAITING and self._supervisor.launch_all(execution, execution.ref)
        if self._should_continue(found) and self._machine.resume(str(found.task_token)):
            return "resumed"  # the invocation that follows sets the next check
        self._check_later(execution, soon=for_others)
        return "driven"

    def _should_continue(self, found: Driver) -> bool:
        """Return whether a suspended execution should have been resumed: by an unseen signal, or by the time.

        The counter covers most signals. But a driver may have read the counter with a signal that it did not read.
        """
        if found.task_token is None:
            return False
        is_due = found.suspended_until is not None and found.suspended_until <= self._clock.now()
        if is_due or found.execution.signals != found.seen_signals:
            return True
        return self._repositories.histories.has_unread_signal(found.execution.ref)

    def _map_batch(self, found: Driver, ref: ExecutionRef, batch: MapBatch) -> str:
        """Handle a map batch; its map workers are checked with the whole execution."""
        record = found.execution
        whole = self._executions.find(ref.execution_id)
        if record.status.is_final:
            self._next_checks.check_no_more(record.id)
            return "finalized"
        if (
            whole is None
            or whole.execution.status.is_final
            or self._repositories.histories.get(ref.whole, [batch.signal_key])
        ):
            self._finalization.end_map_batch(ref)
            return "closed"
        for_others = self._supervisor.launch_all(whole.execution, ref)
        if self._should_continue(found) and self._machine.resume(str(found.task_token)):
            return "resumed"
        self._check_later(record, soon=for_others)
        return "driven"

    def _concurrency_key(self, pk: str, sk: str) -> str:
        """Check a slot whose lease has expired, or the queue of a concurrency key."""
        concurrency_key = concurrency_key_in(pk)
        is_queue = is_watch(sk)
        if is_queue and not self._concurrency_limits.check_concurrency_key(concurrency_key):
            return "emptied"
        if not is_queue and not self._concurrency_limits.check_lease(concurrency_key, int(sk.removeprefix("HOLD#"))):
            return "released"
        lease = self._clock.now() + timedelta(seconds=limits.LEASE_LENGTH)
        self._next_checks.check_again((pk, sk), None, lease)
        return "queue" if is_queue else "held"

    def _is_orphan(self, execution: Execution) -> bool:
        """Return whether the execution that waited for this one is over."""
        caller = execution.caller
        if caller is None or not caller.waits:
            return False
        known = [self._executions.find(one) for one in dict.fromkeys((str(caller.ref), caller.ref.execution_id))]
        if any(one is None or one.execution.status.is_final for one in known):
            return True
        answer = self._repositories.histories.get(caller.ref, [signal_key(caller.path, caller.attempt)])
        return bool(answer)

    def _check_later(self, execution: Execution, *, soon: bool = False) -> None:
        """Schedule the next check: the longer an execution runs, the less often it is checked."""
        now = self._clock.now()
        age = (now - (execution.started_at or execution.created_at)).total_seconds()
        longest = 10 * limits.CHECK_AGAIN if soon else limits.CHECK_LONGEST
        at = now + timedelta(seconds=min(max(age, limits.CHECK_AGAIN), longest))
        self._next_checks.check_again((f"EXECUTION#{execution.id}", "META"), None, at)
