"""Counts the usage of a run: the capacity that DynamoDB reports, S3 calls, and the time of the function."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from engine.history.usage import Bill

_READS = ("GetItem", "BatchGetItem", "Query")
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


class UsageMeter:
    """The usage of one worker since `begin`. Attach it to the clients that the worker calls."""

    def __init__(self, memory_mb: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory_mb = memory_mb
        self._clock = clock
        self._lock = Lock()
        self._by_machine = True
        self._began = clock()
        self._bill = Bill()

    def begin(self, carried: Bill, *, by_machine: bool = True) -> None:
        """Begin a call of the function, by the state machine or not.

        `carried` is the usage of earlier calls that is not recorded yet.
        """
        with self._lock:
            self._by_machine = by_machine
            self._began = self._clock()
            self._bill = carried + Bill(lambda_calls=1)

    def add(self, bill: Bill) -> None:
        """Add other usage, such as a model's tokens."""
        with self._lock:
            self._bill += bill

    def take(self, transitions: int = 0) -> Bill:
        """Return the usage since the last `take`, with these transitions of the state machine, if it made the call."""
        with self._lock:
            now = self._clock()
            milliseconds = round((now - self._began) * 1000)
            bill = self._bill + Bill(
                lambda_ms=milliseconds,
                lambda_mb_ms=milliseconds * self._memory_mb,
                transitions=transitions if self._by_machine else 0,
            )
            self._began, self._bill = now, Bill()
            return bill

    def attach(self, client: Any) -> None:
        """Count the calls of a client of DynamoDB or S3 from now on."""
        events = client.meta.events
        if client.meta.service_model.service_name == "s3":
            events.register("before-call.s3", self._s3)
            return
        for name in (*_READS, *_WRITES):
            events.register(f"provide-client-params.dynamodb.{name}", _ask)
            events.register(f"after-call.dynamodb.{name}", self._dynamodb)

    def _dynamodb(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        consumed: Any = parsed.get("ConsumedCapacity") or []
        units = sum(one.get("CapacityUnits", 0.0) for one in (consumed if isinstance(consumed, list) else [consumed]))
        with self._lock:
            self._bill += Bill(read_units=units) if model.name in _READS else Bill(write_units=units)

    def _s3(self, model: Any, **_: Any) -> None:
        with self._lock:
            self._bill += Bill(s3_gets=1) if model.name == "GetObject" else Bill(s3_puts=1)


def _ask(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Make DynamoDB report the capacity that the call consumes."""
    return {**params, "ReturnConsumedCapacity": "TOTAL"}
