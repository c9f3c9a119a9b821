"""The histories of executions, and the data of distributed loops beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from engine import limits
from engine.history.events import (
    History,
    HistoryEvent,
    Outcome,
    PendingSignal,
    Signal,
    SignalStatus,
    Stored,
    WaitKind,
    loops_around,
    timer_key,
)
from engine.history.execution_ref import ExecutionRef
from engine.history.log_lines import LogPosition
from engine.history.model import LogLine
from engine.history.store import Batch
from engine.ids import new_id
from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import ConditionFailed, Put, Table
from engine.storage.execution_record import open_status, open_values, signaled
from engine.storage.history_codec import event_fields, event_from, is_recorded_value, line_in, packed_lines
from engine.storage.payloads import Packed, PayloadStore

_WAITS = "WAITS#"
_CHUNK = 100


class HistoryRepository:
    """Reads and writes histories. Their items live as long as the record of their execution."""

    def __init__(self, table: Table, payloads: PayloadStore) -> None:
        self._table = table
        self._payloads = payloads

    # -- events ------------------------------------------------------------------------------------------------

    def events_in(self, items: Sequence[Item], *, by_key: bool = False) -> list[HistoryEvent]:
        """Return the events in the items of an execution's partition; large outputs are `Stored`, all if `by_key`."""
        events: dict[str, HistoryEvent] = {}
        parsed = [json.loads(item["event"]) if "event" in item else {} for item in items]
        # The recorded values of a loop are needed as soon as the loop is.
        both = zip(items, parsed, strict=True)
        needed = [item.get("output") if is_recorded_value(fields) else None for item, fields in both]
        fetched = self._payloads.fetched([*needed, *(item.get("outcomes") for item in items)])
        for item, fields, recorded_value, outcomes in zip(items, parsed, fetched, fetched[len(items) :], strict=False):
            if fields:
                output = self._payloads.unpack(
                    item.get("output") if recorded_value is None else recorded_value, lazily=True
                )
                event = event_from(fields, output)
                events[event.key] = replace(event, output=Stored({"key": event.key})) if by_key else event
            for one in self._payloads.unpack(outcomes) or ():
                outcome = event_from(one, Stored(one["stored"]) if "stored" in one else one["output"])
                events.setdefault(outcome.key, outcome)
        return list(events.values())

    def of(self, items: Sequence[Item]) -> History:
        """Return the history in these items."""
        return History.of(self.events_in(items))

    def get(self, ref: ExecutionRef, keys: Sequence[str]) -> list[HistoryEvent]:
        """Return the existing events of these keys."""
        wanted = [(f"EXECUTION#{ref}", sort_key(key)) for key in keys]
        return self.events_in(list(self._table.get_many(wanted).values()))

    def has_signal(self, ref: ExecutionRef, key: str) -> bool:
        """Return whether a pending signal has its signal, as of now or a moment ago."""
        return bool(self._table.get_many([(f"EXECUTION#{ref}", sort_key(key))], ("event",), consistent=False))

    def waits(self, ref: ExecutionRef) -> History:
        """Return an execution's pending signals and signals, without values; nothing else of its history is read."""
        items = self._table.query(
            f"EXECUTION#{ref}", after=_WAITS, before=f"{_WAITS}~", attributes=("PK", "SK", "event")
        )
        return self.of(list(items))

    def has_unread_signal(self, ref: ExecutionRef) -> bool:
        """Return whether a pending signal has its signal, and no driver has taken it.

        Of a long history little is read: the pending signals, and for those with a signal whether they, or loops around
        them, have ended. The pending signals are read first, so that a concurrent taking of a signal is seen. The end
        of a loop may be stored in another event's item; only if that could matter is the whole history read.
        """
        history = self.waits(ref)
        answered = [
            wait
            for wait in history.waits.values()
            if (signal := history.signals.get(wait.signal_key)) is not None
            and signal.status is not SignalStatus.ABANDONED
        ]
        if not answered:
            return False
        keys = [key for wait in answered for key in (wait.path, timer_key(wait.path, wait.attempt + 1))]
        loops = [loop for wait in answered for loop in loops_around(wait.path)]
        for event in self.get(ref, list(dict.fromkeys([*keys, *loops]))):
            history.add(event)
        if not history.has_unread_signal:
            return False
        return self.of(list(self._table.query(f"EXECUTION#{ref}", after="NODE"))).has_unread_signal

    def open_waits_for_others(self, ref: ExecutionRef, history: History | None = None) -> Iterator[PendingSignal]:
        """Return the pending signals for other executions and for map workers that have no signal.

        `history` are the pending signals, if the caller has just read them.
        """
        history = history or self.waits(ref)
        found = [history.open_signal(path) for path in history.waits]
        keys = [wait.key for wait in found if wait is not None and wait.is_for_others]
        for start in range(0, len(keys), _CHUNK):
            yield from self._whole_waits(ref, keys[start : start + _CHUNK])

    def failed_maps(self, ref: ExecutionRef) -> list[PendingSignal]:
        """Return the pending signals for map workers that were answered by anybody but these."""
        history = self.waits(ref)
        lost = [
            wait.key
            for wait in history.waits.values()
            if wait.kind is WaitKind.DISTRIBUTED_MAP
            and (signal := history.signals.get(wait.signal_key)) is not None
            and signal.status is not SignalStatus.ANSWERED
        ]
        return list(self._whole_waits(ref, lost))

    def _whole_waits(self, ref: ExecutionRef, keys: Sequence[str]) -> Iterator[PendingSignal]:
        return (event for event in self.get(ref, keys) if isinstance(event, PendingSignal))

    def without_outputs(self, ref: ExecutionRef) -> History:
        """Return the history for display. Outputs in their events' own items are `Stored` by key; see `outputs`."""
        items = self._table.query(f"EXECUTION#{ref}", after="NODE", attributes=("PK", "SK", "event", "outcomes"))
        return History.of(self.events_in(list(items), by_key=True))

    def outputs(self, ref: ExecutionRef, keys: Sequence[str]) -> dict[str, Any]:
        """Return the outputs of the events with these keys; large ones are `Stored`."""
        return {event.key: event.output for event in self.get(ref, keys)}

    def record(
        self,
        ref: ExecutionRef,
        event: HistoryEvent,
        along: Sequence[Outcome] = (),
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
        also: Sequence[Put] = (),
    ) -> HistoryEvent:
        """Append an event unless its key is taken; return the event that is stored afterwards.

        The same item keeps the outcomes `along`, which any driver would compute alike, and `lines` that are not in the
        log yet; where the key is taken, the lines of the stored event are found in `position`. The items `also` are
        written in the same transaction.
        """
        item = {
            **self._item(ref, event),
            "outcomes": self._pack_outcomes(along, ref),
            **self._carried(ref, lines, position),
        }
        try:
            if also:
                self._table.transact([Put(item), *also])
            else:
                self._table.put(item, if_absent=True)
        except ConditionFailed as failed:
            if failed.item is None:
                raise
            if position is not None:
                position.found += map(line_in, self._payloads.unpack(failed.item.get("lines")) or ())
            return self.events_in([{**failed.item, "outcomes": None}])[0]
        return event

    def record_recomputable(
        self,
        ref: ExecutionRef,
        outcomes: Sequence[Outcome],
        lines: Sequence[LogLine] = (),
        position: LogPosition | None = None,
    ) -> None:
        """Write outcomes that any driver would compute alike, as one item, and `lines` as with an event."""
        item = self.recomputable(ref, outcomes).item
        self._table.put({**item, **self._carried(ref, lines, position)})

    def _carried(self, ref: ExecutionRef, lines: Sequence[LogLine], position: LogPosition | None) -> Item:
        """Return lines that are not in the log yet, which driver will write them, and the earliest position there."""
        if position is None:
            return {}
        position.has_written = True
        return {
            "lines": self._payloads.pack(packed_lines(lines), str(ref)) if lines else None,
            "by": position.driver,
            "after": list(position.after) or None,
            "log": position.next,
        }

    def recomputable(self, ref: ExecutionRef, outcomes: Sequence[Outcome]) -> Put:
        """Return an item with outcomes that any driver would compute alike, to be written with something else."""
        item = {
            "PK": f"EXECUTION#{ref}",
            "SK": f"NODES#{new_id()}",
            "outcomes": self._pack_outcomes(outcomes, ref),
        }
        return Put(item)

    def adopt(self, outcome: Outcome, ref: ExecutionRef) -> Outcome:
        """Copy an outcome of another execution to this one, which may outlive it."""
        if not isinstance(outcome.output, Stored):
            return outcome
        return replace(outcome, output=self._payloads.adopt(outcome.output, str(ref)))

    def record_signal(
        self,
        ref: ExecutionRef,
        signal: Signal,
        next_check_at: datetime,
        *,
        checks_whole: bool = False,
        also: Sequence[Put | dict[str, Any]] = (),
    ) -> Signal:
        """Write the signal of a pending signal, and count it, unless there is one or the execution has ended.

        If `checks_whole`, the signal of a map batch is not written either if its loop or the whole execution has ended:
        the batch itself may be ended much later.

        Returns:
            The signal that is stored afterwards.

        Raises:
            ConditionFailed: the execution has ended; `index` is 1. Or the whole execution or the loop has; `index`
                is 2 or 3.
        """
        counted = signaled(next_check_at).entry(self._table, str(ref))
        around = []
        if checks_whole and ref.batch is not None:
            whole = f"EXECUTION#{ref.execution_id}"
            around = [
                self._table.check_entry(whole, "META", open_status(), open_values()),
                self._table.check_entry(whole, sort_key(ref.batch.signal_key), "attribute_not_exists(#PK)", {}),
            ]
        try:
            self._table.transact([Put(self._item(ref, signal)), counted, *around, *also])
        except ConditionFailed as failed:
            if failed.index or failed.item is None:
                raise
            stands = self.events_in([failed.item])[0]
            if not isinstance(stands, Signal):
                raise TypeError("a signal's key holds a signal") from None
            return stands
        return signal

    def record_signal_if_open(self, ref: ExecutionRef, signal: Signal) -> None:
        """Write a signal as `record_signal`, where it does not matter whether it is still awaited."""
        with suppress(ConditionFailed):
            self.record_signal(ref, signal, signal.at + timedelta(seconds=limits.CHECK_GRACE))

    def _item(self, ref: ExecutionRef, event: HistoryEvent) -> Item:
        return {
            "PK": f"EXECUTION#{ref}",
            "SK": sort_key(event.key),
            "event": dumps(event_fields(event)),
            "output": self._payloads.pack(event.output, str(ref)),
        }

    def _pack_outcomes(self, outcomes: Sequence[Outcome], ref: ExecutionRef) -> Packed | None:
        """Pack several outcomes as one attribute; each large output is an object of its own, to be loaded later."""
        packed = []
        for outcome in outcomes:
            output = self._payloads.pack(outcome.output, str(ref))
            if isinstance(output, dict):
                packed.append({**event_fields(outcome), "output": None, "stored": output})
            else:
                packed.append({**event_fields(outcome), "output": outcome.output})
        return self._payloads.pack(packed, str(ref)) if packed else None

    # -- distributed loops ------------------------------------------------------------------------------------

    def distributed(self, ref: ExecutionRef, items: Sequence[Any], scope: Mapping[str, Any]) -> dict[str, Any]:
        """Store a loop's items in one object, and where each batch of them begins in it; see `batch`."""
        parts = [dumps(items[i : i + limits.BATCH_ITEMS]).encode() for i in range(0, len(items), limits.BATCH_ITEMS)]
        begins = [0]
        for part in parts:
            begins.append(begins[-1] + len(part))
        return {
            "count": len(items),
            "batch": limits.BATCH_ITEMS,
            "items": self._payloads.store(b"".join(parts), str(ref))["s3"],
            "begins": begins,
            "scope": self._payloads.store(dumps(scope).encode(), str(ref))["s3"],
        }

    def batch(self, wait: PendingSignal, number: int) -> Batch:
        """Return one map batch: its items, read separately, and the scope around it."""
        fields = wait.output
        begin, end = fields["begins"][number], fields["begins"][number + 1]
        items = json.loads(self._payloads.read(fields["items"], begin, end))
        scope = json.loads(self._payloads.read(fields["scope"]))
        first = number * fields["batch"]
        return Batch(wait.path, number, first, items, scope, fields["collect"], fields["concurrency"])

    def load(self, stored: Any) -> Any:
        """Return the value of what may be `Stored`."""
        return self._payloads.unpack(dict(stored.reference)) if isinstance(stored, Stored) else stored

    def joined(self, packed: Iterator[Packed], owner: str) -> Stored | None:
        """Join many lists into one without decoding them; return None if it exceeds the bound of an output.

        The sizes of those in S3 are known before they are read, so memory never holds more than the bound.
        """
        parts = list(packed)
        if sum(one["bytes"] for one in parts if isinstance(one, dict)) > limits.MAX_OUTPUT_BYTES + 2 * len(parts):
            return None
        fetched = self._payloads.read_many([one["s3"] for one in parts if isinstance(one, dict)])
        texts: list[bytes] = []
        size = 0
        for one in parts:
            text = (next(fetched) if isinstance(one, dict) else self._text_of(one)).strip()[1:-1]
            size += len(text) + 1
            if size > limits.MAX_OUTPUT_BYTES:
                return None
            if text:
                texts.append(text)
        return Stored(self._payloads.store(b"[" + b",".join(texts) + b"]", owner))

    def _text_of(self, packed: str | bytes) -> bytes:
        return packed.encode() if isinstance(packed, str) else dumps(self._payloads.unpack(packed)).encode()


def sort_key(key: str) -> str:
    """Return the sort key of an event. Pending signals and their signals are adjacent, so they are read alone."""
    return f"{_WAITS}{key}" if "#WAIT#" in key or "#SIGNAL#" in key else f"NODE#{key}"
