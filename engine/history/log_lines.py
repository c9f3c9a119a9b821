"""The log of an execution: what entries of its journal say in it, and up to where a driver knows it.

A driver writes lines in batches, so it may die between an outcome and its line. An entry therefore keeps the lines that
were not in the log yet when it was written. The next driver looks whether they have come there, and else sees to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.clock import format_time
from engine.history.events import HistoryEvent, Outcome, PendingSignal, Timer
from engine.history.model import LogLine


@dataclass
class LogPosition:
    """What one driver knows of the log.

    Args:
        driver: its name, which the entries that it writes hold.
        after: drivers before it whose lines are all in the log; its entries hold them too.
        next: the number of the batch that it will write next, if nobody else does.
        is_first: whether nothing was journalled yet when it began.
        has_written: whether it has journalled anything.
        found: lines of entries that it wanted to write and others had written before.
    """

    driver: str
    after: tuple[str, ...] = ()
    next: int = 1
    is_first: bool = True
    has_written: bool = False
    found: list[LogLine] = field(default_factory=list)

    @property
    def vouched(self) -> tuple[str, ...]:
        """Those whose lines are known to be in the log, once this driver has written all of its own.

        Those before it are in its entries, if it has written any.
        """
        return (self.driver,) if self.has_written else self.after


def line_of(entry: HistoryEvent) -> LogLine | None:
    """What the log says of an entry: the same for whoever tells it."""
    match entry:
        case Outcome(status="succeeded"):
            return LogLine(entry.completed_at, "info", "succeeded", entry.path, _facts(entry))
        case Outcome():
            error = entry.error or {}
            facts = {**_facts(entry), "code": error.get("code")}
            return LogLine(entry.completed_at, "error", f"failed: {error.get('message')}", entry.path, facts)
        case Timer(next_attempt=None):
            return LogLine(entry.started_at, "info", f"waits until {format_time(entry.due_at)}", entry.path)
        case PendingSignal():
            until = f" until {format_time(entry.deadline)}" if entry.deadline else ""
            return LogLine(entry.started_at, "info", f"waits for {entry.kind}{until}", entry.path)
    return None


def same_as(line: LogLine) -> tuple[str, str, str | None, str]:
    """What two lines have in common that tell the same, whether they were read or have just been made."""
    return format_time(line.timestamp), line.level, line.node_id, line.message


def missing(lines: Iterable[LogLine], there: Iterable[LogLine]) -> list[LogLine]:
    """Those of the lines that are not there, in the order of their times."""
    known = {same_as(line) for line in there}
    return sorted((line for line in lines if same_as(line) not in known), key=lambda line: line.timestamp)


def _facts(outcome: Outcome) -> dict[str, Any]:
    milliseconds = round((outcome.completed_at - outcome.started_at).total_seconds() * 1000)
    return {"duration_ms": milliseconds, "attempts": outcome.attempts}
