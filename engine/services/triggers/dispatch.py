"""Starts executions for schedules and events. However often or late they are delivered, the current record decides.

A scheduled time gives one execution for as long as that is kept, since its id is derived from the time; an event gives
one within a week.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from engine import limits
from engine.aws.event_bus import PLATFORM_SOURCE, Marks
from engine.clock import Clock, format_time, parse_time
from engine.errors import MainspringError, Unavailable
from engine.ids import derived_id
from engine.services.executions.finalization import check_depth
from engine.services.executions.start import Request, Starter
from engine.services.triggers.listeners import ListenerIndex
from engine.storage.listeners import Listener
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Workflow
from engine.triggers.definition import TriggerDefinition
from engine.triggers.event import EventConfig
from engine.triggers.schedule import ScheduleConfig
from engine.triggers.types import config_of

logger = logging.getLogger(__name__)
_TOGETHER = 16
_LATE_WITHOUT_TIME = timedelta(seconds=60)
"""How late a schedule without a time of its own may be: an emulator's, which checks every ten seconds."""


class Fired(StrEnum):
    """What a schedule or an event has done at a trigger."""

    STARTED = "started"
    KNOWN = "known"
    """It has started an execution before."""
    FAILED = "failed"
    REFUSED = "refused"
    """It was for an older version of the trigger."""
    NOT_LIVE = "not_live"
    """There is no such trigger, or its workflow is not active."""
    NOT_DUE = "not_due"
    OWN_END = "own"
    """The event is the end of an execution of the same workflow."""


class Dispatcher:
    """Starts executions for schedules and events. Its methods return what was done.

    Args:
        repositories: the stored records.
        starter: starts executions.
        listener_index: knows the triggers that listen on the platform's bus.
        clock: tells the time.
        together: how many triggers of one event are started at the same time.
    """

    def __init__(
        self,
        repositories: Repositories,
        starter: Starter,
        listener_index: ListenerIndex,
        clock: Clock,
        *,
        together: int = _TOGETHER,
    ) -> None:
        self._workflows = repositories.workflows
        self._triggers = repositories.triggers
        self._listeners = repositories.listeners
        self._starter = starter
        self._listener_index = listener_index
        self._clock = clock
        self._together = together

    def on_time(self, workflow_id: str, trigger_id: str, scheduled_at: str) -> Fired:
        """Handle a schedule, for the time that EventBridge Scheduler gives.

        Raises:
            Unavailable: the schedule has to be delivered again.
        """
        found = self._live(workflow_id, trigger_id)
        if found is None:
            return Fired.NOT_LIVE
        workflow, trigger = found
        config = config_of(trigger)
        if not isinstance(config, ScheduleConfig):
            return self._refuse(workflow, trigger, "a schedule arrived for a trigger that is not a schedule any more")
        try:
            moment, tolerance = parse_time(scheduled_at), timedelta(seconds=1)
        except ValueError:
            moment, tolerance = self._clock.now(), _LATE_WITHOUT_TIME
        due = config.due(moment, tolerance)
        if due is None:
            logger.info("%s is not a time of %s/%s", scheduled_at, workflow_id, trigger_id)
            return Fired.NOT_DUE
        fired = self._start(workflow, trigger, scheduled(workflow, trigger, config, due))
        now = self._clock.now()
        expected_at = config.expected_after(max(due, now))
        if fired is Fired.FAILED:
            self._triggers.expect(workflow.id, trigger.id, expected_at)
        else:
            self._triggers.fired(workflow.id, trigger.id, now, expected_at, counts=fired is Fired.STARTED)
        return fired

    def on_event(self, event: Mapping[str, Any]) -> Counter[Fired]:
        """Handle an event on the platform's bus. Return how many of the triggers that it is for did what.

        Raises:
            Unavailable: to be delivered again, after all triggers were tried; those that have fired do not fire again.
        """
        workspace_id = Marks.of(event).workspace_id
        return self._each(
            self._listener_index.listeners_of(workspace_id, event) if workspace_id else [], event, "workspace"
        )

    def on_rule(self, digest: str, event: Mapping[str, Any]) -> Counter[Fired]:
        """Handle an event on the account's bus, matched by the rule of a pattern; as `on_event`."""
        return self._each(self._listeners.of_rule(digest), event, "account")

    def _each(self, listeners: Sequence[Listener], event: Mapping[str, Any], bus: str) -> Counter[Fired]:
        if len(listeners) < 2:  # noqa: PLR2004 - one needs no threads
            return Counter(self._heard(one, event, bus) for one in listeners)
        with ThreadPoolExecutor(self._together) as pool:
            told = [pool.submit(self._heard, one, event, bus) for one in listeners]
        return Counter(one.result() for one in told)

    def _heard(self, listener: Listener, event: Mapping[str, Any], bus: str) -> Fired:
        found = self._live(listener.workflow_id, listener.trigger_id)
        if found is None:
            return Fired.NOT_LIVE
        workflow, trigger = found
        config = config_of(trigger)
        if not isinstance(config, EventConfig) or (config.bus, config.pattern) != (bus, listener.pattern):
            return self._refuse(workflow, trigger, "an event arrived for an older version")
        marks = Marks.of(event)
        if _is_own_end(workflow, event):
            return Fired.OWN_END
        event_id = marks.event_id or str(event["id"])
        request = Request(
            workspace_id=workflow.workspace_id,
            workflow_id=workflow.id,
            workflow=workflow,
            trigger={
                "type": "event",
                "trigger_id": trigger.id,
                "body": event["detail"],
                "event": {
                    "id": event_id,
                    "source": event["source"],
                    "type": event["detail-type"],
                    "time": event["time"],
                    "account": event.get("account"),
                    "region": event.get("region"),
                    "resources": [one for one in event.get("resources", []) if not Marks.is_ours(one)],
                },
            },
            depth=marks.depth + 1,
        )
        key = sha256(f"event {workflow.id} {trigger.id} {event_id}".encode()).hexdigest()
        fired = self._start(workflow, trigger, request, key)
        if fired in (Fired.STARTED, Fired.KNOWN):
            now, every = self._clock.now(), config.expected_every_seconds
            expected_at = now + timedelta(seconds=every) if every else None
            self._triggers.fired(workflow.id, trigger.id, now, expected_at, counts=fired is Fired.STARTED)
        return fired

    def _live(self, workflow_id: str, trigger_id: str) -> tuple[Workflow, TriggerDefinition] | None:
        """Return the workflow and its trigger, if they exist and are active now."""
        workflow = self._workflows.find(workflow_id)
        trigger = workflow.trigger(trigger_id) if workflow else None
        if workflow is None or trigger is None:
            return None
        if not workflow.is_active:
            self._refuse(workflow, trigger, "the workflow is not active")
            return None
        return workflow, trigger

    def _refuse(self, workflow: Workflow, trigger: TriggerDefinition, reason: str) -> Fired:
        self._triggers.refused(workflow.id, trigger.id, self._clock.now(), reason)
        return Fired.REFUSED

    def _start(self, workflow: Workflow, trigger: TriggerDefinition, request: Request, key: str | None = None) -> Fired:
        try:
            check_depth(request)
            started = self._starter.start(request, key, remember=limits.DELIVERY_SECONDS)
        except Unavailable:
            raise
        except MainspringError as error:
            logger.warning("%s/%s started nothing: %s", workflow.id, trigger.id, error.message)
            self._triggers.failed(workflow.id, trigger.id, self._clock.now(), error.as_dict())
            return Fired.FAILED
        return Fired.STARTED if started.is_new else Fired.KNOWN


def _is_own_end(workflow: Workflow, event: Mapping[str, Any]) -> bool:
    """Whether the event is about an execution of this workflow.

    A workflow's own ends never start it, or it never stops.
    """
    is_end = event["source"] == PLATFORM_SOURCE and str(event["detail-type"]).startswith("execution.")
    return is_end and event["detail"].get("workflow_id") == workflow.id


def scheduled(
    workflow: Workflow, trigger: TriggerDefinition, config: ScheduleConfig, due: datetime, **more: Any
) -> Request:
    """Return the request for the execution of a scheduled time."""
    return Request(
        workspace_id=workflow.workspace_id,
        workflow_id=workflow.id,
        workflow=workflow,
        trigger={
            "type": "schedule",
            "trigger_id": trigger.id,
            "scheduled_at": format_time(due),
            "body": config.input,
            **more,
        },
        id=scheduled_id(workflow.id, trigger.id, due),
        overlap=None if config.overlap == "allow" else config.overlap,
    )


def scheduled_id(workflow_id: str, trigger_id: str, due: datetime) -> str:
    """Return the id of the execution of a scheduled time."""
    return derived_id(due, workflow_id, trigger_id, format_time(due))
