"""Retention: ended executions are kept for a while, and then removed completely.

It is called every quarter of an hour and handles what is due, the longest overdue first. Concurrent calls do no harm.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice

from engine import limits
from engine.clock import Clock
from engine.history.execution_ref import execution_id_in
from engine.storage.execution_record import CheckKind
from engine.storage.repositories import Repositories

logger = logging.getLogger(__name__)
_RESERVE = 30.0
"""Seconds that removing a few executions may take; none is begun with less."""
_TOGETHER = 16
_CHUNK = 200
_AGAIN = timedelta(hours=1)
_ORPHANED_AFTER = timedelta(days=2)
"""A payload is written just before the record that refers to it.

One that is this much older without a record is orphaned.
"""


class Retention:
    """Removes expired executions and orphaned payloads."""

    def __init__(self, repositories: Repositories, clock: Clock) -> None:
        self._next_checks = repositories.next_checks
        self._purge = repositories.purge
        self._payloads = repositories.payloads
        self._clock = clock

    def purge_due(self, remaining: Callable[[], float]) -> dict[str, int]:
        """Remove expired executions until there are none or time runs low; return how often what was done.

        A failure is logged, delays no other, and is retried in an hour.
        """
        done: Counter[str] = Counter()
        seen: set[str] = set()
        with ThreadPoolExecutor(_TOGETHER) as pool:
            while remaining() > _RESERVE:
                due = [one for one in self._due() if one not in seen]  # the index may still contain removed items
                if not due:
                    break
                seen.update(due)
                done.update(pool.map(lambda one: self._forget(one, remaining), due))
        return dict(done)

    def _due(self) -> list[str]:
        now = self._clock.now()
        share = _CHUNK // limits.CHECK_SHARDS
        shards = (self._next_checks.due(shard, now, share, CheckKind.PURGE) for shard in range(limits.CHECK_SHARDS))
        return [pk.removeprefix("EXECUTION#") for found in shards for pk, _, _ in found]

    def _forget(self, execution_id: str, remaining: Callable[[], float]) -> str:
        if remaining() < _RESERVE:
            return "left"
        try:
            return "purged" if self._purge.purge(execution_id, self._clock.now()) else "kept"
        except Exception:
            logger.exception("%s could not be forgotten; it is tried again", execution_id)
        self._next_checks.check_again((f"EXECUTION#{execution_id}", "META"), None, self._clock.now() + _AGAIN)
        return "failed"

    def remove_orphans(self, remaining: Callable[[], float]) -> int:
        """Remove payloads without a record, whose writer died before writing it; return how many objects.

        If time runs out, the next call continues there.
        """
        after, removed = self._purge.last_owner(), 0
        owners = self._payloads.owners(after)
        while chunk := list(islice(owners, _CHUNK)):
            wholes = list(dict.fromkeys(execution_id_in(owner) for owner in chunk))
            for one in self._purge.without_record(wholes):
                removed += self._payloads.remove(one, self._clock.now() - _ORPHANED_AFTER)
            if remaining() < _RESERVE:
                self._purge.searched(chunk[-1])
                return removed
        if after:
            self._purge.searched("")
        return removed
