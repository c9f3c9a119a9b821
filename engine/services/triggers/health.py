"""Checks triggers that should have fired and did not."""

from __future__ import annotations

from datetime import timedelta

from engine import limits
from engine.clock import Clock, format_time
from engine.ids import derived_id
from engine.services.events.publish import DomainEvent, Publisher
from engine.storage.repositories import Repositories
from engine.storage.triggers import trigger_in


class TriggerHealth:
    """Checks a trigger whose expected time has passed; recovery calls it."""

    def __init__(self, repositories: Repositories, publisher: Publisher, clock: Clock) -> None:
        self._workflows = repositories.workflows
        self._triggers = repositories.triggers
        self._publisher = publisher
        self._clock = clock

    def check(self, pk: str, sk: str) -> str:
        """Check one trigger; return a word for what was done.

        The event is published first and the change recorded then: if this process dies in between, it is published
        again under the same id.
        """
        workflow_id, trigger_id = trigger_in(pk, sk)
        workflow = self._workflows.find(workflow_id)
        trigger = workflow.trigger(trigger_id) if workflow else None
        state = self._triggers.get(workflow_id, trigger_id)
        expected = state.expected_at
        if workflow is None or trigger is None or not workflow.is_active or expected is None:
            self._triggers.expect(workflow_id, trigger_id, None)
            return "not_live"
        if self._clock.now() < expected + timedelta(seconds=limits.SILENT_GRACE):
            self._triggers.expect(workflow_id, trigger_id, expected)
            return "early"
        if state.silent_since is None:
            data = {
                "workflow_id": workflow.id,
                "workflow_name": workflow.name,
                "trigger_id": trigger.id,
                "trigger_type": trigger.type,
                "expected_at": format_time(expected),
                "last_fired_at": format_time(state.last_fired_at) if state.last_fired_at else None,
            }
            domain_event_id = derived_id(expected, workflow.id, trigger.id, "silent")
            self._publisher.publish(
                [DomainEvent(domain_event_id, "trigger.silent", workflow.workspace_id, expected, data)]
            )
        self._triggers.silent(workflow.id, trigger.id, expected)
        return "silent"
