"""The history: write-once entries from which any driver rebuilds an execution, and the store behind an invocation.

An entry is written before anything that depends on it starts. The first write of a key wins; a later writer
gets the first one back and adopts it. So drivers may crash, overlap or come late, and all see one history.

A path names a node within an execution: `fetch`, or in the fourth iteration of a loop `each[3].fetch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


def wait_key(path: str, attempt: int = 1) -> str:
    """The place in the history of a node's wait."""
    return f"{path}#WAIT#{attempt:04d}"


def signal_key(path: str, attempt: int = 1) -> str:
    """The place in the history of the answer to a node's wait."""
    return f"{path}#SIGNAL#{attempt:04d}"


def timer_key(path: str, next_attempt: int | None) -> str:
    """The place in the history of the timer before a node's attempt, or before its end."""
    return f"{path}#TIMER#{next_attempt or 0:04d}"


def loops_around(path: str) -> list[str]:
    """The paths of the loops that a node is in: those of `each[3].inner[0].ask` are `each` and `each[3].inner`."""
    return [path[:end] for end, character in enumerate(path) if character == "["]


@dataclass(frozen=True, slots=True)
class Stored:
    """Stands for a value that is not loaded yet; `ExecutionStore.fetch` gives it."""

    reference: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a node ended. `port` is the one that fires, None if none does (it failed, unhandled)."""

    path: str
    status: Literal["succeeded", "failed"]
    started_at: datetime
    completed_at: datetime
    port: str | None = "main"
    output: Any = None
    error: dict[str, Any] | None = None
    attempts: int = 1

    @property
    def key(self) -> str:
        """Its place in the history."""
        return self.path


@dataclass(frozen=True, slots=True)
class Timer:
    """A node that waits until `due_at`.

    Then attempt number `next_attempt` starts, after a failed one with `error`; or, where that is None, the
    node has succeeded with `output` by `port`. `put_off` of the attempts before could not begin, as the platform was in
    trouble: the node's retry policy does not count them.
    """

    path: str
    due_at: datetime
    started_at: datetime
    next_attempt: int | None = None
    error: dict[str, Any] | None = None
    output: Any = None
    port: str = "main"
    put_off: int = 0

    @property
    def key(self) -> str:
        """Its place in the history: one timer for each attempt."""
        return timer_key(self.path, self.next_attempt)

    def outcome(self) -> Outcome:
        """How the node ended, once the time has come."""
        return Outcome(self.path, "succeeded", self.started_at, self.due_at, self.port, self.output)


@dataclass(frozen=True, slots=True)
class PendingSignal:
    """A node that waits for a signal: a person's answer, a callback, another execution, the drivers of a big loop.

    `output` is what the kind of wait needs to know; `deadline` is when nobody waits any more.
    """

    path: str
    attempt: int
    kind: str
    started_at: datetime
    deadline: datetime | None = None
    output: Any = None

    @property
    def key(self) -> str:
        """Its place in the history."""
        return wait_key(self.path, self.attempt)

    @property
    def signal_key(self) -> str:
        """Where its one answer stands."""
        return signal_key(self.path, self.attempt)

    @property
    def is_for_others(self) -> bool:
        """Whether it is for what was started elsewhere: another execution, or the drivers of a distributed loop."""
        return self.kind in ("child", "distributed_map")


DROPPED = "dropped"
"""Whose answer it is when nobody waits any more, because what was around the wait has failed."""
DEADLINE = "deadline"
"""Whose answer it is when the time was over before anybody's."""


@dataclass(frozen=True, slots=True)
class Signal:
    """The one answer to a wait. `by` says whose it is: `deadline` where the time was over before anybody else's."""

    path: str
    attempt: int
    at: datetime
    by: str
    output: Any = None

    @property
    def key(self) -> str:
        """Its place in the history."""
        return signal_key(self.path, self.attempt)


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt of an at-most-once node has begun; `driver` says who began it."""

    path: str
    attempt: int
    started_at: datetime
    driver: str
    output: Any = None

    @property
    def key(self) -> str:
        """Its place in the history."""
        return f"{self.path}#STARTED#{self.attempt:04d}"


FactName = Literal["items", "goes_on", "result", "failed"]


@dataclass(frozen=True, slots=True)
class RecordedValue:
    """Something about a loop that another driver could find otherwise, or why it has failed, pinned for all of them.

    `items`, at the loop's path: what it loops over; `failed`, there too: why no further iteration begins. At the path
    of an iteration `goes_on`, whether it begins, and `result`, what it gave. What could not be found out is
    `{"error": …}`.
    """

    path: str
    name: FactName
    output: Any = None

    @property
    def key(self) -> str:
        """Its place in the history."""
        return f"{self.path}#FACT#{self.name}"


HistoryEvent = Outcome | Timer | PendingSignal | Signal | Started | RecordedValue


@dataclass(frozen=True)
class History:
    """What an execution's entries say, by path. Of timers and waits it holds the latest of each node."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    waits: dict[str, PendingSignal] = field(default_factory=dict)
    signals: dict[str, Signal] = field(default_factory=dict)
    facts: dict[str, RecordedValue] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    """The places of all entries."""

    @classmethod
    def of(cls, entries: Iterable[HistoryEvent]) -> History:
        """The history that consists of these entries."""
        history = cls()
        for entry in entries:
            history.add(entry)
        return history

    def add(self, entry: HistoryEvent) -> None:
        """Take note of one more entry. Signals and facts are kept by their keys."""
        self.keys.add(entry.key)
        match entry:
            case Outcome():
                self.outcomes[entry.path] = entry
            case Timer():
                before = self.timers.get(entry.path)
                if before is None or (entry.next_attempt or 0) > (before.next_attempt or 0):
                    self.timers[entry.path] = entry
            case PendingSignal():
                known = self.waits.get(entry.path)
                if known is None or entry.attempt > known.attempt:
                    self.waits[entry.path] = entry
            case Signal():
                self.signals[entry.key] = entry
            case RecordedValue():
                self.facts[entry.key] = entry
            case Started():
                pass  # it matters only to who writes it next

    @property
    def counted(self) -> int:
        """How many of its signals the execution's counter has: what drivers write themselves is not counted."""
        return sum(1 for signal in self.signals.values() if signal.by not in (DROPPED, DEADLINE))

    @property
    def has_unread_answer(self) -> bool:
        """Whether a node is waited for that has its answer: a driver that knew of it would have gone on."""
        return any(self._is_unread(wait) for wait in self.waits.values())

    def _is_unread(self, wait: PendingSignal) -> bool:
        signal, timer = self.signals.get(wait.signal_key), self.timers.get(wait.path)
        if signal is None or signal.by == DROPPED or wait.path in self.outcomes:
            return False
        has_ended = any(loop in self.outcomes for loop in loops_around(wait.path))
        return not has_ended and not (timer is not None and (timer.next_attempt or 0) > wait.attempt)

    def open_signal(self, path: str) -> PendingSignal | None:
        """The wait of a node that is not answered and not followed by another attempt."""
        wait, timer = self.waits.get(path), self.timers.get(path)
        if wait is None or path in self.outcomes or wait.signal_key in self.signals:
            return None
        return None if timer is not None and (timer.next_attempt or 0) > wait.attempt else wait


@dataclass(frozen=True, slots=True)
class BatchId:
    """The name of a part of a distributed loop."""

    whole: str
    number: int
    path: str

    def __str__(self) -> str:
        return f"{self.whole}~{self.number}~{self.path}"

    @classmethod
    def parse(cls, text: str) -> BatchId | None:
        """What an id names, None if it is that of a whole execution."""
        if "~" not in text:
            return None
        whole, number, path = text.split("~", 2)
        return cls(whole, int(number), path)

    @property
    def wait(self) -> str:
        """The history key of the loop's wait for its drivers."""
        return wait_key(self.path)

    @property
    def signal(self) -> str:
        """The history key of the loop's end."""
        return signal_key(self.path)
