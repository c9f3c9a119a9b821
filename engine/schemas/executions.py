"""Bodies of executions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, RootModel, StringConstraints

from engine import limits
from engine.history.model import Status
from engine.ids import ID_PATTERN
from engine.schemas.common import Answer, Body

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class StartBody(Body):
    """What to run, with which input."""

    workflow_id: Id
    input: Any = Field(default=None, description="Any JSON; `trigger.body` to expressions.")
    version: Annotated[int, Field(ge=1, le=limits.MAX_VERSIONS)] | None = Field(
        default=None, description="That version. Default: the published one."
    )


class RetryBody(Body):
    """From where to go on, and with which version of the workflow."""

    start: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        default="failed", alias="from", description="`failed`: what failed and all behind it; or a node's id."
    )
    version: Literal["same", "current"] | Annotated[int, Field(ge=1, le=limits.MAX_VERSIONS)] = Field(
        default="same", description="That of the old execution, the newest, or a number."
    )
    input: Any = Field(default=None, description="Replaces the old input for all that runs again.")


class SignalBody(Body):
    """An answer to what waits: a decision for an approval, a body for a callback."""

    decision: Literal["approved", "rejected"] | None = None
    comment: Annotated[str, StringConstraints(max_length=4_000)] | None = None
    body: Any = Field(default=None, description="What a callback gives; any JSON.")
    attempt: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Which attempt of the node is meant; an answer to an older one is refused."
    )


class SignalAnswer(Answer):
    """The answer that was taken."""

    execution_id: str
    node: str
    attempt: int
    at: str


class CallbackBody(RootModel[dict[str, JsonValue]]):
    """Any JSON object."""


class WaitAnswer(Answer):
    """What a node waits for."""

    kind: str = Field(description="approval, callback or child")
    attempt: int
    deadline: str | None
    message: str | None = None
    approvers: list[str] | None = None
    url: str | None = Field(default=None, description="Where a callback is received.")
    execution_id: str | None = Field(default=None, description="The execution that is waited for.")


class ProgressAnswer(Answer):
    """How far a loop has come."""

    total: int | None
    done: int
    failed: int


class BillAnswer(Answer):
    """What a run has cost so far, at list price."""

    dollars: float
    prices_as_of: str
    lambda_ms: int
    transitions: int
    write_units: float
    read_units: float
    s3_calls: int
    ai_input_tokens: int
    ai_output_tokens: int
    ai_dollars: float = Field(description="What models cost, which is part of `dollars`.")


class NodeAnswer(Answer):
    """What one node is doing or did."""

    id: str = Field(description="Its path: `each[3].fetch` is a node in the fourth iteration of a loop.")
    type: str
    status: str = Field(description="pending, running, waiting, succeeded, failed, skipped or cancelled")
    attempts: int
    started_at: str | None
    completed_at: str | None
    output: Any
    error: dict[str, Any] | None
    port: str | None = Field(default=None, description="By which port it went on, once it has ended.")
    wait: WaitAnswer | None = None
    progress: ProgressAnswer | None = None


class ExecutionFacts(Answer):
    """What is told of an execution wherever it is shown."""

    id: str
    workflow_id: str
    workflow_name: str | None = Field(description="The workflow's name when it was started.")
    workflow_version: int
    status: Status
    trigger_type: str
    triggered_by: str | None
    queued: bool = Field(description="Whether it waits for others of its workflow to end.")
    retry_of: str | None
    trigger_id: str | None = Field(description="The workflow's trigger that started it.")
    started_from: str | None = Field(description="The execution that started it.")
    created_at: str
    started_at: str | None
    completed_at: str | None


class BriefError(Answer):
    """Why an execution has not succeeded, in short; the execution itself has the whole message, and the details."""

    code: str | None
    message: str = Field(description=f"Its first {limits.MAX_BRIEF_ERROR} characters.")
    node: str | None = Field(description="The node that failed, where one did.")


class ExecutionSummary(ExecutionFacts):
    """An execution in a list."""

    error: BriefError | None


class ExecutionAnswer(ExecutionFacts):
    """An execution with its input, result and error."""

    input: Any
    result: Any
    error: dict[str, Any] | None
    bill: BillAnswer
    omitted: list[str] = Field(
        default_factory=list, description="Fields that are null here because they are too large to be shown."
    )


class ExecutionStarted(Answer):
    """An execution that was just started."""

    id: str
    workflow_id: str
    status: Status


class ExecutionDetail(ExecutionAnswer):
    """An execution with its nodes."""

    trigger: dict[str, Any] = Field(description="What started it, beside the input: headers, times, the event.")
    nodes: list[NodeAnswer]
    next_nodes: str | None = Field(
        default=None, description="As `nodes_after` it gives further nodes, where there are more than fit here."
    )


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
