"""Advance: one turn of one execution, or of one lane of a spread loop; called by the state machines.

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
from engine.execution.map_worker import DONE, Lane, advance_lane
from engine.history.model import FINAL_STATUSES, Decision
from engine.history.usage import Bill
from engine.nodes.context import NodeServices
from engine.security.redaction import Redactor, redact_logs
from engine.storage.execution_store import DynamoStore
from engine.storage.usage_meter import Meter
from engine.threads import NOTIFICATIONS, NodeThreads, in_thread_of, node_runner
from functions import container, outbound

if TYPE_CHECKING:
    from engine.integrations.base import BaseIntegration

logger = Logger()
metrics = Metrics(namespace="Mainspring", service="advance")
_clock = SystemClock()
_threads = NodeThreads()
_runner = node_runner(_threads)  # one event loop for the worker's life, so that connections stay open between turns
_meter = Meter(container.settings.memory_mb)
_meter.attach(container.client("dynamodb"))


def _tell_conductor(what: dict[str, Any]) -> None:
    container.call_later(container.settings.conductor_function, what)


async def _poke(owner: str, waits: Sequence[str]) -> None:
    await in_thread_of(NOTIFICATIONS, _tell_conductor, {"poke": owner, "waits": list(waits)})


async def _open(workspace_id: str, named: str, redactor: Redactor, key: str) -> tuple[str, BaseIntegration]:
    return await outbound.opener().open(workspace_id, named, redactor, key)


_engine = WorkflowEngine(
    DynamoStore(container.stores(), _clock, _meter),
    services=NodeServices(
        outbound.http,
        container.settings.api_url,
        _poke,
        integrations=_open,
        files=outbound.files,
        tables=outbound.tables(),
        reach=outbound.reach(),
        sandbox=outbound.sandbox,
        tool=outbound.tool,
        spend=_meter.add,
    ),
    clock=_clock,
)
container.when_made("s3", _meter.attach)
redact_logs(logger)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Gives the decision, which is what the state machine's Choice looks at, and what the next turn has to know.

    Raises:
        Unavailable: a service of AWS is in trouble; the state machine tries again for long.
    """
    logger.append_keys(execution_id=event["execution_id"])
    with passing_trouble():
        told = _ahead(event["execution_id"], context) if event.get("ahead") else _turn(event, context)
    left = _threads.left_running(limits.LEFT_RUNNING_SECONDS)
    if left:
        _give_up_process(left)
    return told


def _give_up_process(left: int) -> None:
    """End this process, whose threads would work on beside the nodes of whoever is served next.

    Lambda reports this invocation as failed with `Runtime.ExitError` and starts a new process before it invokes the
    function again. The state machine then repeats the turn, which finds all that has happened in the journal.
    """
    logger.error("calls of nodes that were given up do not end, so the process does", calls=left)
    sys.stdout.flush()
    os._exit(1)


def _turn(event: dict[str, Any], context: Any) -> dict[str, Any]:
    execution_id, before = event["execution_id"], event["decision"]
    not_before = before.get("not_before")
    if not_before is not None and parse_time(not_before) > _clock.now():
        _meter.begin(Bill.of(before["bill"]) + Bill(transitions=3 + int(event["retries"])))
        return _told(Decision("sleep", until=parse_time(not_before)), 0, None)
    _meter.begin(Bill.of(before["bill"]) + Bill(transitions=2 + int(event["retries"])))

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    batch = None
    if "of" in event:
        lane = Lane(execution_id, event["path"], event["of"], event["batches"])
        decision, batch = _runner.run(advance_lane(_engine, lane, int(before["batch"]), remaining))
    else:
        decision = _runner.run(_engine.advance(execution_id, remaining, generation=event["generation"]))
    _count(decision)
    return _told(decision, int(before["turn"]) + _turns_counted(int(event["retries"])), batch)


def _turns_counted(retries: int) -> int:
    """For how many turns this one counts: its retries have filled the history of the state machine, too."""
    return 1 + math.ceil(retries * limits.EVENTS_OF_RETRY / limits.EVENTS_OF_TURN)


def _ahead(execution_id: str, context: Any) -> dict[str, Any]:
    """One turn without a state machine, which is asked for if there is more to do.

    What it starts has to end before the sweeper looks whether anybody drives the execution.
    """
    _meter.begin(Bill(), by_machine=False)
    given = float(context.get_remaining_time_in_millis()) / 1000
    spare = max(0.0, given - limits.AHEAD_SECONDS)

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000 - spare

    decision = _runner.run(_engine.advance(execution_id, remaining, generation=1))
    _count(decision)
    if decision.next not in FINAL_STATUSES and decision.next != "superseded":
        _tell_conductor({"drive": execution_id, "bill": _meter.take().as_dict()})
    return {"next": decision.next}


def _count(decision: Decision) -> None:
    logger.info("turn done", next=decision.next)
    if decision.next in FINAL_STATUSES:
        metrics.add_dimension("status", decision.next)
        metrics.add_metric("ExecutionsFinished", MetricUnit.Count, 1)
        metrics.flush_metrics()


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
