"""Bodies of executions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from engine.execution import Status
from engine.ids import ID_PATTERN
from engine.schemas.common import Answer, Body

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class StartBody(Body):
    """What to run, with which input."""

    workflow_id: Id
    input: Any = Field(default=None, description="Any JSON; `trigger.body` to expressions.")


class NodeAnswer(Answer):
    """What one node is doing or did."""

    id: str
    type: str
    status: str = Field(description="pending, running, waiting, succeeded, failed, skipped or cancelled")
    attempts: int
    started_at: str | None
    completed_at: str | None
    output: Any
    error: dict[str, Any] | None


class ExecutionSummary(Answer):
    """An execution in a list."""

    id: str
    workflow_id: str
    workflow_version: int
    status: Status
    trigger_type: str
    triggered_by: str | None
    created_at: str
    started_at: str | None
    completed_at: str | None


class ExecutionAnswer(ExecutionSummary):
    """An execution with its input, result and error."""

    input: Any
    result: Any
    error: dict[str, Any] | None
    omitted: list[str] = Field(
        default_factory=list, description="Fields that are null here because they are too large to be shown."
    )


class ExecutionDetail(ExecutionAnswer):
    """An execution with its nodes."""

    nodes: list[NodeAnswer]


class ExecutionList(Answer):
    """A page of executions, the newest first."""

    items: list[ExecutionSummary]
    next_cursor: str | None


class LogAnswer(Answer):
    """One line of a log. `cursor` as `after` gives what comes behind it, also when there is no more yet."""

    cursor: str
    timestamp: str
    level: str
    node_id: str | None
    message: str
    metadata: dict[str, Any] | None


class LogList(Answer):
    """A page of log lines, the oldest first."""

    items: list[LogAnswer]
    next_cursor: str | None
