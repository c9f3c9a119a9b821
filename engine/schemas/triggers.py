"""Bodies of triggers and events."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

from engine import limits
from engine.history.model import Status
from engine.schemas.common import Answer, Body
from engine.workflow.definition import NodeId


class OutcomeAnswer(Answer):
    """How an execution that a trigger has started has ended."""

    execution_id: str
    status: Status


class TriggerAnswer(Answer):
    """A trigger and how it is: `healthy`, `failing`, `silent` or `no_secret`."""

    workflow_id: str
    workflow_name: str
    is_active: bool
    id: str
    type: str
    name: str | None
    config: dict[str, Any]
    status: Literal["healthy", "failing", "silent", "no_secret"]
    url: str | None = Field(description="Of a webhook, for those who may start the workflow.")
    has_secret: bool | None = Field(description="Whether a webhook's secret is set; null where it needs none.")
    fired: int = Field(description="Deliveries that were taken.")
    last_fired_at: str | None
    next_expected_at: str | None
    last_outcome: OutcomeAnswer | None
    consecutive_failures: int
    failed: int = Field(description="Deliveries from which nothing could be started.")
    last_failure: dict[str, Any] | None
    refused: int = Field(description="Deliveries that were not taken: bad signature, inactive, unreadable.")
    last_refused_at: str | None
    last_refusal: str | None
    silent_since: str | None = Field(description="The time at which it should have fired and did not.")


class TriggerList(Answer):
    """The triggers of a page of workflows; there may be none though there is a `next_cursor`."""

    items: list[TriggerAnswer]
    next_cursor: str | None


class AddressAnswer(Answer):
    """Where a webhook is called."""

    url: str


class ScheduleAnswer(Answer):
    """The coming times of one schedule."""

    trigger_id: str
    timezone: str
    times: list[str]


class ScheduleList(Answer):
    """The schedules of a workflow."""

    is_active: bool
    items: list[ScheduleAnswer]


class BackfillBody(Body):
    """Which times to start: all from one to the other, both included."""

    begin: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    trigger_id: NodeId | None = Field(default=None, description="Default: all schedules of the workflow.")


class BackfillItem(Answer):
    """One time, and its execution."""

    scheduled_at: str
    execution_id: str
    is_new: bool = Field(description="False where that time had its execution before.")


class BackfillAnswer(Answer):
    """What was started, in the order of the times."""

    started: int
    items: list[BackfillItem]


class TriggerTypeAnswer(Answer):
    """A trigger type, as a form or a program needs it."""

    type: str
    title: str
    description: str
    group: str
    icon: str = Field(description="A name of the Lucide icon set.")
    examples: list[dict[str, Any]] = Field(description="Configs that are right.")
    config_schema: dict[str, Any]
    sample: dict[str, Any] = Field(description="What `trigger` may be in its executions.")
    output_schema: dict[str, Any] = Field(description="The JSON Schema of `trigger`.")


class TriggerTypeList(Answer):
    """All trigger types."""

    items: list[TriggerTypeAnswer]
    next_cursor: str | None


class PreviewScheduleBody(Body):
    """A schedule that need not be saved."""

    config: dict[str, JsonValue] = Field(description="As the config of a trigger of type `schedule`.")
    language: Literal["en", "de"] = Field(default="en", description="Of the words.")
    count: Annotated[int, Field(ge=1, le=50)] = Field(default=limits.SCHEDULE_TIMES, description="So many times.")


class SchedulePreviewAnswer(Answer):
    """When a schedule comes."""

    words: str = Field(description="In words; times are those of the time zone.")
    timezone: str
    times: list[str] = Field(description="The coming times, in UTC. There may be fewer than were asked for, or none.")


class SampleAnswer(Answer):
    """What a trigger gives its executions as `trigger`."""

    sample: dict[str, Any]
    last: dict[str, Any] | None = Field(description="What it really gave the newest execution that has ended.")


class FiringBody(Body):
    """What to fire a trigger with."""

    payload: dict[str, JsonValue] | None = Field(
        default=None, description="Parts of `trigger` to use instead of the sample's, such as `body`."
    )
    last: bool = Field(default=False, description="Use what it really got last instead of the sample.")


class SecretBody(Body):
    """What callers of a webhook are checked against: the key that signs, or the password."""

    secret: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]


EventName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]


class EventBody(Body):
    """An event for the workflows of the workspace."""

    source: EventName = Field(description="Who tells it, such as `shop`.")
    type: EventName = Field(description="What has happened, such as `order.created`; `detail-type` in patterns.")
    data: dict[str, JsonValue] = Field(default_factory=dict, description="`detail` in patterns.")
    id: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")] | None = Field(
        default=None, description="Your own id: the same event starts a workflow once in seven days."
    )


class EventAnswer(Answer):
    """The event was taken."""

    id: str
