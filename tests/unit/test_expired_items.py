"""An item whose time is over is as good as gone: DynamoDB removes it up to days later, and until then it is there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import limits
from engine.clock import format_time
from engine.errors import NotFound
from engine.ids import derived_id
from engine.services.executions.recovery import Recovery
from engine.storage.oauth_consents import Consent
from engine.storage.subscriptions import OutgoingDelivery
from engine.storage.users import Session
from tests.unit.conftest import NOW, Aws
from tests.unit.test_outgoing import Sender
from tests.world import World

LATER = NOW + timedelta(days=limits.OUTGOING_KEPT_DAYS, seconds=1)


@pytest.fixture
def sender(aws: Aws) -> Sender:
    return Sender(aws)


def queued(sender: Sender, *, days_ago: float, number: int) -> str:
    at = NOW - timedelta(days=days_ago)
    name = derived_id(at, "delivery", str(number))
    sender.store.queue(OutgoingDelivery(sender.id, name, "execution.failed", "{}", format_time(at)), at)
    return name


def test_expired_delivery_is_neither_shown_nor_sent_nor_replayed(sender: Sender):
    name = sender.tell()
    known = sender.delivery(name)
    assert sender.store.lease(known, NOW + timedelta(seconds=limits.OUTGOING_LEASE)), "it is one that could be sent"
    sender.clock.moment = LATER

    assert sender.store.delivery(sender.id, name, LATER) is None
    assert sender.store.deliveries(sender.id, None, 10, LATER).items == []
    assert not sender.store.lease(known, LATER + timedelta(seconds=limits.OUTGOING_LEASE))
    with pytest.raises(NotFound):
        sender.store.replay(known, LATER)
    sender.send(name)
    assert sender.seen == []


def test_pages_of_deliveries_have_no_holes_where_items_have_expired(sender: Sender):
    """What was told late has an old id and is still kept, beneath many that are not."""
    late = derived_id(NOW - timedelta(days=60), "delivery", "told late")
    sender.store.queue(OutgoingDelivery(sender.id, late, "execution.failed", "{}", format_time(NOW)), NOW)
    for number in range(12):
        queued(sender, days_ago=limits.OUTGOING_KEPT_DAYS + 1, number=number)
    kept = [queued(sender, days_ago=1, number=100 + number) for number in range(5)]

    found, cursor, pages = list[str](), None, 0
    while True:
        page = sender.store.deliveries(sender.id, cursor, 2, NOW)
        found += [one.id for one in page.items]
        cursor, pages = page.next_cursor, pages + 1
        if cursor is None:
            break
    assert found == [*sorted(kept, reverse=True), late]
    assert pages == 3


def test_expired_deliveries_leave_the_index_of_what_is_due(aws: Aws, sender: Sender):
    old = queued(sender, days_ago=limits.OUTGOING_KEPT_DAYS + 1, number=1)
    due = queued(sender, days_ago=1, number=2)
    world, sent = World(aws), list[tuple[str, str]]()
    machine, finalization = world.machine, world.finalization
    recovery = Recovery(
        aws.repositories, world.concurrency_limits, finalization, world.supervisor, machine, sender.clock
    )

    assert recovery.send_due(sent.extend) == 1
    assert sent == [(sender.id, due)]
    assert aws.automation.get(f"SUBSCRIPTION#{sender.id}", f"DELIVERY#{old}") is None


def test_expired_session_identifies_nobody(aws: Aws):
    users, seconds = aws.users, int(NOW.timestamp())
    users.add_session(Session("s", "u", "w", "hash", "family", seconds + 60))

    assert users.identity("u", "s", "w", NOW).session is not None
    assert users.identity("u", "s", "w", NOW + timedelta(seconds=60)).session is None


def test_expired_consent_is_good_for_nothing(aws: Aws):
    consents, seconds = aws.repositories.consents, int(NOW.timestamp())
    consents.create(Consent("state", "w", "i", "verifier", "ann", seconds + 60, "browser"))
    over = NOW + timedelta(seconds=60)

    assert consents.find("state", NOW) is not None
    assert consents.find("state", over) is None
    assert consents.take("state", "browser", over) is None
