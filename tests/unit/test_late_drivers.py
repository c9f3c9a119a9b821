"""Drivers that come late, and Step Functions in trouble: what they change, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from engine.aws.step_functions import StateMachine
from engine.clock import format_time
from engine.errors import Unavailable
from engine.history.model import Status
from tests.harness import nodes
from tests.unit.conftest import NOW, Aws
from tests.unit.test_storage import execution
from tests.world import World

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:Mainspring-execution"


def test_superseded_driver_changes_no_status(aws: Aws):
    """It would put the next look off, and forget how often the execution had to be driven again."""
    made = execution()
    aws.executions.create(made, None, "")
    soon, late = NOW + timedelta(minutes=2), NOW + timedelta(hours=9)
    assert aws.repositories.next_checks.next_driver_attempt(made, soon, recovery_attempt=True) == 2

    def noted() -> tuple[Any, ...]:
        item = aws.automation.get(f"EXECUTION#{made.id}", "META")
        assert item is not None
        return item["status"], item["next_check_at"], item["recovery_attempts"]

    aws.executions.mark(made.id, Status.WAITING, NOW, late, driver_attempt=1)
    assert noted() == (Status.PENDING, format_time(soon), 1)
    aws.executions.mark(made.id, Status.WAITING, NOW, late, driver_attempt=2)
    assert noted() == (Status.WAITING, format_time(late), 0)


CALLS: dict[str, Callable[[StateMachine], Any]] = {
    "send_task_success": lambda machine: machine.resume("token"),
    "start_execution": lambda machine: machine.start("e"),
    "describe_execution": lambda machine: machine.is_driving("e", 1),
}


@pytest.mark.parametrize("operation", CALLS)
def test_step_functions_errors_are_translated(aws: Aws, operation: str):
    """Whoever calls it need not know botocore, and nothing of that reaches a user."""
    del aws
    client = boto3.client("stepfunctions")
    with Stubber(client) as stubber:
        stubber.add_client_error(operation, "ThrottlingException")
        with pytest.raises(Unavailable):
            CALLS[operation](StateMachine(client, MACHINE))

    def cut(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://states")

    client.meta.events.register("before-send.stepfunctions", cut)
    with pytest.raises(Unavailable):
        CALLS[operation](StateMachine(client, MACHINE))


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_execution_that_is_no_longer_suspended_is_not_resumed(aws: Aws, code: str):
    del aws
    client = boto3.client("stepfunctions")
    with Stubber(client) as stubber:
        stubber.add_client_error("send_task_success", code)
        assert not StateMachine(client, MACHINE).resume("token")


def test_delayed_driver_is_not_reported_as_lost(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """Step Functions does not take it just then; it is recorded, and the recovery has it driven."""
    world = World(aws)
    mourner = world.workflow({"nodes": nodes("mourn")})
    failing = [{"id": "no", "type": "fail", "config": {"message": "no"}}]
    failed = world.start(world.workflow({"nodes": failing, "on_failure": {"workflow": mourner}}))
    start, refused = world.machine.start, list[str]()

    def refuse_once(execution_id: str, *more: Any, **named: Any) -> None:
        if execution_id != failed and not refused:
            refused.append(execution_id)
            raise Unavailable("the execution could not be started; try again")
        start(execution_id, *more, **named)

    monkeypatch.setattr(world.machine, "start", refuse_once)
    world.settle()

    assert refused
    assert world.get(refused[0]).status is Status.SUCCEEDED
    assert [
        line.message for _, line in aws.repositories.logs.read(failed, None, 99) if "could not" in line.message
    ] == []
