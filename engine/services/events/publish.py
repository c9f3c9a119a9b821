"""Publishes what has happened: on the platform's bus, to the trigger that started it, and to subscribers.

The table's own stream is the source, so everything that is written is published, even if the writer died at once;
perhaps twice, but under one id.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from engine import limits
from engine.aws.event_bus import PLATFORM_SOURCE, Bus, Event, Marks
from engine.clock import Clock, format_time
from engine.errors import Unavailable
from engine.history.model import Execution
from engine.ids import derived_id
from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item
from engine.storage.payloads import OMITTED
from engine.storage.repositories import Repositories
from engine.storage.statistics import EndedExecution
from engine.storage.subscriptions import OutgoingDelivery

logger = logging.getLogger(__name__)
_TOGETHER = 16

TYPES = (
    "execution.succeeded",
    "execution.failed",
    "execution.cancelled",
    "execution.timed_out",
    "trigger.silent",
    "subscription.disabled",
    "ping",
)
"""All types of events that the platform publishes; `ping` is sent to test a subscription."""


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """One event of the platform. The same occurrence has the same id, whoever publishes it."""

    id: str
    type: str
    workspace_id: str
    at: datetime
    data: dict[str, Any]
    depth: int = 0


class Publisher:
    """Publishes domain events.

    Args:
        repositories: subscriptions, and the states of triggers.
        bus: the bus of the platform.
        send: requests that deliveries are sent now; if the request is lost, recovery sends them.
        clock: tells the time.
        bury: keeps what can never be published, where an operator finds it.
    """

    def __init__(
        self,
        repositories: Repositories,
        bus: Bus,
        send: Callable[[Sequence[tuple[str, str]]], None],
        clock: Clock,
        bury: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self._executions = repositories.executions
        self._triggers = repositories.triggers
        self._subscriptions = repositories.subscriptions
        self._statistics = repositories.statistics
        self._bus = bus
        self._send = send
        self._clock = clock
        self._bury = bury

    def executions_ended(self, execution_ids: Sequence[str]) -> set[str]:
        """Count ended executions and publish their ends. Those that have not ended, or are gone, are left out.

        Ends of test runs are not published.

        An end that can never be published is buried with the execution's id and the reason, and delays no other.

        Returns:
            Those that have to be published again.

        Raises:
            Unavailable: all of them have to be published again.
        """
        items = self._executions.attributes(list(dict.fromkeys(execution_ids)))
        with ThreadPoolExecutor(_TOGETHER) as pool:
            found = list(pool.map(self._ended, self._whole(items).items()))
            final = [execution for execution in found if execution is not None]
            self._statistics.count(pool.map(self._counted, final))
            ended = [execution for execution in final if not execution.is_test]
            by_trigger: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
            for execution in ended:
                if execution.trigger_id is not None:
                    by_trigger[execution.workflow_id, execution.trigger_id][execution.id] = str(execution.status)
            noted = pool.map(lambda one: self._noted(*one), by_trigger.items())
            again = {execution_id for ids in noted for execution_id in ids}
        self.publish([end_event_of(execution) for execution in ended])
        return again

    def _whole(self, items: Mapping[str, Item]) -> dict[str, Item]:
        """Return the records of ended executions, with the data kept beside them."""
        return dict(zip(items, self._executions.with_payloads(list(items.values())), strict=True))

    def _ended(self, record: tuple[str, Item]) -> Execution | None:
        """Return the execution of a record, if it has ended and can be read."""
        execution_id, item = record
        try:
            execution = self._executions.decoded(item, at_most=limits.MAX_EVENT_RESULT_BYTES)
        except (Unavailable, ClientError, BotoCoreError):
            raise
        except Exception as error:
            logger.exception("the end of %s cannot be published", execution_id)
            self._bury({"execution_id": execution_id, "reason": f"{type(error).__name__}: {error}"})
            return None
        return execution if execution.status.is_final else None

    def _counted(self, execution: Execution) -> EndedExecution:
        """Return the counts of an execution. The usage of map workers is in items of their own.

        An execution without any signal had no map workers.
        """
        ended = execution.completed_at or execution.created_at
        bill = execution.bill + self._executions.bill_of_maps(execution.id) if execution.signals else execution.bill
        return EndedExecution(
            execution.id,
            execution.workspace_id,
            execution.workflow_id,
            execution.workflow_name or "",
            ended.date(),
            execution.status,
            execution.duration_ms or 0,
            round(bill.dollars * 1_000_000_000),
            execution.is_test,
        )

    def _noted(self, trigger: tuple[str, str], statuses: dict[str, str]) -> Iterable[str]:
        """Record at a trigger how its executions ended; return those for which that failed for now."""
        try:
            self._triggers.ended(*trigger, statuses)
        except Unavailable:
            return statuses
        return ()

    def publish(self, domain_events: Sequence[DomainEvent]) -> None:
        """Put domain events on the bus, and queue them for subscribers.

        Raises:
            Unavailable: not all were published; publishing them again repeats no delivery.
        """
        if not domain_events:
            return
        for event, reason in self._bus.publish([_event(one) for one in domain_events]):
            logger.error("the bus refused %s of %s: %s", event.type, event.marks.workspace_id, reason)
            self._bury({"event_id": event.marks.event_id, "type": event.type, "reason": reason})
        subscribed = [
            (subscription, one)
            for workspace_id in dict.fromkeys(one.workspace_id for one in domain_events)
            for subscription in self._subscriptions.of_workspace(workspace_id)
            for one in domain_events
            if one.workspace_id == workspace_id and subscription.wants(one.type)
        ]
        if len(subscribed) > 1:
            with ThreadPoolExecutor(_TOGETHER) as pool:
                is_new = list(pool.map(lambda pair: self.queue(pair[0].id, pair[1]), subscribed))
        else:
            is_new = [self.queue(subscription.id, one) for subscription, one in subscribed]
        queued = [
            (subscription.id, one.id)
            for (subscription, one), new in zip(subscribed, is_new, strict=True)
            if new and subscription.paused_until is None  # while it is paused recovery sends them early enough
        ]
        if queued:
            self._send(queued)

    def queue(self, subscription_id: str, domain_event: DomainEvent) -> bool:
        """Queue a domain event for a subscription; False if it was queued before."""
        now = self._clock.now()
        body = dumps({"type": domain_event.type, "timestamp": format_time(domain_event.at), "data": domain_event.data})
        delivery = OutgoingDelivery(
            subscription_id, domain_event.id, domain_event.type, body, format_time(now), next_at=format_time(now)
        )
        return self._subscriptions.queue(delivery, now)


def end_event_of(execution: Execution) -> DomainEvent:
    """Return the domain event about the end of an execution."""
    ended = execution.completed_at or execution.created_at
    result, given = execution.result, execution.trigger.get("body")
    is_small, is_short = _fits(result), _fits(given)
    data = {
        "execution_id": execution.id,
        "workflow_id": execution.workflow_id,
        "workflow_name": execution.workflow_name,
        "workflow_version": execution.workflow_version,
        "status": str(execution.status),
        "trigger_type": execution.trigger_type,
        "trigger_id": execution.trigger_id,
        "created_at": format_time(execution.created_at),
        "started_at": format_time(execution.started_at) if execution.started_at else None,
        "completed_at": format_time(ended),
        "input": given if is_short else None,
        "input_omitted": not is_short,
        "error": execution.error,
        "result": result if is_small else None,
        "result_omitted": not is_small,
    }
    return DomainEvent(
        derived_id(ended, execution.id, "ended"),
        f"execution.{execution.status}",
        execution.workspace_id,
        ended,
        data,
        execution.depth,
    )


def _fits(value: Any) -> bool:
    """Whether a value is small enough for an event."""
    return value is not OMITTED and len(dumps(value).encode()) <= limits.MAX_EVENT_RESULT_BYTES


def _event(domain_event: DomainEvent) -> Event:
    return Event(
        PLATFORM_SOURCE,
        domain_event.type,
        domain_event.data,
        domain_event.at,
        Marks(domain_event.workspace_id, domain_event.id, domain_event.depth),
    )
