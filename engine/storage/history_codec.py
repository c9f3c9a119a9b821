"""The codec of events: a JSON object beside each event's output, which is packed as a payload."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.clock import format_time, parse_time
from engine.history.events import HistoryEvent, Outcome, PendingSignal, RecordedValue, Signal, Started, Timer
from engine.history.model import LogLine


def event_fields(entry: HistoryEvent) -> dict[str, Any]:
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
            return {"kind": "value", "path": entry.path, "name": entry.name}


def event_from(fields: dict[str, Any], output: Any) -> HistoryEvent:
    """Return the event with these attributes and this output."""
    path = fields["path"]
    match fields.get("kind"):
        case None:
            return Outcome(
                path,
                fields["status"],
                parse_time(fields["started_at"]),
                parse_time(fields["completed_at"]),
                fields["port"],
                output,
                fields["error"],
                fields["attempts"],
            )
        case "timer":
            due_at, started_at = parse_time(fields["due_at"]), parse_time(fields["started_at"])
            following, error, port = fields["next_attempt"], fields["error"], fields["port"]
            return Timer(path, due_at, started_at, following, error, output, port, fields.get("put_off", 0))
        case "wait":
            started_at, deadline = parse_time(fields["started_at"]), _time(fields["deadline"])
            return PendingSignal(path, fields["attempt"], fields["for"], started_at, deadline, output)
        case "signal":
            return Signal(path, fields["attempt"], parse_time(fields["at"]), fields["by"], output)
        case "started":
            return Started(path, fields["attempt"], parse_time(fields["started_at"]), fields["driver"], output)
        case "value":
            return RecordedValue(path, fields["name"], output)
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
