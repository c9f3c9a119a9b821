"""The EventBridge buses: the platform's own, on which events carry whose they are, and the account's default one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from engine.errors import Unavailable
from engine.jsonvalue import dumps

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

logger = logging.getLogger(__name__)
PLATFORM_SOURCE = "mainspring"
_MOST, _MOST_BYTES = 10, 250 * 1024
"""Of one call: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html."""
_ENVELOPE_BYTES = 1_024
_MARK = "mainspring:"
_DEPTH_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of an event beside its data. It travels in `resources`, so that the data are the sender's own.

    `depth` is how many executions started one another until the one that the event comes from.
    """

    workspace_id: str | None = None
    event_id: str | None = None
    depth: int = 0

    def written(self) -> list[str]:
        """As `resources` of an event."""
        marks = {"workspace": self.workspace_id, "event": self.event_id, "depth": self.depth or None}
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


def workspace_mark(workspace_id: str) -> str:
    """The mark that events of a workspace carry."""
    return Marks(workspace_id).written()[0]


@dataclass(frozen=True, slots=True)
class Event:
    """One event for a bus. `source` is who tells it, `type` what has happened."""

    source: str
    type: str
    data: Any
    at: datetime
    marks: Marks


class Bus:
    """Puts events on one bus."""

    def __init__(self, client: EventBridgeClient, name: str) -> None:
        self._client = client
        self._name = name

    def publish(self, events: Sequence[Event]) -> None:
        """Put events on the bus; all of them, in as many calls as that takes.

        Raises:
            Unavailable: not all were taken; putting them again may repeat some.
        """
        for entries in _calls([self._entry(event) for event in events]):
            try:
                answer = self._client.put_events(Entries=entries)  # type: ignore[arg-type]
            except (ClientError, BotoCoreError) as error:
                raise Unavailable("the event bus did not answer; try again") from error
            if answer["FailedEntryCount"]:
                logger.error("the bus refused events: %s", _reasons(answer["Entries"]))
                raise Unavailable("the event bus did not take every event; try again")

    def _entry(self, event: Event) -> dict[str, Any]:
        return {
            "EventBusName": self._name,
            "Source": event.source,
            "DetailType": event.type,
            "Detail": dumps(event.data),
            "Time": event.at,
            "Resources": event.marks.written(),
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


def _reasons(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"{entry['ErrorCode']}: {entry.get('ErrorMessage')}" for entry in entries if entry.get("ErrorCode")]
