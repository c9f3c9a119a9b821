"""Outgoing webhooks under a clock that is moved: a day of attempts, leases, giving up; and triggers that go silent."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import httpx2
import pytest

from engine import limits
from engine.clock import format_time
from engine.errors import Unavailable
from engine.ids import new_id
from engine.security.egress import EgressRefused
from engine.security.secrets import SecretBox, subscription_context
from engine.services.events.delivery import EventDelivery
from engine.services.events.publish import DomainEvent, Publisher
from engine.storage.subscriptions import OutgoingDelivery, Subscription, SubscriptionRepository
from tests.played import PlayedBus
from tests.stored import set_active
from tests.unit.conftest import NOW, Aws
from tests.unit.dispatched import CRON, QUICK, active, dispatcher, hour
from tests.world import WORKSPACE, World

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
Answer = Callable[[httpx2.Request], httpx2.Response]


class Sender:
    """A subscription, and what sends for it; `answer` is what the receiver says."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.clock, self.store = aws, aws.clock, aws.repositories.subscriptions
        kms = boto3.client("kms")
        box = SecretBox(lambda: kms, kms.create_key()["KeyMetadata"]["KeyId"])
        self.id = new_id()
        sealed = box.seal(SECRET, subscription_context(WORKSPACE, self.id))
        at = format_time(NOW)
        self.store.create(Subscription(self.id, WORKSPACE, "https://x.example/h", ("*",), None, sealed, at, at))
        self.bus, self.sent, self.seen = PlayedBus(), list[tuple[str, str]](), list[httpx2.Request]()
        self.publisher = Publisher(aws.repositories, self.bus, self.sent.extend, aws.clock)
        self.answer: Answer = lambda _: httpx2.Response(200)
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(self._take))

        async def http() -> httpx2.AsyncClient:
            return client

        self.delivering = EventDelivery(aws.repositories, box, self.publisher, http, aws.clock)

    def _take(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        return self.answer(request)

    def tell(self, domain_event_id: str = "01920000-0000-7000-8000-000000000001") -> str:
        self.publisher.publish([DomainEvent(domain_event_id, "execution.failed", WORKSPACE, NOW, {"n": 1})])
        return domain_event_id

    def send(self, *deliveries: str) -> None:
        asyncio.run(self.delivering.send([(self.id, one) for one in deliveries]))

    def delivery(self, name: str) -> OutgoingDelivery:
        found = self.store.delivery(self.id, name, self.clock.now())
        assert found is not None
        return found


@pytest.fixture
def sender(aws: Aws) -> Sender:
    return Sender(aws)


def test_event_published_twice_is_delivered_once(sender: Sender):
    name = sender.tell()
    sender.tell()
    assert sender.sent == [(sender.id, name)]
    for _ in range(3):
        sender.send(name, name)
    assert len(sender.seen) == 1
    assert sender.delivery(name).status == "delivered"


def test_delivery_is_retried_for_a_day(sender: Sender):
    sender.answer = lambda _: httpx2.Response(503, text="down")
    name = sender.tell()
    pauses = []
    while True:
        sender.send(name)
        delivery = sender.delivery(name)
        if delivery.status != "pending":
            break
        assert delivery.next_at is not None
        begin = sender.clock.moment
        while format_time(sender.clock.moment) < delivery.next_at:
            sender.clock.pass_time(seconds=1)
        pauses.append((sender.clock.moment - begin).total_seconds())

    assert pauses == list(limits.OUTGOING_BACKOFF)
    assert 23 * 3600 < sum(pauses) < 26 * 3600
    assert (delivery.status, len(delivery.attempts)) == ("failed", 11)
    assert {attempt.error for attempt in delivery.attempts} == {"answered 503: down"}
    assert len({request.headers["webhook-id"] for request in sender.seen}) == 1

    sender.answer = lambda _: httpx2.Response(204)
    sender.store.replay(delivery, sender.clock.now())
    sender.send(name)
    assert sender.delivery(name).status == "delivered"


@pytest.mark.parametrize("before", [0, 3, limits.OUTGOING_ANSWER_CHARACTERS - 20, limits.OUTGOING_ANSWER_CHARACTERS])
@pytest.mark.parametrize("count", [1, 400])
def test_echoed_secrets_are_redacted_from_the_delivery(sender: Sender, before: int, count: int):
    bare = SECRET.removeprefix("whsec_")

    def echo(request: httpx2.Request) -> httpx2.Response:
        signature = request.headers["webhook-signature"]
        return httpx2.Response(400, text="x" * before + f"{SECRET} {bare} {signature} " * count)

    sender.answer = echo
    name = sender.tell()
    sender.send(name)
    (attempt,) = sender.delivery(name).attempts
    assert attempt.error is not None
    assert attempt.error.startswith("answered 400: ")
    signature = sender.seen[0].headers["webhook-signature"].removeprefix("v1,")
    for secret in (bare, signature):
        assert not [at for at in range(len(secret) - 8) if secret[at : at + 8] in attempt.error], attempt.error
    assert len(attempt.error) <= len("answered 400: ") + limits.OUTGOING_ANSWER_CHARACTERS


def test_secrets_are_redacted_from_connection_errors(sender: Sender):
    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("x" * (limits.OUTGOING_ANSWER_CHARACTERS - 30) + SECRET)

    sender.answer = refuse
    name = sender.tell()
    sender.send(name)
    (attempt,) = sender.delivery(name).attempts
    assert attempt.error is not None
    assert "whsec_" not in attempt.error


def test_replayed_delivery_keeps_only_its_last_attempts(sender: Sender):
    sender.answer = lambda _: httpx2.Response(503, text="down " * 1_000)
    name = sender.tell()
    for number in range(limits.OUTGOING_ATTEMPTS + 10):
        sender.send(name)
        assert sender.delivery(name).made == number + 1, "each is recorded"
        sender.store.replay(sender.delivery(name), sender.clock.now())
        sender.clock.pass_time(seconds=2 * limits.OUTGOING_LEASE)
    delivery = sender.delivery(name)

    assert len(delivery.attempts) == limits.OUTGOING_ATTEMPTS
    assert delivery.round == delivery.made == limits.OUTGOING_ATTEMPTS + 10


@pytest.mark.parametrize(("retention", "kept"), [(8, 8), (90, limits.OUTGOING_KEPT_DAYS)])
def test_delivery_expires_with_its_execution(aws: Aws, retention: int, kept: int):
    store = SubscriptionRepository(aws.automation, retention)
    store.queue(OutgoingDelivery("s", "d", "execution.succeeded", "{}", format_time(NOW)), NOW)
    item = aws.automation.get("SUBSCRIPTION#s", "DELIVERY#d")

    assert item is not None
    assert item["expires_at"] == int((NOW + timedelta(days=kept)).timestamp())


def test_crash_while_sending_is_retried_after_the_lease(sender: Sender):
    name = sender.tell()
    until = sender.clock.now() + timedelta(seconds=limits.OUTGOING_LEASE)
    assert sender.store.lease(sender.delivery(name), until)  # and died
    sender.send(name)
    assert sender.seen == []  # somebody seems to be at it
    sender.clock.pass_time(seconds=limits.OUTGOING_LEASE)
    sender.send(name)
    assert len(sender.seen) == 1


def test_late_result_of_an_attempt_changes_nothing(sender: Sender):
    """It was given up as lost, and somebody else has made it meanwhile."""
    name = sender.tell()

    def slow(_request: httpx2.Request) -> httpx2.Response:
        sender.answer = lambda _: httpx2.Response(200)
        sender.clock.pass_time(seconds=2 * limits.OUTGOING_LEASE)
        delivery = sender.delivery(name)
        sender.store.lease(delivery, sender.clock.now() + timedelta(seconds=limits.OUTGOING_LEASE))
        from engine.storage.subscriptions import Attempt

        sender.store.record(delivery, Attempt("later", 200, None, 1), "delivered", None)
        return httpx2.Response(500)

    sender.answer = slow
    sender.send(name)
    assert [(one.at, one.status) for one in sender.delivery(name).attempts] == [("later", 200)]


def test_subscription_that_never_succeeds_is_disabled_and_announced(sender: Sender):
    sender.answer = lambda _: httpx2.Response(500)
    begin = sender.clock.now()
    for number in range(1, 20):
        sender.clock.moment = begin + timedelta(hours=6 * number)
        sender.send(sender.tell(f"01920000-0000-7000-8000-0000000000{number:02d}"))
        found = sender.store.find(sender.id)
        assert found is not None
        if not found.is_enabled:
            break
    assert number * 6 > 72
    assert found.disabled_reason == f"the receiver has accepted nothing since {found.failing_since}"
    assert [event.type for event in sender.bus.told if event.type != "execution.failed"] == ["subscription.disabled"]
    seen = len(sender.seen)
    sender.tell("01920000-0000-7000-8000-000000000099")
    assert len(sender.seen) == seen
    assert sender.store.delivery(sender.id, "01920000-0000-7000-8000-000000000099", NOW) is None


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (httpx2.ConnectError("[Errno 111] refused"), "no answer from the receiver: refused"),
        (EgressRefused("connections to 10.0.0.1 are not allowed"), "connections to 10.0.0.1 are not allowed"),
    ],
)
def test_unreachable_receiver_is_logged(sender: Sender, failure: Exception, told: str):
    def broken(_request: httpx2.Request) -> httpx2.Response:
        raise failure

    sender.answer = broken
    name = sender.tell()
    sender.send(name)
    (attempt,) = sender.delivery(name).attempts
    assert (attempt.status, attempt.error) == (None, told)


def test_event_that_the_bus_refuses_is_published_again(sender: Sender, monkeypatch: pytest.MonkeyPatch):
    def refuse(_events: Any) -> None:
        raise Unavailable("no")

    monkeypatch.setattr(sender.bus, "publish", refuse)
    with pytest.raises(Unavailable):
        sender.tell()
    monkeypatch.undo()
    sender.tell()
    assert len(sender.sent) == 1


# -- silence -----------------------------------------------------------------------------------------------


def test_missed_schedule_is_silent_until_it_fires(aws: Aws):
    world = World(aws)
    workflow_id = active(world, QUICK, CRON)
    dispatcher(world).on_time(workflow_id, "t", hour(world, 0))
    world.settle()

    def look() -> Any:
        world.recovery.run(lambda: 100.0)
        return world.repositories.triggers.get(workflow_id, "t").silent_since

    world.pass_time(3600)
    assert look() is None  # it may still come
    world.pass_time(limits.SILENT_GRACE + 60)
    assert format_time(look()) == hour(world, 0)
    for _ in range(3):
        world.pass_time(3600)
        look()
    assert [event.type for event in world.bus.told] == ["trigger.silent"]
    assert world.bus.told[0].data["trigger_id"] == "t"

    dispatcher(world).on_time(workflow_id, "t", hour(world, 0))
    assert look() is None


def test_crash_while_announcing_silence_repeats_the_same_event(aws: Aws):
    world = World(aws)
    workflow_id = active(world, QUICK, CRON)
    dispatcher(world).on_time(workflow_id, "t", hour(world, 0))
    world.settle()
    world.pass_time(2 * 3600)
    silent = world.repositories.triggers.silent
    world.repositories.triggers.silent = lambda *_: None  # type: ignore[method-assign]
    world.recovery.run(lambda: 100.0)
    world.repositories.triggers.silent = silent  # type: ignore[method-assign]
    world.pass_time(120)
    world.recovery.run(lambda: 100.0)

    assert len({event.marks.event_id for event in world.bus.told}) == 1
    assert world.repositories.triggers.get(workflow_id, "t").silent_since is not None


def test_inactive_trigger_is_not_silent(aws: Aws):
    world = World(aws)
    workflow_id = active(world, QUICK, CRON)
    dispatcher(world).on_time(workflow_id, "t", hour(world, 0))
    world.settle()
    found = world.repositories.workflows.get(WORKSPACE, workflow_id)
    set_active(world.repositories.workflows, found, active=False)
    world.pass_time(4 * 3600)
    world.recovery.run(lambda: 100.0)

    assert world.bus.told == []
    assert world.repositories.triggers.get(workflow_id, "t").expected_at is None
