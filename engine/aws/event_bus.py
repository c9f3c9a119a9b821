"""The EventBridge buses: the platform's own, on which events carry whose they are, and the account's default one."""

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
"""Of one call: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html."""
_ENVELOPE_BYTES = 1_024
_MARK = "mainspring:"
_TOGETHER = 8
_TRIES = 4
_PASSING = frozenset({"ThrottlingException", "InternalFailure", "InternalException", "ServiceUnavailable"})
"""Codes of entries that are worth another try; what has another one is refused for good."""
_random = Random()  # noqa: S311 - spreads those who try again
_DEPTH_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of an event beside its data. It travels in `resources`, so that the data are the sender's own.

    `depth` is how many executions started one another until the one that the event comes from. `is_heard` has it
    brought to the triggers of its workspace.
    """

    workspace_id: str | None = None
    event_id: str | None = None
    depth: int = 0
    is_heard: bool = False

    def written(self) -> list[str]:
        """As `resources` of an event."""
        marks = {
            "workspace": self.workspace_id,
            "event": self.event_id,
            "depth": self.depth or None,
            "heard": "yes" if self.is_heard else None,
        }
        return [f"{_MARK}{name}/{value}" for name, value in marks.items() if value is not None]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Marks:
        """Those of an event."""
        found = dict(
            one.removeprefix(_MARK).partition("/")[::2] for one in event.get("resources", []) if cls.is_ours(one)
        )
        depth = found.get("depth", "0")[:_DEPTH_DIGITS]
        return cls(found.get("workspace"), found.get("event"), int(depth) if depth.isdecimal() else 0)

    @staticmethod
    def is_ours(resource: Any) -> bool:
        """Whether a resource of an event is a mark."""
        return isinstance(resource, str) and resource.startswith(_MARK)


HEARD_MARK = Marks(is_heard=True).written()[0]
"""What the one rule of the platform's bus asks for."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event for a bus. `source` is who tells it, `type` what has happened."""

    source: str
    type: str
    data: Any
    at: datetime
    marks: Marks


class Bus:
    """Puts events on one bus.

    Args:
        client: of EventBridge.
        name: of the bus.
        are_heard: tells for each event whether to mark it as heard.
    """

    def __init__(
        self,
        client: EventBridgeClient,
        name: str,
        are_heard: Callable[[Sequence[Event]], Sequence[bool]] | None = None,
    ) -> None:
        self._client = client
        self._name = name
        self._are_heard = are_heard

    def publish(self, events: Sequence[Event]) -> list[tuple[Event, str]]:
        """Put events on the bus, in as many calls as that takes, some of them at the same time.

        Returns:
            Those that EventBridge will never take, and why. Telling them again would keep all others waiting.

        Raises:
            Unavailable: not all were taken; putting them again may repeat some.
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
        """Put what one call takes; for each entry why it was refused for good, or None.

        Only what was not taken is put again: AWS says which those are.
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
    """The entries in groups that one call takes."""
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
