"""The codec of events: a JSON object beside each event's output, which is packed as a payload."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from engine.clock import format_time, parse_time
from engine.history.events import (
    HistoryEvent,
    NodeStatus,
    Outcome,
    PendingSignal,
    RecordedValue,
    Signal,
    SignalStatus,
    Started,
    Timer,
    ValueName,
    WaitKind,
)
from engine.history.model import LogLine


class _Kind(StrEnum):
    """What an event is; an outcome, of which there are the most, has no kind."""

    TIMER = "timer"
    PENDING_SIGNAL = "pending_signal"
    SIGNAL = "signal"
    STARTED = "started"
    RECORDED_VALUE = "recorded_value"


def event_fields(event: HistoryEvent) -> dict[str, Any]:
    """Return all of an event except its output."""
    match event:
        case Outcome():
            return {
                "path": event.path,
                "status": event.status,
                "port": event.port,
                "error": event.error,
                "attempts": event.attempts,
                "started_at": format_time(event.started_at),
                "completed_at": format_time(event.completed_at),
            }
        case Timer():
            return {
                "kind": _Kind.TIMER,
                "path": event.path,
                "port": event.port,
                "error": event.error,
                "next_attempt": event.next_attempt,
                "started_at": format_time(event.started_at),
                "due_at": format_time(event.due_at),
                **({"postponed": event.postponed} if event.postponed else {}),
            }
        case PendingSignal():
            return {
                "kind": _Kind.PENDING_SIGNAL,
                "path": event.path,
                "attempt": event.attempt,
                "for": event.kind,
                "started_at": format_time(event.started_at),
                "deadline": format_time(event.deadline) if event.deadline else None,
            }
        case Signal():
            return {
                "kind": _Kind.SIGNAL,
                "path": event.path,
                "attempt": event.attempt,
                "at": format_time(event.at),
                "status": event.status,
                **({"answered_by": event.answered_by} if event.answered_by else {}),
            }
        case Started():
            at = format_time(event.started_at)
            return {
                "kind": _Kind.STARTED, "path": event.path, "attempt": event.attempt, "started_at": at,
                "driver": event.driver,
            }  # fmt: skip
        case RecordedValue():
            return {"kind": _Kind.RECORDED_VALUE, "path": event.path, "name": event.name}


def event_from(fields: dict[str, Any], output: Any) -> HistoryEvent:
    """Return the event with these attributes and this output."""
    path = fields["path"]
    match fields.get("kind"):
        case None:
            return Outcome(
                path,
                NodeStatus.SUCCEEDED if fields["status"] == NodeStatus.SUCCEEDED else NodeStatus.FAILED,
                parse_time(fields["started_at"]),
                parse_time(fields["completed_at"]),
                fields["port"],
                output,
                fields["error"],
                fields["attempts"],
            )
        case _Kind.TIMER:
            due_at, started_at = parse_time(fields["due_at"]), parse_time(fields["started_at"])
            following, error, port = fields["next_attempt"], fields["error"], fields["port"]
            return Timer(path, due_at, started_at, following, error, output, port, fields.get("postponed", 0))
        case _Kind.PENDING_SIGNAL:
            started_at, deadline = parse_time(fields["started_at"]), _time(fields["deadline"])
            return PendingSignal(path, fields["attempt"], WaitKind(fields["for"]), started_at, deadline, output)
        case _Kind.SIGNAL:
            at, status = parse_time(fields["at"]), SignalStatus(fields["status"])
            return Signal(path, fields["attempt"], at, status, output, fields.get("answered_by"))
        case _Kind.STARTED:
            return Started(path, fields["attempt"], parse_time(fields["started_at"]), fields["driver"], output)
        case _Kind.RECORDED_VALUE:
            return RecordedValue(path, ValueName(fields["name"]), output)
        case other:
            raise ValueError(f"the history holds a {other!r}, which this version does not know")


def is_recorded_value(fields: dict[str, Any]) -> bool:
    """Return whether these are the attributes of a recorded value."""
    return fields.get("kind") == _Kind.RECORDED_VALUE


def packed_lines(lines: Sequence[LogLine]) -> list[Any]:
    """Return log lines in their stored form; see `line_in`."""
    return [[format_time(line.timestamp), line.level, line.node_id, line.message, line.metadata] for line in lines]


def line_in(packed: list[Any]) -> LogLine:
    """Return a stored log line."""
    timestamp, level, node_id, message, metadata = packed
    return LogLine(parse_time(timestamp), level, message, node_id, metadata)


def _time(text: str | None) -> datetime | None:
    return parse_time(text) if text else None
