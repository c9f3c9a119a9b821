"""Advance: one turn of one execution, called by the state machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from engine.clock import SystemClock
from engine.context import NodeServices
from engine.engine import WorkflowEngine
from engine.execution import FINAL_STATUSES, format_time
from engine.storage.journal_store import DynamoStore
from functions import resources

if TYPE_CHECKING:
    from httpx2 import AsyncClient

logger = Logger()
metrics = Metrics(namespace="Mainspring", service="advance")
_clock = SystemClock()
_runner = asyncio.Runner()  # one event loop for the worker's life, so that connections stay open between turns
_http_client: AsyncClient | None = None


async def _http() -> AsyncClient:
    global _http_client  # noqa: PLW0603 - one client for the worker's life
    if _http_client is None:
        from engine.security.egress import guarded_client, parse_networks

        _http_client = guarded_client(parse_networks(resources.settings.allowed_networks))
    return _http_client


_engine = WorkflowEngine(
    DynamoStore(resources.executions(), resources.workflows(), _clock),
    services=NodeServices(_http, resources.settings.api_url),
    clock=_clock,
)


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Gives `{next, until}`: what the state machine's Choice looks at."""
    execution_id = event["execution_id"]
    logger.append_keys(execution_id=execution_id)
    decision = _runner.run(_engine.advance(execution_id, lambda: context.get_remaining_time_in_millis() / 1000))
    logger.info("turn done", next=decision.next)
    if decision.next in FINAL_STATUSES:
        metrics.add_dimension("status", decision.next)
        metrics.add_metric("ExecutionsFinished", MetricUnit.Count, 1)
        print(metrics.serialize_metric_set())  # noqa: T201 - CloudWatch reads metrics from the log
        metrics.clear_metrics()
    return {"next": decision.next, "until": format_time(decision.until or _clock.now())}
