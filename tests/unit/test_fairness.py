"""What one workspace, or one receiver, has left to be done delays nobody else; bounds are counted in looks."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import chain, repeat

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from engine import limits
from engine.clock import format_time
from engine.services.executions.fair_order import in_turns
from engine.services.executions.recovery import Recovery
from engine.storage.subscriptions import OutgoingDelivery, Subscription
from tests.unit.conftest import NOW, Aws
from tests.unit.test_outgoing import Sender
from tests.world import WORKSPACE, World

SLOW = {"nodes": [{"id": "pause", "type": "delay", "config": {"seconds": 3000}}]}


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers())))
def test_work_of_owners_alternates_fairly(work: list[tuple[str, int]]):
    ordered = in_turns(work, lambda piece: piece[0])

    assert Counter(ordered) == Counter(work)
    for place, (owner, _) in enumerate(ordered):
        before = Counter(name for name, _ in ordered[:place])
        own = before[owner]
        assert all(count <= own + 1 for name, count in before.items() if name != owner)
    for owner in "abcde":
        assert [one for one in ordered if one[0] == owner] == [one for one in work if one[0] == owner]


def lost_drivers(world: World, count: int, workspace: str) -> list[str]:
    """Executions of a workspace whose drivers have died, and that event with them."""
    ids = [world.start(workflow_id) for workflow_id in [world.workflow(SLOW)] for _ in range(count)]
    for driver in world.machine.drivers.values():
        driver.status = "FAILED"
    for one in ids:
        world.repositories.executions._table.update(f"EXECUTION#{one}", "META", {"workspace_id": workspace})
    return ids


def test_workspace_with_a_backlog_delays_another_by_one_check(aws: Aws):
    world = World(aws)
    lost_drivers(world, 60, "greedy")
    world.clock.offset += 120  # all of those have been due for longer
    (other,) = lost_drivers(world, 1, WORKSPACE)
    world.clock.offset += 120

    report = world.recovery.run(chain(repeat(100.0, 2), repeat(5.0)).__next__)

    assert world.get(other).driver_attempt == 2
    assert report.done == {"recovered": 2, "left": 59}
    assert report.oldest_seconds > 150


def test_backlog_longer_than_one_read_hides_nothing(aws: Aws, monkeypatch):
    monkeypatch.setattr(limits, "RECOVERY_READ", 4)
    world = World(aws)
    lost_drivers(world, 80, "greedy")
    world.clock.offset += 120
    (other,) = lost_drivers(world, 1, WORKSPACE)
    world.clock.offset += 120

    world.recovery.run(chain(repeat(100.0, 2), repeat(5.0)).__next__)

    assert world.get(other).driver_attempt == 2


def test_recovery_continues_as_long_as_it_has_time(aws: Aws, monkeypatch):
    monkeypatch.setattr(limits, "RECOVERY_READ", 4)
    world = World(aws)
    ids = lost_drivers(world, 70, WORKSPACE)
    world.clock.offset += 120
    recovery = Recovery(
        world.repositories,
        world.concurrency_limits,
        world.finalization,
        world.supervisor,
        world.machine,
        world.clock,
        threads=4,
    )

    report = recovery.run(lambda: 100.0)

    assert report.done == {"recovered": 70}
    assert {world.get(one).driver_attempt for one in ids} == {2}


def overdue(aws: Aws, subscription_id: str, workspace: str, count: int) -> None:
    """A subscription with so many deliveries whose time has come."""
    store, at = aws.repositories.subscriptions, format_time(NOW)
    if store.find(subscription_id) is None:
        url = f"https://{subscription_id}.example"
        store.create(Subscription(subscription_id, workspace, url, ("*",), None, b"", at, at))
    for number in range(count):
        one = OutgoingDelivery(subscription_id, f"{subscription_id}-{number:04d}", "ping", "{}", at, next_at=at)
        store.queue(one, NOW)


def test_a_dead_receiver_delays_no_other(aws: Aws, monkeypatch):
    """Of what is due each workspace's subscriptions take turns, however much there is for one."""
    monkeypatch.setattr(limits, "SEND_MOST", 6)
    monkeypatch.setattr(limits, "RECOVERY_READ", 4)
    for number in range(3):
        overdue(aws, f"dead-{number}", "greedy", 60)
    aws.clock.moment += timedelta(seconds=30)
    overdue(aws, "good", "modest", 1)
    world = World(aws)
    world.clock.offset = (NOW - world.clock.now()).total_seconds() + 600
    sent: list[tuple[str, str]] = []

    world.recovery.send_due(sent.extend)

    assert ("good", "good-0000") in sent[:2]
    assert len({subscription for subscription, _ in sent}) > 2


def test_a_receiver_that_takes_nothing_is_tried_by_one_delivery_at_a_time(aws: Aws):
    sender = Sender(aws)
    sender.answer = lambda _: httpx2.Response(503)
    names = [sender.tell(f"01920000-0000-7000-8000-0000000000{number:02d}") for number in range(30)]
    for _ in range(60):  # an hour in which everything is tried whenever it is due
        sender.send(*names)
        sender.clock.pass_time(seconds=60)

    # Five until it is noticed (all that were begun by then end), and then one behind each pause of up to ten minutes.
    assert len(sender.seen) <= limits.OUTGOING_PAUSE_AFTER + limits.SEND_TOGETHER + 12
    found = sender.store.find(sender.id)
    assert found is not None
    assert found.paused_until is not None
    assert {sender.delivery(one).status for one in names} == {"pending"}
    assert any("not sent" in str(one.error) for name in names for one in sender.delivery(name).attempts)

    sender.answer = lambda _: httpx2.Response(200)
    for _ in range(12 * 60):
        sender.send(*names)
        sender.clock.pass_time(seconds=60)
        if {sender.delivery(one).status for one in names} == {"delivered"}:
            break
    assert {sender.delivery(one).status for one in names} == {"delivered"}
    again = sender.store.find(sender.id)
    assert again is not None
    assert (again.failures, again.paused_until, again.failing_since) == (0, None, None)
