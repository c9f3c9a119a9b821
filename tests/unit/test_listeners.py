"""Who listens to a workspace's events: known at the moment of the question, whoever changes it, by one read."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from engine.aws.event_bus import Event, Marks
from engine.services.triggers.listeners import ListenerIndex
from engine.storage.dynamodb.table import Table
from engine.storage.workflow_records import Workflow
from tests.stored import delete, publish_version, set_active, stored_workflow
from tests.unit.conftest import NOW, Aws

SHOP = {"source": ["shop"]}


def listening_to(*patterns: dict[str, Any]) -> dict[str, Any]:
    triggers = [{"id": f"t{n}", "type": "event", "config": {"pattern": one}} for n, one in enumerate(patterns)]
    return {"nodes": [], "triggers": triggers}


def make(aws: Aws, *patterns: dict[str, Any], active: bool = True, workspace: str = "ws") -> Workflow:
    found = stored_workflow(aws.workflows, listening_to(*patterns), workspace)
    return set_active(aws.workflows, found, active=True) if active else found


def event(source: str, workspace: str = "ws") -> Event:
    return Event(source, "t", {"n": 1}, NOW, Marks(workspace, "e"))


def delivered(source: str) -> dict[str, Any]:
    return {"source": source, "detail-type": "t", "detail": {"n": 1}}


def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counted: Counter[str] = Counter()
    for name in ("get", "query"):
        real = getattr(Table, name)

        def counting(self: Table, *arguments: Any, _real: Any = real, _name: str = name, **named: Any) -> Any:
            counted[_name] += 1
            return _real(self, *arguments, **named)

        monkeypatch.setattr(Table, name, counting)
    return counted


def test_event_without_listeners_costs_one_read(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    listening = ListenerIndex(aws.repositories.listeners)
    counted = reads(monkeypatch)
    assert listening.have_listeners([event("x"), event("y")]) == [False, False]
    assert counted == {"get": 1}
    for _ in range(5):
        make(aws, SHOP, {"source": ["x"], "detail": {"n": [2]}})

    assert listening.have_listeners([event("y"), event("shop"), event("shop", "another")]) == [False, True, False]
    counted.clear()
    assert listening.have_listeners([event("y")] * 100) == [False] * 100
    assert counted == {"get": 1}
    counted.clear()
    assert len(listening.listeners_of("ws", delivered("shop"))) == 5
    assert listening.listeners_of("ws", delivered("x")) == []
    assert counted == {"get": 2}


def test_listener_changes_are_visible_at_once(aws: Aws):
    listening, other = ListenerIndex(aws.repositories.listeners), ListenerIndex(aws.repositories.listeners)

    def heard(source: str) -> bool:
        (one,), (same,) = listening.have_listeners([event(source)]), other.have_listeners([event(source)])
        assert one == same
        return one

    workflow = make(aws, SHOP, active=False)
    assert not heard("shop")
    workflow = set_active(aws.workflows, workflow, active=True)
    assert heard("shop")
    workflow = publish_version(aws.workflows, workflow, listening_to({"source": ["other"]}))
    assert (heard("shop"), heard("other")) == (False, True)
    workflow = set_active(aws.workflows, workflow, active=False)
    assert not heard("other")
    workflow = set_active(aws.workflows, workflow, active=True)
    assert heard("other")
    delete(aws.workflows, workflow)
    assert not heard("other")
    assert (aws.automation.get("LISTENERS#ws", "SUM") or {})["sum"] == 0
    assert [item["SK"] for item in aws.automation.query("LISTENERS#ws")] == ["SUM"]


def test_stale_reader_cannot_overwrite_listeners(aws: Aws):
    listening = ListenerIndex(aws.repositories.listeners)
    stale = make(aws, SHOP, active=False)
    publish_version(aws.workflows, stale, listening_to({"source": ["new"]}))
    set_active(aws.workflows, stale, active=True)  # knows the triggers of the version before
    assert listening.have_listeners([event("shop"), event("new")]) == [False, True]
    publish_version(aws.workflows, stale, listening_to({"source": ["newer"]}))  # thinks it is inactive
    assert listening.have_listeners([event("new"), event("newer")]) == [False, True]
    set_active(aws.workflows, stale, active=True)
    set_active(aws.workflows, stale, active=False)
    assert listening.have_listeners([event("newer")]) == [False]
    assert (aws.automation.get("LISTENERS#ws", "SUM") or {})["sum"] == 0


def test_a_read_that_saw_half_of_a_change_is_not_remembered(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    listening = ListenerIndex(aws.repositories.listeners)
    before = list(aws.automation.query("LISTENERS#ws"))
    make(aws, SHOP)
    real = Table.query
    monkeypatch.setattr(Table, "query", lambda *_, **__: iter(before))  # the sum is new, the items are not yet
    assert listening.have_listeners([event("shop")]) == [False]
    monkeypatch.setattr(Table, "query", real)

    assert listening.have_listeners([event("shop")]) == [True]


def test_concurrent_activations_leave_the_right_listeners(aws: Aws):
    workflows = [make(aws, SHOP, active=False) for _ in range(4)]
    lock = threading.Lock()

    def switch(workflow: Workflow) -> None:
        for active in (True, False, True):
            with lock:  # moto takes one at a time
                set_active(aws.workflows, workflow, active=active)

    threads = [threading.Thread(target=switch, args=(one,)) for one in workflows * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [one.workflow_id for one in ListenerIndex(aws.repositories.listeners).listeners_of("ws", delivered("shop"))]
    assert sorted(ids) == sorted(one.id for one in workflows)
