"""The EventBridge buses: the platform's own, whose events carry their workspace, and the account's default one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from engine.errors import Unavailable
from engine.json_value import dumps

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

PLATFORM_SOURCE = "mainspring"
_MOST, _MOST_BYTES = 10, 250 * 1024
"""Bounds of one call: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html."""
_ENVELOPE_BYTES = 1_024
_MARK = "mainspring:"
_TOGETHER = 8
_TRIES = 4
_PASSING = frozenset({"ThrottlingException", "InternalFailure", "InternalException", "ServiceUnavailable"})
"""Codes of entries that are retried; entries with other codes are refused permanently."""
_random = Random()  # noqa: S311 - spreads those who try again
_DEPTH_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Marks:
    """Metadata of an event. It is in `resources`, so that the event's data are entirely the sender's.

    `depth` is the length of the chain of executions that started one another up to the sender. `is_heard` makes the
    event reach the triggers of its workspace.
    """

    workspace_id: str | None = None
    event_id: str | None = None
    depth: int = 0
    is_heard: bool = False

    def written(self) -> list[str]:
        """Return the metadata as `resources` of an event."""
        marks = {
            "workspace": self.workspace_id,
            "event": self.event_id,
            "depth": self.depth or None,
            "heard": "yes" if self.is_heard else None,
        }
        return [f"{_MARK}{name}/{value}" for name, value in marks.items() if value is not None]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Marks:
        """Return the metadata of an event."""
        found = dict(
            one.removeprefix(_MARK).partition("/")[::2] for one in event.get("resources", []) if cls.is_ours(one)
        )
        depth = found.get("depth", "0")[:_DEPTH_DIGITS]
        return cls(found.get("workspace"), found.get("event"), int(depth) if depth.isdecimal() else 0)

    @staticmethod
    def is_ours(resource: Any) -> bool:
        """Return whether a resource of an event is such metadata."""
        return isinstance(resource, str) and resource.startswith(_MARK)


HEARD_MARK = Marks(is_heard=True).written()[0]
"""The pattern of the single rule of the platform's bus."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event for a bus. `source` is the sender, `type` what has happened."""

    source: str
    type: str
    data: Any
    at: datetime
    marks: Marks


class Bus:
    """Puts events on one bus.

    Args:
        client: the client of EventBridge.
        name: the name of the bus.
        have_listeners: returns for each event whether a trigger listens to it.
    """

    def __init__(
        self,
        client: EventBridgeClient,
        name: str,
        have_listeners: Callable[[Sequence[Event]], Sequence[bool]] | None = None,
    ) -> None:
        self._client = client
        self._name = name
        self._are_heard = have_listeners

    def publish(self, events: Sequence[Event]) -> list[tuple[Event, str]]:
        """Put events on the bus, in as many calls as needed, some of them concurrently.

        Returns:
            The events that EventBridge refuses permanently, and why. Retrying them would block all others.

        Raises:
            Unavailable: not all were accepted; putting them again may repeat some.
        """
        heard = self._are_heard(events) if self._are_heard else [False] * len(events)
        groups = list(_calls([self._entry(event, is_heard=one) for event, one in zip(events, heard, strict=True)]))
        if len(groups) == 1:
            outcomes = [self._put(groups[0])]
        else:
            with ThreadPoolExecutor(_TOGETHER) as pool:
                outcomes = list(pool.map(self._put, groups))
        reasons = [reason for outcome in outcomes for reason in outcome]
        return [(event, reason) for event, reason in zip(events, reasons, strict=True) if reason is not None]

    def _put(self, entries: list[dict[str, Any]]) -> list[str | None]:
        """Put the events of one call; return for each why it was refused permanently, or None.

        Only entries that AWS reports as not accepted are put again.
        """
        reasons: list[str | None] = [None] * len(entries)
        left = list(range(len(entries)))
        for attempt in range(_TRIES):
            try:
                answer = self._client.put_events(Entries=[entries[index] for index in left])  # type: ignore[misc]
            except (ClientError, BotoCoreError) as error:
                raise Unavailable("the event bus did not answer; try again") from error
            again = []
            for index, told in zip(left, answer["Entries"], strict=True):
                code = told.get("ErrorCode")
                if code in _PASSING:
                    again.append(index)
                elif code is not None:
                    reasons[index] = f"{code}: {told.get('ErrorMessage')}"
            if not again:
                return reasons
            left = again
            time.sleep(_random.uniform(0.05, 0.1) * 2**attempt)
        raise Unavailable("the event bus did not take every event; try again")

    def _entry(self, event: Event, *, is_heard: bool) -> dict[str, Any]:
        return {
            "EventBusName": self._name,
            "Source": event.source,
            "DetailType": event.type,
            "Detail": dumps(event.data),
            "Time": event.at,
            "Resources": replace(event.marks, is_heard=is_heard).written(),
        }


def _calls(entries: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the entries in groups of one call."""
    group: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        bytes_of_it = len(entry["Detail"].encode()) + _ENVELOPE_BYTES
        if group and (len(group) == _MOST or size + bytes_of_it > _MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(entry)
        size += bytes_of_it
    if group:
        yield group
