"""Telling what has happened: on the platform's bus, to the trigger that had begun it, and to those who subscribed.

It is told by the table's own stream, so what is written is told, even if who wrote it died at once; perhaps twice, but
with one id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine import limits
from engine.clock import Clock
from engine.execution import Execution, format_time
from engine.ids import derived_id
from engine.jsonvalue import dumps
from engine.services.bus import PLATFORM_SOURCE, Bus, Event, Marks
from engine.storage.payloads import OMITTED
from engine.storage.stores import Stores
from engine.storage.subscriptions import OutgoingDelivery

TYPES = (
    "execution.succeeded",
    "execution.failed",
    "execution.cancelled",
    "execution.timed_out",
    "trigger.silent",
    "subscription.disabled",
    "ping",
)
"""All types of events that the platform tells of itself; `ping` is sent to try a subscription."""


@dataclass(frozen=True, slots=True)
class News:
    """One event of the platform. The same happening has the same id, whoever tells it."""

    id: str
    type: str
    workspace_id: str
    at: datetime
    data: dict[str, Any]
    depth: int = 0


class Announcer:
    """Tells news.

    Args:
        stores: who has subscribed, and the states of triggers.
        bus: the platform's.
        send: asks for deliveries to be sent now; if that is lost the sweeper does it.
        clock: tells the time.
    """

    def __init__(
        self, stores: Stores, bus: Bus, send: Callable[[Sequence[tuple[str, str]]], None], clock: Clock
    ) -> None:
        self._executions = stores.executions
        self._triggers = stores.triggers
        self._subscriptions = stores.subscriptions
        self._bus = bus
        self._send = send
        self._clock = clock

    def executions_ended(self, execution_ids: Sequence[str]) -> None:
        """Tell of executions that have ended. Those that have not, or are gone, are left out.

        Raises:
            Unavailable: to be told again.
        """
        items = self._executions.attributes(list(dict.fromkeys(execution_ids)))
        most = limits.MAX_EVENT_RESULT_BYTES
        records = [self._executions.decoded(item, at_most=most) for item in items.values()]
        ended = [execution for execution in records if execution.status.is_final]
        by_trigger: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for execution in ended:
            if execution.trigger_id is not None:
                by_trigger[execution.workflow_id, execution.trigger_id][execution.id] = str(execution.status)
        for trigger, statuses in by_trigger.items():
            self._triggers.ended(*trigger, statuses)
        self.tell([news_of(execution) for execution in ended])

    def tell(self, news: Sequence[News]) -> None:
        """Put news on the bus, and queue them for those who have subscribed.

        Raises:
            Unavailable: not all were told; telling them again repeats no delivery.
        """
        if not news:
            return
        self._bus.publish([_event(one) for one in news])
        queued = [
            (subscription.id, one.id)
            for workspace_id in {one.workspace_id for one in news}
            for subscription in self._subscriptions.of_workspace(workspace_id)
            for one in news
            if one.workspace_id == workspace_id and subscription.wants(one.type)
            if self.queue(subscription.id, one)
        ]
        if queued:
            self._send(queued)

    def queue(self, subscription_id: str, news: News) -> bool:
        """Have news sent to a subscription; False where they were queued before."""
        now = self._clock.now()
        body = dumps({"type": news.type, "timestamp": format_time(news.at), "data": news.data})
        delivery = OutgoingDelivery(
            subscription_id, news.id, news.type, body, format_time(now), next_at=format_time(now)
        )
        return self._subscriptions.queue(delivery, now)


def news_of(execution: Execution) -> News:
    """What is told of the end of an execution."""
    ended = execution.completed_at or execution.created_at
    result = execution.result
    is_small = result is not OMITTED and len(dumps(result).encode()) <= limits.MAX_EVENT_RESULT_BYTES
    data = {
        "execution_id": execution.id,
        "workflow_id": execution.workflow_id,
        "workflow_version": execution.workflow_version,
        "status": str(execution.status),
        "trigger_type": execution.trigger_type,
        "trigger_id": execution.trigger_id,
        "created_at": format_time(execution.created_at),
        "started_at": format_time(execution.started_at) if execution.started_at else None,
        "completed_at": format_time(ended),
        "error": execution.error,
        "result": result if is_small else None,
        "result_omitted": not is_small,
    }
    return News(
        derived_id(ended, execution.id, "ended"),
        f"execution.{execution.status}",
        execution.workspace_id,
        ended,
        data,
        execution.depth,
    )


def _event(news: News) -> Event:
    return Event(PLATFORM_SOURCE, news.type, news.data, news.at, Marks(news.workspace_id, news.id, news.depth))
