"""Services of AWS in trouble for long: what the state machines do about it, and that no execution fails by it."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from engine import limits
from engine.aws.errors import passing_trouble
from engine.errors import Unavailable
from engine.history.model import Status
from engine.services.executions.supervisor import reason_of
from tests.harness import nodes
from tests.played import Driver
from tests.unit.conftest import Aws
from tests.world import World

ROOT = Path(__file__).parent.parent.parent / "infrastructure" / "stack"
MACHINE = json.loads((ROOT / "execution.asl.json").read_text())["States"]
DISTRIBUTED_MAP = json.loads((ROOT / "distributed_map.asl.json").read_text())["States"]
WORKER = DISTRIBUTED_MAP["Workers"]["ItemProcessor"]["States"]
BY_LAMBDA = [
    "Unavailable",  # what our own functions raise
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
]
BY_DYNAMODB = [
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.ThrottlingException",
    "DynamoDb.SdkClientException",
]
TASKS = {
    "Advance": (MACHINE["Advance"], BY_LAMBDA),
    "SuspendOnSignal": (MACHINE["SuspendOnSignal"], BY_DYNAMODB),
    "ContinueAsNew": (MACHINE["ContinueAsNew"], BY_LAMBDA),
    "GiveUp": (MACHINE["GiveUp"], BY_LAMBDA),
    "a map worker's Advance": (WORKER["Advance"], BY_LAMBDA),
    "a map worker's Park": (WORKER["SuspendOnSignal"], BY_DYNAMODB),
    "Join": (DISTRIBUTED_MAP["Join"], BY_LAMBDA),
}
HOUR = 3600.0


def retrier(state: dict[str, Any], error: str) -> dict[str, Any]:
    """The one that decides: the first that names the error."""
    found: dict[str, Any] = next(one for one in state["Retry"] if {error, "States.ALL"} & set(one["ErrorEquals"]))
    return found


def delays(found: dict[str, Any]) -> list[float]:
    """The longest delay before each retry; with full jitter the mean is half of that."""
    interval, rate = found["IntervalSeconds"], found["BackoffRate"]
    return [min(interval * rate**n, found["MaxDelaySeconds"]) for n in range(min(found["MaxAttempts"], 1_000))]


@pytest.mark.parametrize("task", TASKS)
def test_state_machine_retries_unavailable_services_for_a_day(task: str):
    state, errors = TASKS[task]
    rng = random.Random(task)
    for error in errors:
        longest = delays(retrier(state, error))
        lasted = [sum(rng.uniform(0, delay) for delay in longest) for _ in range(200)]
        assert sum(longest) / 2 > 24 * HOUR, "in the mean"
        assert min(lasted) > 20 * HOUR


@pytest.mark.parametrize("task", TASKS)
def test_state_machine_retries_other_errors_for_minutes(task: str):
    """They may be the execution's own fault."""
    longest = delays(retrier(TASKS[task][0], "Lambda.Unknown"))
    assert 5 * 60 < sum(longest) / 2 < HOUR


def test_all_retries_fit_into_a_history_of_step_functions():
    """All invocations but the last with what they may have at most, then a day of trouble at each of its steps."""
    tasks = {name: state["Retry"] for name, state in MACHINE.items() if "Retry" in state}
    calls = {name: 3 * (1 + sum(one["MaxAttempts"] for one in retriers)) for name, retriers in tasks.items()}
    entered_and_left = 2 * 5
    last = calls["Advance"] + calls["SuspendOnSignal"] + max(calls["ContinueAsNew"], calls["GiveUp"]) + entered_and_left
    assert limits.CONTINUE_AS_NEW_AFTER * limits.EVENTS_OF_INVOCATION + last < 25_000
    bounded = retrier(MACHINE["SuspendOnSignal"], "Lambda.Unknown")["MaxAttempts"]
    assert 6 + 2 + 2 + 4 * (1 + bounded) <= limits.EVENTS_OF_INVOCATION


def test_retries_make_an_invocation_count_for_more():
    from functions.advance import handler as advance

    counted = {retries: advance._invocations_counted(retries) for retries in (0, 1, 25, 26, 615)}
    assert counted == {0: 1, 1: 2, 25: 2, 26: 3, 615: 26}


class Incident(World):
    """A world in which no invocation begins for so many seconds, because of this error."""

    def begin(self, seconds: float, error: str, seed: int) -> None:
        self.ends_at, self.error, self.rng = self.clock.offset + seconds, error, random.Random(seed)
        self.retries: dict[str, int] = {}

    def _advance(self, driver: Driver) -> None:
        if self.clock.offset >= getattr(self, "ends_at", 0):
            super()._advance(driver)
            return
        longest = delays(retrier(MACHINE["Advance"], self.error))
        done = self.retries.setdefault(driver.name, 0)
        self.retries[driver.name] += 1
        if done < len(longest):
            driver.until = self.clock.now() + timedelta(seconds=self.rng.uniform(0, longest[done]))
            return
        driver.status = "FAILED"
        reason = reason_of({"Error": self.error})
        self.calls.append(lambda: self.supervisor.driver_gave_up(driver.execution_id, driver.driver_attempt, reason))


@pytest.mark.parametrize(
    ("error", "hours"), [("Lambda.TooManyRequestsException", 12.0), ("Unavailable", 12.0), ("Lambda.Unknown", 2.0)]
)
def test_an_incident_of_hours_fails_no_execution(aws: Aws, error: str, hours: float):
    world = Incident(aws)
    workflow_id = world.workflow({"nodes": nodes("a", "b"), "edges": [{"from": "a", "to": "b"}]})
    started = [world.start(workflow_id) for _ in range(5)]
    world.begin(hours * HOUR, error, seed=1)
    world.pass_time(hours * HOUR + 1)
    world.settle()

    assert {world.get(one).status for one in started} == {Status.SUCCEEDED}
    assert world.effects.count("a") == world.effects.count("b") == len(started)


def test_execution_whose_drivers_keep_giving_up_is_closed_with_the_reason(aws: Aws):
    """For as long as some hours, as each next driver begins later than the one before."""
    world = Incident(aws)
    execution_id = world.start(world.workflow({"nodes": nodes("a")}))
    world.begin(100 * HOUR, "Runtime.ImportModuleError", seed=1)
    begun = world.clock.offset
    for _ in range(200):
        world.pass_time(0.1 * HOUR)
        if world.get(execution_id).status.is_final:
            break

    done = world.get(execution_id)
    assert (done.status, done.error["code"]) == (Status.FAILED, "engine_error")
    assert "gave up (Runtime.ImportModuleError), as 5 before it" in done.error["message"]
    assert world.clock.offset - begun > sum(limits.RECOVERY_PAUSES)


@pytest.mark.parametrize(
    ("code", "status", "passes"),
    [
        ("ThrottlingException", 400, True),
        ("InternalServerError", 500, True),
        ("KMS.DisabledException", 400, True),
        ("AccessDeniedException", 400, True),
        ("Whatever", 503, True),
        ("ValidationException", 400, False),
        ("NoSuchKey", 404, False),
    ],
)
def test_transient_errors_have_the_name_that_the_state_machines_retry(code: str, status: int, passes: bool):
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(Unavailable if passes else ClientError), passing_trouble():
        raise ClientError(answer, "Query")
    with pytest.raises(Unavailable), passing_trouble():
        raise EndpointConnectionError(endpoint_url="https://dynamodb")
    with pytest.raises(ParamValidationError), passing_trouble():
        raise ParamValidationError(report="TableName is missing")
    assert Unavailable.__name__ in MACHINE["Advance"]["Retry"][0]["ErrorEquals"]
