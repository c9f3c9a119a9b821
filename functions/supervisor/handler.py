"""The supervisor: starts what executions ask for, replaces lost drivers, finalizes executions.

It is called by Advance, without waiting (`notify`, `drive`) or for the start of a workflow that a model calls (`tool`),
by the state machines when a driver gives up, has driven for long, or has ended a big loop, by EventBridge when an
execution of a state machine has died, and each minute for recovery.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from engine.aws.errors import passing_trouble
from engine.history.execution_ref import ExecutionRef
from engine.history.usage import Bill
from engine.services.executions.recovery import RecoveryReport
from engine.services.executions.supervisor import reason_of
from functions import container

logger = Logger()
metrics = Metrics(namespace="Mainspring", service="supervisor")
_supervisor = container.supervisor()
_recovery = container.recovery()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Carry out the event.

    Raises:
        Unavailable: a service of AWS is in trouble; the state machines try again for long.
    """
    logger.info("asked", what=sorted(event))
    with passing_trouble():
        return _asked(event, context)


def _asked(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if "recover" in event:
        ahead = float(event["recover"].get("ahead_seconds", 0))
        sent = _recovery.send_due(container.send_deliveries)  # first, as the other uses all the time that there is
        report = _recovery.run(lambda: context.get_remaining_time_in_millis() / 1000, ahead)
        done = {**report.done, **({"sent": sent} if sent else {})}
        logger.info("report", done=done, oldest_seconds=report.oldest_seconds)
        _count(report)
        return done
    if "tool" in event:
        asked = event["tool"]
        return _supervisor.start_tool(asked["execution_id"], asked["workflow_id"], asked["input"], asked["key"])
    if "notify" in event:
        _supervisor.notified(ExecutionRef.parse(event["notify"]), event["waits"])
    elif "drive" in event:
        _supervisor.drive(event["drive"], Bill.of(event["bill"]))
    elif "gave_up" in event:
        _supervisor.driver_gave_up(event["gave_up"], event["driver_attempt"], reason_of(event.get("error")))
    elif "continue_as_new" in event:
        _supervisor.continue_as_new(event["continue_as_new"], event["driver_attempt"])
    elif "distributed_map" in event:
        _supervisor.distributed_map_ended(event["distributed_map"], event["path"], event["map_attempt"])
    else:
        _driver_died(event["detail"])
    return {}


def _driver_died(detail: dict[str, Any]) -> None:
    """An execution of a state machine has ended other than well."""
    if detail["stateMachineArn"] == container.settings.map_machine_arn:
        return  # recovery finds its loop
    execution_id, _, driver_attempt = detail["name"].rpartition("-")
    _supervisor.driver_ended(execution_id, int(driver_attempt), f"ended as {detail['status'].lower()}")


def _count(report: RecoveryReport) -> None:
    """Tell CloudWatch how late recovery is, if it is: an alarm on it says that it cannot keep up.

    And how many executions have ended of which what their end brings could not be done; the log says which, and why.
    """
    if report.oldest_seconds > 0:
        metrics.add_metric("OldestDueSeconds", MetricUnit.Seconds, report.oldest_seconds)
        metrics.add_metric("RecoveryLeft", MetricUnit.Count, report.done.get("left", 0))
    if "not_finalized" in report.done:
        metrics.add_metric("FinalizationsFailed", MetricUnit.Count, report.done["not_finalized"])
    if metrics.metric_set:
        metrics.flush_metrics()
