"""Deliveries to webhooks: each starts one execution, whoever dies meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import boto3
import pytest

from engine import limits
from engine.errors import TooManyRequests
from engine.security.secrets import SecretBox
from engine.storage.triggers import TriggerRepository
from tests.figures import FIGURES
from tests.unit.conftest import Aws, aws_in_memory
from tests.unit.dispatched import CRON, QUICK, active, delivered, dispatcher, hooks, hour, token
from tests.world import World


def test_crash_while_accepting_a_delivery_is_completed_by_its_repetition():
    points = 0
    for at in range(1, 40):
        with aws_in_memory() as aws:
            world = World(aws)
            config = {"delivery_id_header": "x-id"}
            workflow_id = active(world, QUICK, {"id": "t", "type": "webhook", "config": config})
            address = token(world, workflow_id)
            world.fate.at, world.fate.points = at, 0
            died = not world.perish(partial(hooks(world).receive, address, delivered()))
            world.fate.at = None
            if not died:
                break
            points += 1
            answers = [hooks(world).receive(address, delivered()) for _ in range(2)]
            assert answers[0] == answers[1]
            world.settle()
            world.check()
            assert world.results() == [("succeeded", {"a": {"n": 1}})]
    assert points > 5
    FIGURES["deaths while a delivery is taken"] += points


def test_an_execution_that_cannot_be_run_ahead_is_driven(aws: Aws):
    world = World(aws)

    def broken(_execution_id: str) -> str:
        raise RuntimeError("Advance is not there")

    config = {"answer": "result", "answer_seconds": 0.2}
    workflow_id = active(world, QUICK, {"id": "t", "type": "webhook", "config": config})
    answer = hooks(world, broken).receive(token(world, workflow_id), delivered())

    assert answer.status == 202  # nobody has driven it yet in here
    world.settle()
    assert world.results() == [("succeeded", {"a": {"n": 1}})]


def test_execution_run_ahead_by_a_crashed_process_gets_a_driver(aws: Aws):
    world = World(aws)
    config = {"answer": "result", "answer_seconds": 0.2}
    workflow_id = active(world, QUICK, {"id": "t", "type": "webhook", "config": config})

    hooks(world, lambda _: "again").receive(token(world, workflow_id), delivered())
    assert world.machine.drivers == {}  # it was left to somebody who never began
    world.settle()
    world.check()
    assert world.results() == [("succeeded", {"a": {"n": 1}})]


def test_webhook_rate_limit_is_enforced(aws: Aws):
    repository, at = TriggerRepository(aws.automation), datetime(2026, 5, 1, 9, 0, 20, tzinfo=UTC)
    taken: list[int] = []
    for _ in range(25):
        try:
            repository.admit("w", "t", at, 10, None)
        except TooManyRequests as error:
            taken.append(error.retry_after)
        else:
            taken.append(0)

    assert taken == [0] * 10 + [40] * 15
    repository.admit("w", "t", at + timedelta(minutes=1), 10, None)
    assert repository.get("w", "t").fired == 11


def test_webhook_secret_works_for_its_trigger_only(aws: Aws):
    del aws
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    box = SecretBox(lambda: kms, key)
    sealed = box.seal("s3cret", {"workspace": "a", "trigger": "t"})

    assert b"s3cret" not in sealed
    assert box.open(sealed, {"workspace": "a", "trigger": "t"}) == "s3cret"
    with pytest.raises(Exception, match="could not be decrypted"):
        SecretBox(lambda: kms, key).open(sealed, {"workspace": "b", "trigger": "t"})


def test_a_repeated_delivery_that_is_being_run_ahead_gets_no_driver_of_its_own(aws: Aws):
    world = World(aws)
    config = {"answer": "result", "answer_seconds": 0.05, "delivery_id_header": "x-id"}
    workflow_id = active(world, QUICK, {"id": "t", "type": "webhook", "config": config})
    address = token(world, workflow_id)
    for _ in range(3):
        hooks(world, lambda _: "again").receive(address, delivered())
    assert world.machine.drivers == {}

    world.pass_time(limits.START_GRACE + 1)  # who was to run it has died, so it seems
    hooks(world).receive(address, delivered())
    assert len(world.machine.drivers) == 1
    world.settle()
    world.check()
    assert len(world.all()) == 1


def test_late_delivery_sets_no_expectation_in_the_past(aws: Aws):
    world = World(aws)
    workflow_id, due = active(world, QUICK, CRON), hour(world, 0)
    dispatcher(world).on_time(workflow_id, "t", due)
    world.pass_time(5 * 3600)
    dispatcher(world).on_time(workflow_id, "t", due)
    expected = world.repositories.triggers.get(workflow_id, "t").expected_at
    assert expected is not None
    assert expected > world.clock.now()


def test_clocks_that_differ_do_not_reset_the_rate(aws: Aws):
    repository, at = TriggerRepository(aws.automation), datetime(2026, 5, 1, 9, 0, 59, tzinfo=UTC)
    taken = 0
    for number in range(20):
        try:
            repository.admit("w", "t", at + timedelta(seconds=2 * (number % 2)), 5, None)
        except TooManyRequests:
            continue
        taken += 1
    assert taken == 6  # one in the minute before, and five in this one
