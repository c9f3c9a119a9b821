"""The events of a history: written once, and enough for any driver to rebuild the execution.

An event is written before anything that depends on it starts. The first write of a key wins; a later writer gets the
first event back and adopts it. So drivers may crash, overlap or come late, and all see one history.

A path names a node within an execution: `fetch`, or in the fourth iteration of a loop `each[3].fetch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


def wait_key(path: str, attempt: int = 1) -> str:
    """Return the history key of a node's pending signal."""
    return f"{path}#WAIT#{attempt:04d}"


def signal_key(path: str, attempt: int = 1) -> str:
    """Return the history key of the signal that a node waits for."""
    return f"{path}#SIGNAL#{attempt:04d}"


def timer_key(path: str, next_attempt: int | None) -> str:
    """Return the history key of the timer before a node's attempt, or before its end."""
    return f"{path}#TIMER#{next_attempt or 0:04d}"


def loops_around(path: str) -> list[str]:
    """Return the paths of the loops that a node is in: for `each[3].inner[0].ask`, `each` and `each[3].inner`."""
    return [path[:end] for end, character in enumerate(path) if character == "["]


class NodeStatus(StrEnum):
    """The status of a node; the history holds only how it ended."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Stored:
    """Reference to a value that is not loaded yet; `ExecutionStore.fetch` returns the value."""

    reference: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a node ended. `port` is the port that fires; None if none does (an unhandled failure)."""

    path: str
    status: Literal[NodeStatus.SUCCEEDED, NodeStatus.FAILED]
    started_at: datetime
    completed_at: datetime
    port: str | None = "main"
    output: Any = None
    error: dict[str, Any] | None = None
    attempts: int = 1

    @property
    def key(self) -> str:
        """Its history key."""
        return self.path


@dataclass(frozen=True, slots=True)
class Timer:
    """A node that waits until `due_at`.

    Then attempt number `next_attempt` starts, after one that failed with `error`; or, if that is None, the node has
    succeeded with `output` by `port`. `postponed` of the earlier attempts could not begin, as the platform was in
    trouble: the node's retry policy does not count them.
    """

    path: str
    due_at: datetime
    started_at: datetime
    next_attempt: int | None = None
    error: dict[str, Any] | None = None
    output: Any = None
    port: str = "main"
    postponed: int = 0

    @property
    def key(self) -> str:
        """Its history key: one timer for each attempt."""
        return timer_key(self.path, self.next_attempt)

    def outcome(self) -> Outcome:
        """Return how the node ended, once the time has come."""
        return Outcome(self.path, NodeStatus.SUCCEEDED, self.started_at, self.due_at, self.port, self.output)


class WaitKind(StrEnum):
    """What a pending signal comes from."""

    APPROVAL = "approval"
    CALLBACK = "callback"
    CHILD = "child"
    """Another execution."""
    DISTRIBUTED_MAP = "distributed_map"
    """The map workers of a loop."""


@dataclass(frozen=True, slots=True)
class PendingSignal:
    """A node that waits for a signal: a person's answer, a callback, another execution, or map workers.

    `output` is the data of this kind of wait; after `deadline` the signal is no longer awaited.
    """

    path: str
    attempt: int
    kind: WaitKind
    started_at: datetime
    deadline: datetime | None = None
    output: Any = None

    @property
    def key(self) -> str:
        """Its history key."""
        return wait_key(self.path, self.attempt)

    @property
    def signal_key(self) -> str:
        """The history key of its one signal."""
        return signal_key(self.path, self.attempt)

    @property
    def is_for_others(self) -> bool:
        """Whether it waits for something started elsewhere: another execution, or the map workers of a loop."""
        return self.kind in (WaitKind.CHILD, WaitKind.DISTRIBUTED_MAP)


class SignalStatus(StrEnum):
    """How a pending signal ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    """An item of a distributed map has failed, or its results could not be joined; `output` is the error."""
    EXPIRED = "expired"
    """The deadline passed before anybody answered."""
    ABANDONED = "abandoned"
    """The enclosing scope has failed, so nobody waits any more."""

    @property
    def is_by_driver(self) -> bool:
        """Whether a driver of the execution wrote the signal, and nobody outside."""
        return self in (SignalStatus.EXPIRED, SignalStatus.ABANDONED)


@dataclass(frozen=True, slots=True)
class Signal:
    """The one signal of a pending signal. `answered_by` is the user who answered, if one did."""

    path: str
    attempt: int
    at: datetime
    status: SignalStatus
    output: Any = None
    answered_by: str | None = None

    @property
    def key(self) -> str:
        """Its history key."""
        return signal_key(self.path, self.attempt)


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt of an at-most-once node has begun; `driver` is the driver that began it."""

    path: str
    attempt: int
    started_at: datetime
    driver: str
    output: Any = None

    @property
    def key(self) -> str:
        """Its history key."""
        return f"{self.path}#STARTED#{self.attempt:04d}"


class ValueName(StrEnum):
    """What a recorded value is; see `RecordedValue`."""

    ITEMS = "items"
    CONTINUES = "continues"
    RESULT = "result"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RecordedValue:
    """A value of a loop that another driver could compute differently, or why it has failed, recorded for all drivers.

    At the loop's path: `items`, the items that it loops over; `failed`, why no further iteration begins. At the path of
    an iteration: `continues`, whether it begins, and `result`, its result. What could not be computed is
    `{"error": …}`.
    """

    path: str
    name: ValueName
    output: Any = None

    @property
    def key(self) -> str:
        """Its history key."""
        return f"{self.path}#VALUE#{self.name}"


HistoryEvent = Outcome | Timer | PendingSignal | Signal | Started | RecordedValue


@dataclass(frozen=True)
class History:
    """The events of an execution by path. Of timers and pending signals it holds the latest of each node."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    waits: dict[str, PendingSignal] = field(default_factory=dict)
    signals: dict[str, Signal] = field(default_factory=dict)
    recorded_values: dict[str, RecordedValue] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    """The keys of all events."""

    @classmethod
    def of(cls, events: Iterable[HistoryEvent]) -> History:
        """Build the history from these events."""
        history = cls()
        for event in events:
            history.add(event)
        return history

    def add(self, event: HistoryEvent) -> None:
        """Add one more event. Signals and recorded values are kept by their keys."""
        self.keys.add(event.key)
        match event:
            case Outcome():
                self.outcomes[event.path] = event
            case Timer():
                before = self.timers.get(event.path)
                if before is None or (event.next_attempt or 0) > (before.next_attempt or 0):
                    self.timers[event.path] = event
            case PendingSignal():
                known = self.waits.get(event.path)
                if known is None or event.attempt > known.attempt:
                    self.waits[event.path] = event
            case Signal():
                self.signals[event.key] = event
            case RecordedValue():
                self.recorded_values[event.key] = event
            case Started():
                pass  # it matters only to the next one who writes it

    @property
    def counted(self) -> int:
        """Return how many of its signals the execution's counter includes: all but those of drivers."""
        return sum(1 for signal in self.signals.values() if not signal.status.is_by_driver)

    @property
    def has_unread_signal(self) -> bool:
        """Whether a pending signal has a signal that was not taken: a driver that knew of it would have continued."""
        return any(self._is_unread(wait) for wait in self.waits.values())

    def _is_unread(self, wait: PendingSignal) -> bool:
        signal, timer = self.signals.get(wait.signal_key), self.timers.get(wait.path)
        if signal is None or signal.status is SignalStatus.ABANDONED or wait.path in self.outcomes:
            return False
        has_ended = any(loop in self.outcomes for loop in loops_around(wait.path))
        return not has_ended and not (timer is not None and (timer.next_attempt or 0) > wait.attempt)

    def open_signal(self, path: str) -> PendingSignal | None:
        """Return the pending signal of a node that has neither its signal nor a further attempt."""
        wait, timer = self.waits.get(path), self.timers.get(path)
        if wait is None or path in self.outcomes or wait.signal_key in self.signals:
            return None
        return None if timer is not None and (timer.next_attempt or 0) > wait.attempt else wait
