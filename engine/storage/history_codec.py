"""The codec of events: a JSON object beside each event's output, which is packed as a payload."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.clock import format_time, parse_time
from engine.history.events import HistoryEvent, Outcome, PendingSignal, RecordedValue, Signal, Started, Timer
from engine.history.model import LogLine


def facts_of(entry: HistoryEvent) -> dict[str, Any]:
    """Return all of an event except its output."""
    match entry:
        case Outcome():
            return {
                "path": entry.path,
                "status": entry.status,
                "port": entry.port,
                "error": entry.error,
                "attempts": entry.attempts,
                "started_at": format_time(entry.started_at),
                "completed_at": format_time(entry.completed_at),
            }
        case Timer():
            return {
                "kind": "timer",
                "path": entry.path,
                "port": entry.port,
                "error": entry.error,
                "next_attempt": entry.next_attempt,
                "started_at": format_time(entry.started_at),
                "due_at": format_time(entry.due_at),
                **({"put_off": entry.put_off} if entry.put_off else {}),
            }
        case PendingSignal():
            return {
                "kind": "wait",
                "path": entry.path,
                "attempt": entry.attempt,
                "for": entry.kind,
                "started_at": format_time(entry.started_at),
                "deadline": format_time(entry.deadline) if entry.deadline else None,
            }
        case Signal():
            at = format_time(entry.at)
            return {"kind": "signal", "path": entry.path, "attempt": entry.attempt, "at": at, "by": entry.by}
        case Started():
            at = format_time(entry.started_at)
            return {
                "kind": "started", "path": entry.path, "attempt": entry.attempt, "started_at": at,
                "driver": entry.driver,
            }  # fmt: skip
        case RecordedValue():
            return {"kind": "fact", "path": entry.path, "name": entry.name}


def entry_of(facts: dict[str, Any], output: Any) -> HistoryEvent:
    """Return the event with these attributes and this output."""
    path = facts["path"]
    match facts.get("kind"):
        case None:
            return Outcome(
                path,
                facts["status"],
                parse_time(facts["started_at"]),
                parse_time(facts["completed_at"]),
                facts["port"],
                output,
                facts["error"],
                facts["attempts"],
            )
        case "timer":
            due_at, started_at = parse_time(facts["due_at"]), parse_time(facts["started_at"])
            following, error, port = facts["next_attempt"], facts["error"], facts["port"]
            return Timer(path, due_at, started_at, following, error, output, port, facts.get("put_off", 0))
        case "wait":
            started_at, deadline = parse_time(facts["started_at"]), _time(facts["deadline"])
            return PendingSignal(path, facts["attempt"], facts["for"], started_at, deadline, output)
        case "signal":
            return Signal(path, facts["attempt"], parse_time(facts["at"]), facts["by"], output)
        case "started":
            return Started(path, facts["attempt"], parse_time(facts["started_at"]), facts["driver"], output)
        case "fact":
            return RecordedValue(path, facts["name"], output)
        case other:
            raise ValueError(f"the history holds a {other!r}, which this version does not know")


def packed_lines(lines: Sequence[LogLine]) -> list[Any]:
    """Return log lines in their stored form; see `line_in`."""
    return [[format_time(line.timestamp), line.level, line.node_id, line.message, line.metadata] for line in lines]


def line_in(packed: list[Any]) -> LogLine:
    """Return a stored log line."""
    timestamp, level, node_id, message, metadata = packed
    return LogLine(parse_time(timestamp), level, message, node_id, metadata)


def _time(text: str | None) -> datetime | None:
    return parse_time(text) if text else None
