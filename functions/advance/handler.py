"""Advance: one turn of one execution, or of one lane of a spread loop; called by the state machines."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from engine import limits
from engine.bill import Bill
from engine.clock import SystemClock
from engine.context import NodeServices
from engine.engine import WorkflowEngine
from engine.execution import FINAL_STATUSES, Decision, format_time
from engine.lanes import DONE, Lane, advance_lane
from engine.storage.journal_store import DynamoStore
from engine.storage.meter import Meter
from functions import resources

if TYPE_CHECKING:
    from httpx2 import AsyncClient

logger = Logger()
metrics = Metrics(namespace="Mainspring", service="advance")
_clock = SystemClock()
_runner = asyncio.Runner()  # one event loop for the worker's life, so that connections stay open between turns
_http_client: AsyncClient | None = None
_meter = Meter(resources.settings.memory_mb)
_meter.attach(resources.client("dynamodb"))


async def _http() -> AsyncClient:
    global _http_client  # noqa: PLW0603 - one client for the worker's life
    if _http_client is None:
        from engine.security.egress import guarded_client, parse_networks

        _http_client = guarded_client(parse_networks(resources.settings.allowed_networks))
    return _http_client


async def _poke(owner: str, waits: Sequence[str]) -> None:
    """Call the conductor, which need not be waited for."""
    payload = json.dumps({"poke": owner, "waits": list(waits)})
    await asyncio.to_thread(
        resources.client("lambda").invoke,
        FunctionName=resources.settings.conductor_function,
        InvocationType="Event",
        Payload=payload,
    )


_engine = WorkflowEngine(
    DynamoStore(resources.stores(), _clock, _meter),
    services=NodeServices(_http, resources.settings.api_url, _poke),
    clock=_clock,
)
resources.when_made("s3", _meter.attach)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Gives the decision, which is what the state machine's Choice looks at, and what the next turn has to know."""
    execution_id, before = event["execution_id"], event["decision"]
    logger.append_keys(execution_id=execution_id)
    _meter.begin(Bill.of(before["bill"]) + Bill(transitions=2 + int(event["retries"])))

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    batch = None
    if "of" in event:
        lane = Lane(execution_id, event["path"], event["of"], event["batches"])
        decision, batch = _runner.run(advance_lane(_engine, lane, int(before["batch"]), remaining))
    else:
        decision = _runner.run(_engine.advance(execution_id, remaining, generation=event["generation"]))
    logger.info("turn done", next=decision.next)
    if decision.next in FINAL_STATUSES:
        metrics.add_dimension("status", decision.next)
        metrics.add_metric("ExecutionsFinished", MetricUnit.Count, 1)
        print(metrics.serialize_metric_set())  # noqa: T201 - CloudWatch reads metrics from the log
        metrics.clear_metrics()
    return _told(decision, int(before["turn"]) + 1, batch)


def _told(decision: Decision, turn: int, batch: int | None) -> dict[str, Any]:
    """The decision as the state machine takes it. After many turns it rolls over, before its history is full."""
    is_over = decision.next in FINAL_STATUSES or decision.next in (DONE, "superseded")
    now = _clock.now()
    until = decision.until or now + timedelta(seconds=limits.MAX_DELAY)
    following = decision.next
    if turn >= limits.ROLL_OVER_TURNS and not is_over:
        following = "roll_over" if batch is None else DONE
    return {
        "next": following,
        "until": format_time(until),
        "wait_seconds": max(1, min(limits.MAX_DELAY, math.ceil((until - now).total_seconds()))),
        "signals": decision.signals,
        "turn": turn,
        "batch": batch if batch is not None else -1,
        "bill": _meter.take().as_dict(),
    }
