"""The log of an execution: the lines that its events give, and up to which point a driver knows the log.

A driver writes lines in batches, so it may die between an outcome and its line. An event therefore keeps the lines that
were not in the log when it was written. The next driver checks whether they are in the log, and otherwise adds them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.clock import format_time
from engine.history.events import HistoryEvent, NodeStatus, Outcome, PendingSignal, Timer
from engine.history.model import LogLine


@dataclass
class LogPosition:
    """The position of one driver in the log.

    Args:
        driver: its name, which is in the events that it writes.
        after: earlier drivers whose lines are all in the log; also in its events.
        next: the number of the batch of lines that it writes next, if nobody else does.
        is_first: whether the history was empty when it began.
        has_written: whether it has written an event.
        found: lines of events that it wanted to write and others had written before.
    """

    driver: str
    after: tuple[str, ...] = ()
    next: int = 1
    is_first: bool = True
    has_written: bool = False
    found: list[LogLine] = field(default_factory=list)

    @property
    def vouched(self) -> tuple[str, ...]:
        """Return the drivers whose lines are all in the log, once this driver has written all of its own.

        Earlier drivers are named in its events, if it has written any.
        """
        return (self.driver,) if self.has_written else self.after


def line_of(event: HistoryEvent) -> LogLine | None:
    """Return the log line of an event: the same for every driver."""
    match event:
        case Outcome(status=NodeStatus.SUCCEEDED):
            return LogLine(event.completed_at, "info", "succeeded", event.path, _metadata(event))
        case Outcome():
            error = event.error or {}
            metadata = {**_metadata(event), "code": error.get("code")}
            return LogLine(event.completed_at, "error", f"failed: {error.get('message')}", event.path, metadata)
        case Timer(next_attempt=None):
            return LogLine(event.started_at, "info", f"waits until {format_time(event.due_at)}", event.path)
        case PendingSignal():
            until = f" until {format_time(event.deadline)}" if event.deadline else ""
            return LogLine(event.started_at, "info", f"waits for {event.kind}{until}", event.path)
    return None


def same_as(line: LogLine) -> tuple[str, str, str | None, str]:
    """Return what two equal lines have in common, whether they were read or have just been made."""
    return format_time(line.timestamp), line.level, line.node_id, line.message


def missing(lines: Iterable[LogLine], there: Iterable[LogLine]) -> list[LogLine]:
    """Return those of the lines that are missing there, ordered by time."""
    known = {same_as(line) for line in there}
    return sorted((line for line in lines if same_as(line) not in known), key=lambda line: line.timestamp)


def _metadata(outcome: Outcome) -> dict[str, Any]:
    milliseconds = round((outcome.completed_at - outcome.started_at).total_seconds() * 1000)
    return {"duration_ms": milliseconds, "attempts": outcome.attempts}
