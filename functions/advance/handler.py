"""Advance: one invocation of one execution, or of one map worker of a distributed loop; called by the state machines.

It is also called for an execution that somebody waits for, which may end without a state machine: it runs ahead.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from engine import limits
from engine.aws.errors import passing_trouble
from engine.clock import SystemClock, format_time, parse_time
from engine.execution.engine import WorkflowEngine
from engine.execution.map_worker import MapWorker, advance_map_worker
from engine.history.execution_ref import ExecutionRef
from engine.history.model import FINAL_STATUSES, Decision, Next
from engine.history.usage import Bill
from engine.nodes.context import NodeServices
from engine.security.redaction import Redactor, redact_logs
from engine.storage.execution_store import DynamoStore
from engine.storage.usage_meter import UsageMeter
from engine.threads import NOTIFICATIONS, NodeThreads, in_thread_of, node_runner
from functions import container, outbound

if TYPE_CHECKING:
    from engine.integrations.base import BaseIntegration

logger = Logger()
metrics = Metrics(namespace="Mainspring", service="advance")
_clock = SystemClock()
_threads = NodeThreads()
_runner = node_runner(
    _threads
)  # one event loop for the worker's life, so that connections stay open between invocations
_usage_meter = UsageMeter(container.settings.memory_mb)
_usage_meter.attach(container.client("dynamodb"))


def _tell_supervisor(what: dict[str, Any]) -> None:
    container.call_later(container.settings.supervisor_function, what)


async def _notify(ref: str, waits: Sequence[str]) -> None:
    await in_thread_of(NOTIFICATIONS, _tell_supervisor, {"notify": ref, "waits": list(waits)})


async def _open(workspace_id: str, named: str, redactor: Redactor, key: str) -> tuple[str, BaseIntegration]:
    return await outbound.opener().open(workspace_id, named, redactor, key)


_engine = WorkflowEngine(
    DynamoStore(container.repositories(), _clock, _usage_meter),
    services=NodeServices(
        outbound.http,
        container.settings.api_url,
        _notify,
        integrations=_open,
        files=outbound.files,
        tables=outbound.tables(),
        aws=outbound.node_aws(),
        sandbox=outbound.sandbox,
        tool=outbound.tool,
        spend=_usage_meter.add,
    ),
    clock=_clock,
)
container.when_made("s3", _usage_meter.attach)
redact_logs(logger)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return the decision, for the Choice state of the state machine, and what the next invocation needs.

    Raises:
        Unavailable: a service of AWS is in trouble; the state machine tries again for long.
    """
    logger.append_keys(execution_id=event["execution_id"])
    with passing_trouble():
        told = _ahead(event["execution_id"], context) if event.get("ahead") else _invocation(event, context)
    left = _threads.left_running(limits.LEFT_RUNNING_SECONDS)
    if left:
        _give_up_process(left)
    return told


def _give_up_process(left: int) -> None:
    """End this process: threads of abandoned nodes would keep running beside the nodes of the next invocation.

    Lambda reports this invocation as failed with `Runtime.ExitError` and starts a new process before it invokes the
    function again. The state machine then repeats the invocation, which finds all that has happened in the history.
    """
    logger.error("calls of nodes that were given up do not end, so the process does", calls=left)
    sys.stdout.flush()
    os._exit(1)


def _invocation(event: dict[str, Any], context: Any) -> dict[str, Any]:
    execution_id, before = event["execution_id"], event["decision"]
    not_before = before.get("not_before")
    if not_before is not None and parse_time(not_before) > _clock.now():
        _usage_meter.begin(Bill.of(before["bill"]) + Bill(transitions=3 + int(event["retries"])))
        return _told(Decision(Next.SUSPEND_UNTIL, until=parse_time(not_before)), 0, None)
    _usage_meter.begin(Bill.of(before["bill"]) + Bill(transitions=2 + int(event["retries"])))

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    batch = None
    if "of" in event:
        map_worker = MapWorker(execution_id, event["path"], event["of"], event["batches"])
        decision, batch = _runner.run(advance_map_worker(_engine, map_worker, int(before["batch"]), remaining))
    else:
        decision = _runner.run(
            _engine.advance(ExecutionRef(execution_id), remaining, driver_attempt=event["driver_attempt"])
        )
    _count(decision)
    return _told(decision, int(before["invocations"]) + _invocations_counted(int(event["retries"])), batch)


def _invocations_counted(retries: int) -> int:
    """Return for how many invocations this one counts: its retries also fill the history of the state machine."""
    return 1 + math.ceil(retries * limits.EVENTS_OF_RETRY / limits.EVENTS_OF_INVOCATION)


def _ahead(execution_id: str, context: Any) -> dict[str, Any]:
    """One invocation without a state machine, which is asked for if there is more to do.

    What it starts has to end before recovery checks whether a driver runs the execution.
    """
    _usage_meter.begin(Bill(), by_machine=False)
    given = float(context.get_remaining_time_in_millis()) / 1000
    spare = max(0.0, given - limits.AHEAD_SECONDS)

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000 - spare

    decision = _runner.run(_engine.advance(ExecutionRef(execution_id), remaining, driver_attempt=1))
    _count(decision)
    if decision.next not in FINAL_STATUSES and decision.next != Next.SUPERSEDED:
        _tell_supervisor({"drive": execution_id, "bill": _usage_meter.take().as_dict()})
    return {"next": decision.next}


def _count(decision: Decision) -> None:
    logger.info("invocation done", next=decision.next)
    if decision.next in FINAL_STATUSES:
        metrics.add_dimension("status", decision.next)
        metrics.add_metric("ExecutionsFinished", MetricUnit.Count, 1)
        metrics.flush_metrics()


def _told(decision: Decision, invocations: int, batch: int | None) -> dict[str, Any]:
    """Return the decision for the state machine: after many invocations, to continue as new as its history fills up."""
    is_over = decision.next in FINAL_STATUSES or decision.next in (Next.DONE, Next.SUPERSEDED)
    now = _clock.now()
    until = decision.until or now + timedelta(seconds=limits.MAX_DELAY)
    following = decision.next
    if invocations >= limits.CONTINUE_AS_NEW_AFTER and not is_over:
        following = Next.CONTINUE_AS_NEW if batch is None else Next.DONE
    return {
        "next": following,
        "until": format_time(until),
        "wait_seconds": max(1, min(limits.MAX_DELAY, math.ceil((until - now).total_seconds()))),
        "signals": decision.signals,
        "invocations": invocations,
        "batch": batch if batch is not None else -1,
        "bill": _usage_meter.take().as_dict(),
    }
