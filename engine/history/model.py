"""What an execution is: its record, statuses and log lines, and what an invocation decides to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from engine import limits
from engine.clock import format_time
from engine.history.execution_ref import ExecutionRef
from engine.history.usage import Bill

if TYPE_CHECKING:
    from engine.workflow.definition import WhenFull
    from engine.workflow.trial import Trial


class Status(StrEnum):
    """The status of an execution."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen any more."""
        return self in FINAL_STATUSES


FINAL_STATUSES = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT})
OPEN_STATUSES = frozenset(Status) - FINAL_STATUSES


@dataclass(frozen=True, slots=True)
class Caller:
    """The node of another execution that started this one, and whether it waits for the end."""

    ref: ExecutionRef
    path: str
    attempt: int
    waits: bool


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """The position of an execution among others of its workflow when concurrency is limited.

    `concurrency_key` names the limit (a workflow, and a value of its key expression); `slot` is the number of its slot.
    Without a slot it is pending and has no driver. `when_full` is what the author requested for when no slot is free;
    it is in the record, so that whoever completes an interrupted start does the same.
    """

    concurrency_key: str
    limit: int
    slot: int | None = None
    when_full: WhenFull = "queue"


@dataclass(frozen=True, slots=True)
class Execution:
    """The record of one run of one workflow version. `trigger` is the value of that name in expressions.

    `driver_attempt` counts its drivers, which are executions of the state machine; an older driver ends when it
    sees a newer one. `signals` counts the signals that it received, `stalled_invocations` the invocations in a row
    that made no progress. `secret` derives the tokens of its callbacks; it is never shown. `depth` is the length of
    the chain of executions that started one another up to this one. Test runs publish no domain events; `trial` is
    how they differ from other runs.
    """

    id: str
    workspace_id: str
    workflow_id: str
    workflow_version: int
    trigger_type: str
    triggered_by: str | None
    trigger: dict[str, Any]
    created_at: datetime
    status: Status = Status.PENDING
    started_at: datetime | None = None
    completed_at: datetime | None = None
    result: Any = None
    error: dict[str, Any] | None = None
    driver_attempt: int = 1
    signals: int = 0
    stalled_invocations: int = 0
    secret: str = ""
    depth: int = 0
    caller: Caller | None = None
    queue_position: QueuePosition | None = None
    retry_of: str | None = None
    trigger_id: str | None = None
    workflow_name: str | None = None
    bill: Bill = field(default_factory=Bill)
    progress: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    is_test: bool = False
    trial: Trial | None = None

    @property
    def ref(self) -> ExecutionRef:
        """The reference to it, or to the map batch whose record this is."""
        return ExecutionRef.parse(self.id)

    @property
    def is_of_draft(self) -> bool:
        """Whether it runs a draft, which is stored like a version, but is in no list."""
        return self.workflow_version > limits.MAX_VERSIONS

    @property
    def duration_ms(self) -> int | None:
        """From the first invocation to the end; None until then."""
        if self.completed_at is None:
            return None
        return round((self.completed_at - (self.started_at or self.completed_at)).total_seconds() * 1_000)

    @property
    def template_data(self) -> dict[str, Any]:
        """Return the value of `execution` in expressions: only what never changes, so that they can be recomputed."""
        return {
            "id": self.id,
            "workflow_id": self.workflow_id,
            "workflow_version": self.workflow_version,
            "trigger_type": self.trigger_type,
            "created_at": format_time(self.created_at),
        }


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an execution's log; `node_id` is None for what concerns the whole execution."""

    timestamp: datetime
    level: str
    message: str
    node_id: str | None = None
    metadata: dict[str, Any] | None = None


class Next(StrEnum):
    """What the driver of an unfinished execution does next; the state machines choose by these words."""

    CONTINUE = "continue"
    """Begin another invocation at once."""
    SUSPEND_UNTIL = "suspend_until"
    """Begin another invocation at a time."""
    SUSPEND_ON_SIGNAL = "suspend_on_signal"
    """Begin another invocation when a signal comes that this one has not seen, or at a time."""
    CONTINUE_AS_NEW = "continue_as_new"
    """Hand over to a new driver, since the history of this state machine is nearly full."""
    SUPERSEDED = "superseded"
    """End: a newer driver is at work."""
    DONE = "done"
    """End: a map worker has come to the end of its batches."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the driver of an execution does next, or the final status of the execution.

    `signals` is how many signals the invocation has seen.
    """

    next: Next | Status
    until: datetime | None = None
    signals: int = 0


def started_before(started_at: datetime, completed_at: datetime | None) -> datetime:
    """Return when an execution began: never after its end, whichever driver marked its start or end."""
    return started_at if completed_at is None else min(started_at, completed_at)
