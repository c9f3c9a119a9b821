"""Suspensions of an invocation: timers, and pending signals with their signals. No I/O and no clock.

For a pending signal in a failed scope, one write decides before the scope is closed: either the signal counts or
`ABANDONED`. So whoever answers is refused, or the answer is in the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from engine.execution.commands import Abandon, Append, Attempt, Expire, Queues, Resolve
from engine.execution.scope_instance import ScopeInstance
from engine.history.events import History, PendingSignal, Signal, SignalStatus, Timer


class Suspensions:
    """The timers and pending signals of one invocation, and the signals that it has seen."""

    def __init__(self, queues: Queues, history: History, signals: int) -> None:
        self._queues = queues
        self._history = history
        self.signals = signals
        """The number of signals that this invocation has seen, by the execution's counter."""
        self._read = history.counted
        self._has_new_wait = False
        self._timers: dict[str, tuple[ScopeInstance, Timer]] = {}
        self._waits: dict[str, tuple[ScopeInstance, PendingSignal]] = {}
        self._ended: set[str] = set()
        """The paths of the pending signals whose signals this invocation has read or is reading."""

    @property
    def waits(self) -> list[PendingSignal]:
        """Return the open pending signals."""
        return [wait for _, wait in self._waits.values()]

    @property
    def waits_for_signals(self) -> bool:
        """Whether a signal could make this execution continue."""
        return any(not scope_instance.stopping for scope_instance, _ in self._waits.values())

    def due_times(self) -> Iterator[datetime]:
        """Return when timers are due, and the deadlines of pending signals."""
        yield from (timer.due_at for scope_instance, timer in self._timers.values() if not scope_instance.stopping)
        yield from (
            wait.deadline
            for scope_instance, wait in self._waits.values()
            if wait.deadline and not scope_instance.stopping
        )

    def start(self, scope_instance: ScopeInstance, timer: Timer) -> None:
        """Suspend a node until a time."""
        self._timers[timer.path] = scope_instance, timer

    def wait(self, scope_instance: ScopeInstance, wait: PendingSignal) -> None:
        """Suspend a node on a signal, which may have arrived already."""
        self._waits[wait.path] = scope_instance, wait
        self._ended.discard(wait.path)
        signal = self._history.signals.get(wait.signal_key)
        if signal is None:
            self._has_new_wait = True
        else:
            self.take(scope_instance, wait, signal)

    def fire_due(self) -> None:
        """Start nodes whose timers are due; expire pending signals whose deadline has passed."""
        now = self._queues.now
        for scope_instance, timer in [pair for pair in self._timers.values() if pair[1].due_at <= now]:
            del self._timers[timer.path]
            if scope_instance.stopping:
                continue
            if timer.next_attempt is not None:
                node_id = timer.path.rpartition(".")[2]
                self._queues.attempts.append(Attempt(scope_instance, node_id, timer.next_attempt, timer.postponed))
            else:
                # Recorded, like the end of each pending signal: a driver that found a failure when the timer was due
                # has recorded that.
                self._queues.start(Append(scope_instance, timer.outcome()))
        for scope_instance, wait in [
            pair for pair in self._waits.values() if pair[1].deadline and pair[1].deadline <= now
        ]:
            del self._waits[wait.path]
            if not scope_instance.stopping:
                self._ended.add(wait.path)
                expired = Signal(wait.path, wait.attempt, now, SignalStatus.EXPIRED)
                self._queues.start(Expire(scope_instance, wait, expired))

    def take(self, scope_instance: ScopeInstance, wait: PendingSignal, signal: Signal) -> None:
        """Take the signal of a pending signal: the node ends, or is attempted again later."""
        self._waits.pop(wait.path, None)
        self._ended.add(wait.path)
        # If it is abandoned, another driver knows already that the enclosing scope has failed.
        if signal.status is not SignalStatus.ABANDONED:
            self._queues.start(Resolve(scope_instance, wait, signal))

    def may_have_signals(self, signals: int) -> bool:
        """Whether there may be signals unknown to this invocation, as the execution has counted `signals`.

        The counter and the signals are written together, but a read of many items is not atomic: the counter may
        include signals that were not there yet when the history was read. So the known signals are counted, too.
        """
        return signals != self.signals or (self._has_new_wait and signals > self._read)

    def signals_found(self, count: int, signals: Iterable[Signal]) -> None:
        """Take the signals that were found when the execution had counted `count`."""
        self.signals, self._has_new_wait = count, False
        for signal in signals:
            if signal.path in self._waits:
                self.take(*self._waits[signal.path], signal)

    def forget(self, scope_instance: ScopeInstance) -> None:
        """Forget the timers in a closed scope instance and in those below it."""
        for path in [path for path, (one, _) in self._timers.items() if scope_instance in one.around]:
            del self._timers[path]

    def abandon(self, scope_instance: ScopeInstance, *, but_for_others: bool = False) -> bool:
        """Settle all pending signals in a scope instance that is to be closed, and below; True if there are any.

        This includes what an earlier driver left there: this one does not take up nodes of a failed scope.
        """
        found = self._waits_below(scope_instance)
        if but_for_others:
            found = {path: wait for path, wait in found.items() if not wait.is_for_others}
        for path, wait in found.items():
            self._waits.pop(path, None)
            self._ended.add(path)
            abandoned = Signal(path, wait.attempt, self._queues.now, SignalStatus.ABANDONED)
            self._queues.start(Abandon(scope_instance, wait, abandoned))
        return bool(found)

    def _waits_below(self, scope_instance: ScopeInstance) -> dict[str, PendingSignal]:
        left = {path: wait for path, wait in self._history.waits.items() if path.startswith(scope_instance.prefix)}
        found = {path: wait for path, wait in left.items() if path not in self._ended and self._is_unsettled(wait)}
        return found | {path: wait for path, (one, wait) in self._waits.items() if scope_instance in one.around}

    def _is_unsettled(self, wait: PendingSignal) -> bool:
        """Whether the history lacks the end of a pending signal: it has no signal, or one that nobody has taken."""
        if self._history.open_signal(wait.path) is not None:
            return True
        signal, timer = self._history.signals.get(wait.signal_key), self._history.timers.get(wait.path)
        is_over = wait.path in self._history.outcomes or (
            timer is not None and (timer.next_attempt or 0) > wait.attempt
        )
        return not is_over and signal is not None and signal.status is not SignalStatus.ABANDONED
