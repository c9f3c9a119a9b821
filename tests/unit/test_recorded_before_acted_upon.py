"""Nothing is acted upon that is not recorded: whichever write fails, no action comes before its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from engine.errors import Unavailable
from engine.execution.commands import InBackground
from engine.execution.completion import End, Pause
from engine.execution.invocation import Invocation
from engine.execution.scheduler import Scheduler
from engine.history.events import HistoryEvent, PendingSignal, Signal, SignalStatus
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Status
from engine.nodes.context import NodeServices
from tests.harness import Effects, Run, edges, nodes, start

CHILD = {"type": "sub_workflow", "config": {"workflow": "01920000-0000-7000-8000-000000000001"}}


class RefusesEachOnce:
    """A store that refuses each write once, before anything of it is done."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.refused: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def _refuse(self, key: str) -> None:
        if key not in self.refused:
            self.refused.add(key)
            raise Unavailable("slow down")

    async def record(self, ref: ExecutionRef, entry: HistoryEvent, *more: Any) -> HistoryEvent:
        """One event."""
        self._refuse(entry.key)
        return await self._store.record(ref, entry, *more)

    async def mark(self, ref: ExecutionRef, status: Status, *more: Any, **named: Any) -> None:
        """A pause, or that nodes are running."""
        self._refuse(f"mark {status}")
        await self._store.mark(ref, status, *more, **named)

    async def finish(self, ref: ExecutionRef, status: Status, *more: Any, **named: Any) -> Status:
        """The end."""
        self._refuse(f"finish {status}")
        return await self._store.finish(ref, status, *more, **named)


class OrderedEffects(Effects):
    """Notes which outcomes are recorded when an effect begins."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, set[str]] = {}
        self.run: Run | None = None

    def begin(self, path: str, attempt: int) -> None:
        assert self.run is not None
        known = set(self.run.store.events[self.run.execution_id])
        self.seen[path] = self.seen.get(path, known) & known
        super().begin(path, attempt)


def driven_with_refusals(definition: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> tuple[Run, list[str]]:
    """Drive to the end through a store that refuses each write once; gives what was acted upon, in order."""
    acted: list[str] = []
    too_early: list[str] = []

    async def notify(owner: str, waits: Sequence[str] = ()) -> None:
        """Only collects, as what it raises would be taken for a supervisor that cannot be reached."""
        history = run.store.events[owner]
        too_early.extend(key for key in waits if key not in history)
        if not waits and not run.execution.status.is_final:
            too_early.append("the end")
        dropped = [key for key in waits if key.replace("#WAIT#", "#SIGNAL#") in history]
        acted.extend(f"drop {key}" if key in dropped else f"start {key}" for key in waits)

    effects = OrderedEffects()
    run = start(definition, effects=effects, services=NodeServices(notify=notify))
    effects.run = run
    ended = Scheduler.ended

    def told(scheduler: Scheduler, command: InBackground, stands: HistoryEvent | None, *more: Any) -> None:
        if stands is not None:
            if run.store.events[run.execution_id].get(stands.key) is not stands:
                too_early.append(stands.key)
            acted.append(f"settle {stands.key}")
        ended(scheduler, command, stands, *more)

    monkeypatch.setattr(Scheduler, "ended", told)
    run.engine.store = RefusesEachOnce(run.store)  # type: ignore[assignment]
    run.people = answer_children
    run.recomputed = True
    drive_on(run)
    assert too_early == []
    return run, acted


def drive_on(run: Run) -> None:
    """Drive to the end, however often a write is refused."""
    for _ in range(100):
        try:
            run.drive()
        except Unavailable:
            continue
        return
    raise AssertionError("no end")


def answer_children(run: Run) -> None:
    """Each execution that was started ends well."""
    for path in run.waiting():
        run.answer(path, {"status": "succeeded", "result": 1, "execution_id": "x"})


def test_nothing_is_acted_upon_before_it_is_recorded(monkeypatch: pytest.MonkeyPatch):
    definition = {
        "nodes": [
            {"id": "first", "type": "effect"},
            {"id": "sub", **CHILD},
            {"id": "nap", "type": "delay", "config": {"seconds": 90}},
            {"id": "clock", "type": "transform", "config": {"value": "{{ $millis() }}"}},
            {"id": "once", "type": "effect", "delivery": "at_most_once", "on_error": "continue"},
            {"id": "each", "type": "for_each", "config": {"items": [1, 2]}, "body": {"nodes": nodes("a")}},
            *nodes("last"),
        ],
        "edges": edges("first>sub", "sub>nap", "nap>clock", "clock>once", "once>each", "each>last"),
    }
    run, acted = driven_with_refusals(definition, monkeypatch)
    assert isinstance(run.effects, OrderedEffects)

    assert run.execution.status is Status.SUCCEEDED
    assert "start sub#WAIT#0001" in acted
    assert "once#STARTED#0001" in run.effects.seen["once"]
    for later, before in (("once", "clock"), ("each[0].a", "once"), ("last", "each[1].a")):
        assert before in run.effects.seen[later], f"{later} began before {before} was recorded"


def test_supervisor_is_notified_of_an_abandoned_child_only_after_the_record(monkeypatch: pytest.MonkeyPatch):
    bad = {"id": "bad", "type": "effect", "config": {"fail_times": 9, "seconds": "{{ item }}"}}
    body = {
        "nodes": [
            {"id": "which", "type": "conditional", "config": {"expression": "{{ item = 1 }}"}},
            {"id": "sub", **CHILD},
            bad,
        ],
        "edges": edges("which:true>sub", "which:false>bad"),
    }
    definition = {
        "nodes": [{"id": "each", "type": "for_each", "config": {"items": [1, 2], "concurrency": 2}, "body": body}]
    }
    run, acted = driven_with_refusals(definition, monkeypatch)

    assert run.execution.status is Status.FAILED
    assert "start each[0].sub#WAIT#0001" in acted
    assert "drop each[0].sub#WAIT#0001" in acted


def test_a_failed_write_of_an_end_or_a_pause_is_followed_by_nothing(monkeypatch: pytest.MonkeyPatch):
    """Only who has recorded may tell: the decision is not given before."""
    run = start({"nodes": [{"id": "nap", "type": "delay", "config": {"seconds": 90}}]})
    run.engine.store = RefusesEachOnce(run.store)  # type: ignore[assignment]
    outcomes: list[str] = []
    law = Invocation._record_then_act

    async def watched(invocation: Invocation, record: Any, about: PendingSignal | None = None) -> Any:
        try:
            given = await law(invocation, record, about)
        except Unavailable:
            outcomes.append(f"{type(record).__name__} refused")
            raise
        if isinstance(record, Pause):
            assert run.execution.status is Status.WAITING
        if isinstance(record, End):
            assert run.execution.status is given.next
        outcomes.append(type(record).__name__)
        return given

    monkeypatch.setattr(Invocation, "_record_then_act", watched)
    drive_on(run)
    assert outcomes[-1] == "End"
    assert {"Timer refused", "Pause refused", "End refused"} <= set(outcomes)


def test_stored_event_counts_instead_of_the_proposed_one():
    """Somebody answers just when the time is over: the answer stands, so it is what the node ends with."""
    run = start({"nodes": [{"id": "ask", "type": "approval", "config": {"message": "ok?", "timeout_seconds": 30}}]})
    decision = run.advance()
    store = run.store
    output = {"decision": "approved", "by": "somebody", "comment": None, "at": "2026-01-01T00:00:00.000Z"}
    said = Signal("ask", 1, run.clock.now(), SignalStatus.ANSWERED, output)

    class AnsweredMeanwhile(RefusesEachOnce):
        """A store in which an answer comes right before the deadline is recorded."""

        def _refuse(self, key: str) -> None:
            if key == said.key:
                store.signal(run.execution_id, said)

    run.engine.store = AnsweredMeanwhile(store)  # type: ignore[assignment]
    run.clock.sleep_until(decision.until)
    run.drive()
    assert run.outcomes["ask"].port == "approved"
