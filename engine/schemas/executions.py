"""Bodies of executions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, RootModel, StringConstraints

from engine import limits
from engine.history.model import Status
from engine.ids import DOTTED_PATH_PATTERN, ID_PATTERN, NODE_ID_PATTERN
from engine.schemas.common import Answer, Body

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


NodeStatus = Literal["pending", "running", "waiting", "succeeded", "failed", "skipped", "cancelled"]
WaitKind = Literal["approval", "callback", "child"]


class PinBody(Body):
    """A node that does not run in a test run, but ends with this."""

    output: Any = Field(description="Its output; by the port `error` its error, `{code, message}`.")
    port: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="By which port it goes on. Default: its first one."
    )


class TriggerBody(Body):
    """As which trigger of the workflow a test run begins."""

    id: Annotated[str, Field(pattern=NODE_ID_PATTERN, description="The trigger's id in the definition.")]
    payload: dict[str, JsonValue] | None = Field(
        default=None, description="Parts of `trigger` to use instead of the sample's, such as `body`."
    )
    last: bool = Field(default=False, description="Use what it really got last instead of a made-up sample.")


_DottedPath = Annotated[str, Field(min_length=1, max_length=1_000, pattern=DOTTED_PATH_PATTERN)]


class StartBody(Body):
    """What to run, with which input. `draft`, `trigger`, `pins`, `until`, `only` and `test` make it a test run."""

    workflow_id: Id = Field(description="The workflow.")
    input: Any = Field(default=None, description="Any JSON; `trigger.body` to expressions.")
    version: Annotated[int, Field(ge=1, le=limits.MAX_VERSIONS)] | None = Field(
        default=None, description="That version. Default: the published one."
    )
    draft: Literal[True] | dict[str, Any] | None = Field(
        default=None, description="`true`: your saved draft; or a definition that is not saved."
    )
    trigger: TriggerBody | None = Field(default=None, description="Instead of `input`: begin as a trigger would.")
    pins: dict[_DottedPath, PinBody] = Field(
        default_factory=dict,
        max_length=limits.MAX_NODES,
        description="Nodes that do not run, by id; in a loop as `each.fetch`, for all iterations.",
    )
    until: _DottedPath | None = Field(default=None, description="Run only what leads to this node, and the node.")
    only: _DottedPath | None = Field(default=None, description="Run only this node; what it reads has to be pinned.")
    test: Literal[True] | None = Field(default=None, description="`true`: a test run, of which nobody is told.")

    @property
    def is_test(self) -> bool:
        """Whether it is a test run."""
        return bool(self.test or self.pins or self.until or self.only or self.trigger or self.draft is not None)


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
    values: dict[str, JsonValue] | None = Field(default=None, description="What an approver fills into the form.")
    attempt: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Which attempt of the node is meant; an answer to an older one is refused."
    )


class SignalAnswer(Answer):
    """The answer that was taken."""

    execution_id: str
    node: str
    attempt: int
    at: str
    decided: bool = Field(description="Whether the node goes on; false where further people have to approve.")


class CallbackBody(RootModel[dict[str, JsonValue]]):
    """Any JSON object."""


class WaitAnswer(Answer):
    """What a node waits for."""

    kind: WaitKind
    attempt: int
    deadline: str | None
    message: str | None = None
    approvers: list[str] | None = None
    needs: int | None = Field(default=None, description="How many people have to approve it.")
    form: dict[str, Any] | None = Field(default=None, description="JSON Schema of what who approves fills in.")
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
    status: NodeStatus
    attempts: int
    started_at: str | None
    completed_at: str | None
    output: Any
    error: dict[str, Any] | None
    port: str | None = Field(default=None, description="By which port it went on, once it has ended.")
    wait: WaitAnswer | None = None
    progress: ProgressAnswer | None = None
    pinned: bool = Field(default=False, description="Whether it did not run, as a test run had its output pinned.")
    dollars: float | None = Field(
        default=None,
        description="Estimate of what it has cost, a loop with all that ran in it: what is metered is whole "
        "invocations, of which each node gets a share by the time that it took and by what was written for it. "
        "Null where it was asked for by itself.",
    )


class ExecutionFacts(Answer):
    """What is told of an execution wherever it is shown."""

    id: str
    workflow_id: str
    workflow_name: str | None = Field(description="The workflow's name when it was started.")
    workflow_version: int | None = Field(description="Null of a draft.")
    draft: bool = Field(description="Whether it ran a draft.")
    test: bool = Field(description="Whether it is a test run.")
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
    duration_ms: int | None = Field(description="From its first step to its end.")
    dollars: float = Field(description="What it has cost so far, at list price.")


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


class NodeAttempt(Answer):
    """One attempt of a node."""

    attempt: int = Field(description="Its number; the first is 1.")
    status: Literal["failed", "waiting", "succeeded"]
    at: str | None = Field(description="When it failed or succeeded, or began to wait.")
    error: dict[str, Any] | None
    next_at: str | None = Field(description="When the next attempt is made.")


class IterationAnswer(Answer):
    """One iteration of a loop."""

    index: int
    status: Literal["running", "waiting", "succeeded", "failed"]
    started_at: str | None
    completed_at: str | None


class IterationsAnswer(ProgressAnswer):
    """The iterations of a loop that have begun."""

    items: list[IterationAnswer]
    next_after: int | None = Field(description="As `iterations_after` it gives further ones, where there are more.")


class TemplateProblemAnswer(Answer):
    """A template without a value here."""

    path: str = Field(description="The field, such as `config.url`.")
    code: Literal["expression"] = "expression"
    message: str
    expression: str


class NodeDetail(NodeAnswer):
    """A node of an execution with all that is known of it."""

    name: str | None
    config: dict[str, Any] = Field(description="As its author wrote it.")
    evaluated: dict[str, Any] | None = Field(
        description="With its templates evaluated over what it saw; what looks like a secret is hidden."
    )
    problems: list[TemplateProblemAnswer] = Field(description="Templates of it that have no value.")
    history: list[NodeAttempt] = Field(description="Its attempts, the first one first.")
    scope: dict[str, Any] = Field(description="In a loop `item` and `index`.")
    came_from: list[str] = Field(description="The nodes whose edges to it have fired, in that order.")
    iterations: IterationsAnswer | None = Field(description="Of a loop.")
    omitted: list[str] = Field(description="`output` where it is too large to be shown.")
    output_bytes: int | None
    output_url: str | None = Field(description="Where an output is that is too large to be shown; for 15 minutes.")


class PinAnswer(Answer):
    """A node that was pinned."""

    output: Any
    port: str


class RunDefinition(Answer):
    """What an execution ran: as its author wrote it."""

    workflow_id: str
    workflow_name: str | None
    version: int | None = Field(description="Null of a draft.")
    draft: bool
    definition: dict[str, Any]
    pins: dict[str, PinAnswer]
    until: str | None
    only: str | None


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


LogLevel = Literal["debug", "info", "warning", "error"]


class LogAnswer(Answer):
    """One line of a log. `cursor` as `after` gives what comes behind it, also when there is no more yet."""

    cursor: str
    timestamp: str
    level: LogLevel
    node_id: str | None
    message: str
    metadata: dict[str, Any] | None


class LogList(Answer):
    """A page of log lines, the oldest first."""

    items: list[LogAnswer]
    next_cursor: str | None
