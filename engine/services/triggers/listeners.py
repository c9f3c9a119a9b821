"""Finds the triggers that an event of a workspace is for. Results are cached and revalidated with one read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from engine import limits
from engine.aws.event_bus import Event
from engine.storage.listeners import Listener, ListenerRepository, Listeners
from engine.triggers.matching import Pattern


@dataclass(frozen=True, slots=True)
class _Known:
    listeners: Listeners
    patterns: tuple[Pattern, ...]


_NOBODY = _Known(Listeners(), ())


class ListenerIndex:
    """Knows the current listeners of each workspace."""

    def __init__(self, repository: ListenerRepository) -> None:
        self._repository = repository
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def have_listeners(self, events: Sequence[Event]) -> list[bool]:
        """Tell for each event whether a trigger may want it, by its source and type: most events are for nobody.

        A trigger that was active when this was called is found.
        """
        patterns = {
            workspace_id: self._of(workspace_id).patterns
            for workspace_id in {event.marks.workspace_id for event in events}
            if workspace_id is not None
        }

        def is_heard(event: Event) -> bool:
            listening = patterns.get(event.marks.workspace_id or "", ())
            return any(pattern.may_fit(event.source, event.type) for pattern in listening)

        return [is_heard(event) for event in events]

    def listeners_of(self, workspace_id: str, event: Mapping[str, Any]) -> list[Listener]:
        """Return the triggers of a workspace whose pattern matches an event."""
        known = self._of(workspace_id)
        source, detail_type = str(event["source"]), str(event["detail-type"])
        return [
            listener
            for listener, pattern in zip(known.listeners.items, known.patterns, strict=True)
            if pattern.may_fit(source, detail_type) and pattern.fits(event)
        ]

    def _of(self, workspace_id: str) -> _Known:
        with self._lock:
            known = self._known.get(workspace_id, _NOBODY)
        listeners = self._repository.of_workspace(workspace_id, known.listeners)
        if listeners is known.listeners:
            return known
        found = _Known(listeners, tuple(Pattern(one.pattern) for one in listeners.items))
        with self._lock:
            before = self._known.pop(workspace_id, _NOBODY)
            self._known[workspace_id] = found
            self._size += listeners.size - before.listeners.size
            while self._size > limits.MAX_KNOWN_LISTENERS_BYTES:
                self._size -= self._known.popitem(last=False)[1].listeners.size
        return found
