"""The logs of executions: batches of lines, numbered without gaps.

Each number is written once, by the first writer; so a reader that has read up to a number misses no later line,
whatever the clocks of the writers say. The map batches of a distributed loop share a few logs, which readers merge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from uuid import uuid4
from zlib import crc32

from engine.errors import InvalidInput, Unavailable
from engine.history.execution_ref import ExecutionRef
from engine.history.log_lines import LogPosition, line_of, missing
from engine.history.model import LogLine
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import ConditionFailed, Table
from engine.storage.history import HistoryRepository
from engine.storage.history_codec import line_in, packed_lines
from engine.storage.payloads import PayloadStore

SHARDS = 8
_TRIES = 30
_FIRST = 1
_TELLING = ("PK", "SK", "status", "logged", "event", "outcomes", "lines", "by", "after", "log")
_MOST_DIGITS = 9
_LOOKED_THROUGH = 5_000
"""Lines that one call filters at most."""


class LogRepository:
    """Reads and writes logs. A map batch of a loop shares its log with others."""

    def __init__(self, table: Table, payloads: PayloadStore, histories: HistoryRepository) -> None:
        self._table = table
        self._payloads = payloads
        self._histories = histories

    # -- writing -------------------------------------------------------------------------------------------

    def append(self, ref: ExecutionRef, lines: Sequence[LogLine], position: LogPosition | None = None) -> None:
        """Append lines to the log, except those that were added since `position` was known.

        Raises:
            Unavailable: too many concurrent writers.
        """
        pk, writer = _log_of(ref), uuid4().hex[:12]
        left, number = list(lines), position.next if position else self._last(pk) + 1
        if _is_shared(ref):  # other drivers write there too, and a read is cheaper than a failed write
            left, number = self._behind(pk, left, number)
        for _ in range(_TRIES):
            if not left:
                break
            item = {
                "PK": pk,
                "SK": _sk(number),
                "lines": self._payloads.pack(packed_lines(left), str(ref)),
                "writer": writer,
            }
            try:
                self._table.put(item, if_absent=True)
            except ConditionFailed as failed:
                if failed.item is None or failed.item.get("writer") != writer:
                    left, number = self._behind(pk, left, number)
                    continue
                # This call's own write: its response was lost, and the client repeated it.
            left, number = [], number + 1
        if left:
            raise Unavailable("too many write to the log at the same time; try again")
        if position is not None:
            position.next = number

    def begin(self, ref: ExecutionRef, record: Item, items: Sequence[Item]) -> LogPosition:
        """Return the log position of a driver that has read the record and the history.

        Lines of events whose drivers have not confirmed that they are in the log are looked up, and added if missing:
        those drivers may have died before writing them.
        """
        vouched = set(record.get("logged", ())).union(*(item.get("after", ()) for item in items))
        doubtful = [item for item in items if "by" in item and item["by"] not in vouched]
        pk, driver = _log_of(ref), uuid4().hex[:8]
        if len(items) == 1 and record["status"] == "pending" and not _is_shared(ref):
            return LogPosition(driver)
        if not doubtful:
            last = self._last(pk)
            is_first = last < _FIRST and not any("by" in item for item in items)
            return LogPosition(driver, tuple(record.get("logged", ())), last + 1, is_first)
        first = min(item["log"] for item in doubtful)
        there = list(self._batches(pk, first))
        lost = missing(
            (line for item in doubtful for line in self._lines_in(item)), (line for _, found in there for line in found)
        )
        after = sorted({*record.get("logged", ()), *(item["by"] for item in doubtful)})
        position = LogPosition(driver, tuple(after), there[-1][0] + 1 if there else first, is_first=False)
        self.append(ref, lost, position)
        return position

    def complete(self, ref: ExecutionRef) -> None:
        """Add the lines of the history that are missing in the log, where no further driver will do so."""
        items = list(self._table.query(f"EXECUTION#{ref}", after="META", attributes=_TELLING))
        if items and items[0]["SK"] == "META":
            self.begin(ref, items[0], items)

    def _behind(self, pk: str, lines: list[LogLine], number: int) -> tuple[list[LogLine], int]:
        """Return the lines that are missing from batch `number` on, and the free number after the last batch."""
        there = list(self._batches(pk, number))
        if not there:
            return lines, number
        return missing(lines, (line for _, found in there for line in found)), there[-1][0] + 1

    def _last(self, pk: str) -> int:
        """Return the number of the last batch, possibly slightly outdated."""
        for item in self._table.query(pk, after="LOG#", before="LOG$", limit=1, descending=True, attributes=("SK",)):
            return int(item["SK"].removeprefix("LOG#"))
        return _FIRST - 1

    def _lines_in(self, item: Item) -> Iterator[LogLine]:
        """Return the log lines of an event: the lines that it carries, and its own."""
        yield from map(line_in, self._payloads.unpack(item.get("lines")) or ())
        for event in self._histories.events_in([item]):
            line = line_of(event)
            if line is not None:
                yield line

    # -- reading -------------------------------------------------------------------------------------------

    def read(self, execution_id: str, cursor: str | None, limit: int) -> list[tuple[str, LogLine]]:
        """Return at most `limit` lines after a cursor, each with its own cursor.

        They come in the order of writing; those of distributed loops by the times of their batches.

        Raises:
            InvalidInput: the cursor is not valid.
        """
        return list(islice(self._lines(execution_id, cursor), limit))

    def page(
        self, execution_id: str, cursor: str | None, limit: int, wanted: Callable[[LogLine], bool]
    ) -> tuple[list[tuple[str, LogLine]], str | None]:
        """Return at most `limit` matching lines after a cursor, each with its own; and the cursor of the rest.

        Of a long log a part is searched at a time, so more may follow though few were returned.

        Raises:
            InvalidInput: the cursor is not valid.
        """
        found: list[tuple[str, LogLine]] = []
        last = cursor
        for number, (at, line) in enumerate(self._lines(execution_id, cursor)):
            if len(found) == limit or number == _LOOKED_THROUGH:
                return found, last
            last = at
            if wanted(line):
                found.append((at, line))
        return found, None

    def _lines(self, execution_id: str, cursor: str | None) -> Iterator[tuple[str, LogLine]]:
        places = _places(cursor)
        logs = [_log_of(ExecutionRef(execution_id))]
        if len(places) > 1 or self._is_spread(execution_id):
            logs += [f"{logs[0]}#LOG#{shard}" for shard in range(SHARDS)]
        places += [(_FIRST, 0)] * (len(logs) - len(places))
        for which, number, position, line in _merged(
            [self._from(pk, *at) for pk, at in zip(logs, places, strict=True)]
        ):
            places[which] = number, position + 1
            yield "-".join(f"{batch}.{at}" for batch, at in places), line

    def _is_spread(self, execution_id: str) -> bool:
        found = self._table.query(
            f"EXECUTION#{execution_id}", after="PROGRESS#", before="PROGRESS$", limit=1, attributes=("SK",)
        )
        return any(found)

    def _from(self, pk: str, number: int, position: int) -> Iterator[tuple[int, int, LogLine, datetime]]:
        """Yield the lines of one log from a position on, each with its position and the time of its batch."""
        for batch, lines in self._batches(pk, number):
            begin = position if batch == number else 0
            for at, line in enumerate(lines[begin:], begin):
                yield batch, at, line, lines[0].timestamp

    def _batches(self, pk: str, number: int) -> Iterator[tuple[int, list[LogLine]]]:
        for item in self._table.query(pk, after=_sk(number), before="LOG$", attributes=("SK", "lines")):
            lines = [line_in(packed) for packed in self._payloads.unpack(item["lines"])]
            yield int(item["SK"].removeprefix("LOG#")), lines


def log_partitions(execution_id: str) -> list[str]:
    """Return the partitions of the logs of an execution's distributed loops."""
    return [f"EXECUTION#{execution_id}#LOG#{shard}" for shard in range(SHARDS)]


def _merged(
    logs: Sequence[Iterator[tuple[int, int, LogLine, datetime]]],
) -> Iterator[tuple[int, int, int, LogLine]]:
    """Merge the lines of several logs by the times of their batches; each log keeps its order."""
    heads = {which: head for which, log in enumerate(logs) if (head := next(log, None)) is not None}
    while heads:
        which = min(heads, key=lambda one: (heads[one][3], one))
        number, position, line, _ = heads[which]
        yield which, number, position, line
        following = next(logs[which], None)
        if following is None:
            del heads[which]
        else:
            heads[which] = following


def _log_of(ref: ExecutionRef) -> str:
    """Return the partition of a log.

    Map batches of a loop share some: a thousand separate logs could not be read together.
    """
    if ref.batch is None:
        return f"EXECUTION#{ref}"
    return log_partitions(ref.execution_id)[crc32(str(ref).encode()) % SHARDS]


def _is_shared(ref: ExecutionRef) -> bool:
    return ref.batch is not None


def _sk(number: int) -> str:
    return f"LOG#{number:0{_MOST_DIGITS}d}"


def _places(cursor: str | None) -> list[tuple[int, int]]:
    """Return the position in each log: the number of a batch, and of the line in it.

    Raises:
        InvalidInput: the cursor is not valid.
    """
    if cursor is None:
        return [(_FIRST, 0)]
    found = []
    for text in cursor.split("-"):
        number, _, position = text.partition(".")
        if not all(one.isascii() and one.isdecimal() and len(one) <= _MOST_DIGITS for one in (number, position)):
            raise InvalidInput.at("after", "not a cursor of this log")
        found.append((int(number), int(position)))
    if len(found) not in (1, SHARDS + 1):
        raise InvalidInput.at("after", "not a cursor of this log")
    return found
