"""Approvals are listed by rows of their own, which are there as long as somebody waits, whatever dies meanwhile."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from engine.errors import NotFound
from engine.history.execution_ref import ExecutionRef
from engine.schemas.executions import SignalBody
from engine.services.executions.approvals import ApprovalService
from engine.services.executions.node_details import NodeInspector
from engine.services.principal import Principal
from tests.crash import Died
from tests.harness import edges
from tests.unit.conftest import Aws
from tests.world import WORKSPACE, World

OWNER = Principal("user-1", "s", WORKSPACE, "owner", is_admin=True, email="ada@x.example")
FINANCE = Principal("user-2", "s", WORKSPACE, "viewer", is_admin=False, email="fin@x.example")
STRANGER = Principal("user-3", "s", "ws-2", "owner", is_admin=False)
TEN_MINUTES = {"timeout_seconds": 600}
ASK = {
    "nodes": [
        {"id": "fetch", "type": "transform", "name": "Fetch", "config": {"value": {"total": 17}}},
        {
            "id": "ask",
            "type": "approval",
            "config": {"message": "Pay {{ nodes.fetch.total }}?", "timeout_seconds": 600},
        },
    ],
    "edges": edges("fetch>ask"),
}
TO_FINANCE = {"nodes": [{"id": "ask", "type": "approval", "config": {"message": "?", "approvers": ["fin@x.example"]}}]}
BODY = {"nodes": ASK["nodes"], "edges": ASK["edges"]}
EACH = {"nodes": [{"id": "each", "type": "for_each", "config": {"items": "{{ trigger.body }}"}, "body": BODY}]}


@pytest.fixture
def world(aws: Aws) -> World:
    return World(aws)


def service(world: World) -> ApprovalService:
    inspector = NodeInspector(world.repositories, "https://api.example", world.clock)
    inspector._factory = world.factory
    return ApprovalService(world.repositories, inspector, world.clock)


def waiting(world: World, definition: dict[str, Any], value: Any = None) -> str:
    execution_id = world.start(world.workflow(definition), value)
    world.pass_time(5)
    return execution_id


def listed(world: World, principal: Principal = OWNER, **wanted: Any) -> list[tuple[str, str]]:
    return [(one.execution_id, one.path) for one in service(world).page(principal, None, 50, **wanted).items]


def rows(world: World) -> list[str]:
    items = world.aws.automation.query(f"APPROVALS#{WORKSPACE}")
    return [item["SK"].partition("#")[0] for item in items]


def test_only_approvers_may_answer(world: World):
    one, other = waiting(world, ASK), waiting(world, TO_FINANCE)

    assert listed(world) == [(other, "ask"), (one, "ask")]
    assert listed(world, mine=True) == [(one, "ask")]
    assert listed(world, FINANCE, mine=True) == [(other, "ask")]
    assert listed(world, execution_id=one) == [(one, "ask")]
    assert listed(world, STRANGER) == []
    assert service(world).count(OWNER, mine=False) == (2, False)
    refused = [
        service(world).refusal(who, row)
        for row in service(world).page(OWNER, None, 50).items
        for who in (OWNER, FINANCE)
    ]
    assert refused == ["not_an_approver", None, None, "forbidden"]


def test_approval_shows_its_context_and_its_decision(world: World):
    first, second = waiting(world, ASK), waiting(world, ASK, {"n": 1})
    ids = {one.execution_id: one.id for one in service(world).page(OWNER, None, 50).items}
    world.signals.answer(OWNER, first, "ask", SignalBody(decision="rejected", comment="no"))
    world.pass_time(5)

    assert listed(world) == [(second, "ask")]
    (done,) = service(world).page(OWNER, None, 50, is_decided=True, mine=True).items
    assert (done.decision, done.comment, done.decided_by_email) == ("rejected", "no", "ada@x.example")
    found = service(world).context(OWNER, ids[second])
    assert found.approval.terms.message == "Pay 17?"
    assert [(one.node.name, one.output) for one in found.before] == [("Fetch", {"total": 17})]
    assert found.execution is not None
    assert found.execution.trigger["body"] == {"n": 1}
    assert service(world).context(OWNER, ids[first]).approval.decision == "rejected"
    with pytest.raises(NotFound):
        service(world).context(STRANGER, ids[second])


def test_abandoned_approvals_are_not_listed(world: World):
    cancelled, late = waiting(world, ASK), waiting(world, ASK)
    failing = {"nodes": [*TO_FINANCE["nodes"], {"id": "fail", "type": "fail", "config": {"message": "no"}}]}
    failed = waiting(world, failing)
    assert len(listed(world)) == 2  # that of the one that failed is over
    world.cancel(cancelled)
    assert rows(world).count("OPEN") == 1  # and it is gone with the end, before anybody looks
    assert listed(world) == [(late, "ask")]
    world.pass_time(700)

    assert world.get(failed).status.is_final
    assert listed(world) == []


def test_approvals_in_loops_and_distributed_maps_are_listed(world: World):
    small, big = waiting(world, EACH, [1, 2]), waiting(world, EACH, list(range(201)))
    found = service(world).page(OWNER, None, 100, execution_id=big)
    assert len(found.items) == 10  # so many items run at the same time
    # Both are asked at the same instant, so their order is that of their ids.
    assert sorted(listed(world, execution_id=small)) == [(small, "each[0].ask"), (small, "each[1].ask")]
    path = found.items[0].path
    world.signals.answer(OWNER, big, path, SignalBody(decision="approved"))
    assert listed(world, is_decided=True) == [(big, path)]
    world.cancel(big)

    assert len(listed(world)) == 2


def test_pages_list_each_approval_once(world: World):
    ids = [waiting(world, ASK) for _ in range(5)]
    seen, cursor = [], None
    for _ in range(10):
        page = service(world).page(OWNER, cursor, 2)
        seen += [one.execution_id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize("point", range(1, 9))
def test_crash_at_any_write_leaves_pending_signal_and_row_or_neither(aws: Aws, point: int):
    world = World(aws)
    workflow_id = world.workflow(ASK)
    world.fate.at = world.fate.points + point
    execution_id = world.start(workflow_id)
    for _ in range(5):
        world.pass_time(70)
        world.perish(lambda: world.recovery.run(lambda: 100.0))
    world.fate.revive()
    waits = world.repositories.histories.waits(ExecutionRef(execution_id)).waits

    assert [path for _, path in listed(world)] == [*waits]
    assert waits
    world.fate.at = world.fate.points + point
    with suppress(Died):
        world.signals.answer(OWNER, execution_id, "ask", SignalBody(decision="approved"))
    world.fate.revive()
    is_answered = bool(world.repositories.histories.waits(ExecutionRef(execution_id)).signals)
    assert rows(world) == (["DECIDED"] if is_answered else ["OPEN"])
