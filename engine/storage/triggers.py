"""The state of triggers: when they fired, with what result, what they refused. One item each, by its workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine import limits
from engine.clock import format_time, parse_time
from engine.errors import TooManyRequests, Unavailable
from engine.history.model import Status
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import ConditionFailed, Table, back_off
from engine.storage.execution_record import CHECK, check

_TRIES = 8
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class TriggerState:
    """The state of a trigger.

    `fired` counts the accepted deliveries, `refused` the refused ones, `failed` those that could not start an
    execution. `recent` has the final statuses of its last executions, by their ids. `expected_at` is when it should
    fire next; `silent_since` is the time when it should have fired and did not, and has not since.
    """

    fired: int = 0
    refused: int = 0
    failed: int = 0
    last_fired_at: datetime | None = None
    last_refused_at: datetime | None = None
    last_refusal: str | None = None
    last_failure: Mapping[str, Any] | None = None
    recent: Mapping[str, str] = field(default_factory=dict)
    expected_at: datetime | None = None
    silent_since: datetime | None = None

    @property
    def last_outcome(self) -> tuple[str, str] | None:
        """The newest execution that has ended, and how; the ids are ordered by time."""
        return max(self.recent.items(), default=None)

    @property
    def consecutive_failures(self) -> int:
        """The number of newest executions that failed, up to the last success."""
        count = 0
        for _, status in sorted(self.recent.items(), reverse=True):
            if status == Status.SUCCEEDED:
                break
            count += status in (Status.FAILED, Status.TIMED_OUT)
        return count


class TriggerRepository:
    """Reads and writes the states of triggers."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, workflow_id: str, trigger_id: str) -> TriggerState:
        """Return the state of a trigger; an empty one if there is no item."""
        return _state(self._table.get(*_key(workflow_id, trigger_id)) or {})

    def get_many(self, triggers: Sequence[tuple[str, str]]) -> dict[tuple[str, str], TriggerState]:
        """Return the states of triggers, by workflow and id."""
        found = self._table.get_many([_key(*trigger) for trigger in triggers])
        return {trigger: _state(found.get(_key(*trigger)) or {}) for trigger in triggers}

    def of_workflow(self, workflow_id: str) -> dict[str, TriggerState]:
        """Return the states of all present and former triggers of a workflow, by their ids."""
        pk, first = _key(workflow_id, "")
        items = self._table.query(pk, after=first, before=f"{first}~")
        return {trigger_in(pk, item["SK"])[1]: _state(item) for item in items}

    def admit(
        self, workflow_id: str, trigger_id: str, at: datetime, per_minute: int, expected_at: datetime | None
    ) -> None:
        """Count a delivery to a webhook, unless the limit of this minute is reached.

        Raises:
            TooManyRequests: the limit is reached.
        """
        minute = int(at.timestamp()) // _MINUTE
        changes = {"last_fired_at": format_time(at), **_check(workflow_id, trigger_id, expected_at)}
        for _ in range(_TRIES):
            try:
                self._table.update(
                    *_key(workflow_id, trigger_id),
                    changes,
                    remove=("silent_since", "last_failure"),
                    add={"fired": 1, "in_minute": 1},
                    condition="#minute = :minute AND #in_minute < :most",
                    values={"minute": minute, "most": per_minute},
                )
            except ConditionFailed as failed:
                known = failed.item.get("minute", 0) if failed.item else 0
                if known > minute:
                    minute = known  # another process's clock is ahead
                elif known == minute:
                    wait = _MINUTE - int(at.timestamp()) % _MINUTE
                    message = f"this webhook takes {per_minute} deliveries a minute; try again in {wait} seconds"
                    raise TooManyRequests(message, retry_after=wait) from None
                else:
                    self._begin_minute(workflow_id, trigger_id, minute)
            else:
                return
        raise Unavailable("too many deliveries come at once; try again")

    def _begin_minute(self, workflow_id: str, trigger_id: str, minute: int) -> None:
        """Start counting a new minute, unless another process has started it or a later one."""
        with suppress(ConditionFailed):
            self._table.update(
                *_key(workflow_id, trigger_id),
                {"minute": minute, "in_minute": 0},
                condition="attribute_not_exists(#minute) OR #minute < :minute",
                values={"minute": minute},
            )

    def fired(
        self, workflow_id: str, trigger_id: str, at: datetime, expected_at: datetime | None, *, counts: bool = True
    ) -> None:
        """Record a firing, and when the next one is expected; `counts` unless it was recorded before."""
        self._table.update(
            *_key(workflow_id, trigger_id),
            {"last_fired_at": format_time(at), **_check(workflow_id, trigger_id, expected_at)},
            remove=("silent_since", "last_failure", *(() if expected_at else CHECK)),
            add={"fired": 1} if counts else {},
            condition="",
        )

    def refused(self, workflow_id: str, trigger_id: str, at: datetime, reason: str) -> None:
        """Count a refused delivery, and record why."""
        changes = {"last_refused_at": format_time(at), "last_refusal": reason[:500]}
        self._table.update(*_key(workflow_id, trigger_id), changes, add={"refused": 1}, condition="")

    def failed(self, workflow_id: str, trigger_id: str, at: datetime, error: Mapping[str, Any]) -> None:
        """Record that a delivery could not start an execution, and why."""
        told = {"at": format_time(at), "code": error["code"], "message": str(error["message"])[:1_000]}
        self._table.update(*_key(workflow_id, trigger_id), {"last_failure": told}, add={"failed": 1}, condition="")

    def ended(self, workflow_id: str, trigger_id: str, statuses: Mapping[str, str]) -> TriggerState:
        """Record how executions have ended, by their ids; in any order and repeatedly.

        Raises:
            Unavailable: other writers kept changing the state.
        """
        key = _key(workflow_id, trigger_id)
        for attempt in range(_TRIES):
            item = self._table.get(*key) or {}
            known = item.get("recent", {})
            newest = sorted({**known, **statuses}.items(), reverse=True)[: limits.RECENT_OUTCOMES]
            if dict(newest) == known:
                return _state(item)
            changes = {"recent": dict(newest), "told": item.get("told", 0) + 1}
            condition = "#told = :told" if "told" in item else "attribute_not_exists(#told)"
            values = {"told": item["told"]} if "told" in item else {}
            with suppress(ConditionFailed):
                return _state(self._table.update(*key, changes, condition=condition, values=values))
            back_off(attempt)
        raise Unavailable("the outcomes of this trigger are being noted by others; try again")

    def expect(self, workflow_id: str, trigger_id: str, at: datetime | None) -> None:
        """Set when a trigger should fire next; None if that is unknown, or does not matter."""
        look = _check(workflow_id, trigger_id, at)
        remove = ("silent_since", *(() if look else ("expected_at", *CHECK)))
        if not look and self._table.get(*_key(workflow_id, trigger_id), ("PK",)) is None:
            return
        self._table.update(*_key(workflow_id, trigger_id), look, remove=remove, condition="")

    def silent(self, workflow_id: str, trigger_id: str, since: datetime) -> None:
        """Record that a trigger did not fire in time, unless it has meanwhile; it is not checked again after that."""
        with suppress(ConditionFailed):
            self._table.update(
                *_key(workflow_id, trigger_id),
                {"silent_since": format_time(since)},
                remove=CHECK,
                condition="#expected_at = :since",
                values={"since": format_time(since)},
            )

    def forget(self, workflow_id: str, trigger_id: str) -> None:
        """Remove the state of a trigger."""
        self._table.delete(*_key(workflow_id, trigger_id))


def trigger_in(pk: str, sk: str) -> tuple[str, str]:
    """Return the workflow and the trigger whose item has this key."""
    return pk.removeprefix("WORKFLOW#"), sk.removeprefix("TRIGGER#")


def _key(workflow_id: str, trigger_id: str) -> tuple[str, str]:
    return f"WORKFLOW#{workflow_id}", f"TRIGGER#{trigger_id}"


def _check(workflow_id: str, trigger_id: str, expected_at: datetime | None) -> dict[str, Any]:
    """Return the attributes by which recovery finds a trigger that should have fired."""
    if expected_at is None:
        return {}
    return {
        "expected_at": format_time(expected_at),
        **check(f"{workflow_id}/{trigger_id}", expected_at + timedelta(seconds=limits.SILENT_GRACE)),
    }


def _state(item: Item) -> TriggerState:
    def time(name: str) -> datetime | None:
        return parse_time(item[name]) if name in item else None

    return TriggerState(
        fired=item.get("fired", 0),
        refused=item.get("refused", 0),
        failed=item.get("failed", 0),
        last_fired_at=time("last_fired_at"),
        last_refused_at=time("last_refused_at"),
        last_refusal=item.get("last_refusal"),
        last_failure=item.get("last_failure"),
        recent=item.get("recent", {}),
        expected_at=time("expected_at"),
        silent_since=time("silent_since"),
    )
