"""An answer that comes while what is around it ends: it counts in the history, or whoever gives it is told no."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import Conflict, Unavailable
from engine.history.events import Signal, SignalStatus, signal_key
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Status
from engine.schemas.executions import SignalBody
from engine.services.principal import Principal
from tests.crash import APPROVED, WRITES, CrashingEffects, CrashingStore, Died, Fate
from tests.harness import Run, edges, nodes, start
from tests.unit.conftest import Aws
from tests.world import WORKSPACE, World

ASK = {"id": "ask", "type": "approval", "config": {"message": "?"}}
INNER = {"id": "inner", "type": "for_each", "config": {"items": [1, 2], "concurrency": 2}, "body": {"nodes": [ASK]}}
FAILING = [{"id": "bad", "type": "effect", "config": {"seconds": 2, "fail_times": 9}}]


def looping(*inside: dict[str, Any], **config: Any) -> dict[str, Any]:
    """Two items at a time; each asks, and the effect beside that fails. Behind the loop something takes a while."""
    body = {"nodes": [*inside, *FAILING], "edges": []}
    each = {"id": "each", "type": "for_each", "config": {"items": [0, 1], "concurrency": 2, **config}, "body": body}
    after = nodes(after={"type": "effect", "config": {"seconds": 5}})
    return {"nodes": [each, *after], "edges": edges("each>after", "each:error>after")}


PLANS = {
    "an item of a loop": (looping(ASK), "each[1].ask"),
    "an item of a loop that goes on": (looping(ASK, on_item_error="collect"), "each[0].ask"),
    "a loop in an item": (looping(INNER), "each[1].inner[0].ask"),
    "the workflow": ({"nodes": [ASK, *FAILING]}, "ask"),
    "a loop beside what fails": ({"nodes": [INNER, *FAILING]}, "inner[1].ask"),
}


class AnsweredStore:
    """A store at whose `at`th write somebody answers, right before it or right after; a read tells how it went."""

    def __init__(self, run: Run, path: str, at: int) -> None:
        self._run, self._path, self._at = run, path, at
        self._store = run.store
        self.points = 0

    def __getattr__(self, name: str) -> Any:
        work = getattr(self._store, name)
        if name not in WRITES:
            return work

        async def write(*arguments: Any, **named: Any) -> Any:
            self._point()
            result = await work(*arguments, **named)
            self._point()
            return result

        return write

    def _point(self) -> None:
        self.points += 1
        asked = self._path in self._run.history.waits
        if self.points == self._at and asked and not self._run.execution.status.is_final:
            self._run.answer(self._path, APPROVED)


def check(run: Run, path: str, where: str) -> None:
    """What stands as the answer is in the history, as that of the node."""
    signals = [one for one in run.history.signals.values() if one.path == path]
    state = run.states.get(path)
    for one in signals:
        if one.status is SignalStatus.ABANDONED:
            assert state is None or state.status == "cancelled", where
        else:
            assert state is not None, where
            assert (state.status, (state.output or {}).get("decision")) == ("succeeded", "approved"), where


@pytest.mark.parametrize("plan", PLANS)
def test_answer_at_any_moment_counts_or_is_refused(plan: str):
    definition, path = PLANS[plan]
    for at in range(1, 200):
        run = start(definition)
        run.engine.store = AnsweredStore(run, path, at)  # type: ignore[assignment]
        run.drive()
        check(run, path, f"point {at}")
        if run.engine.store.points < at:  # type: ignore[attr-defined]
            break
    assert at > 10


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("plan", PLANS)
def test_no_pending_signal_is_left_in_a_failed_scope(plan: str, refused: bool):
    """Whoever drives on where a driver died sees to that, too; an answer in between counts."""
    definition, path = PLANS[plan]
    for at in range(1, 200):
        fate = Fate(refused_at=at) if refused else Fate(at)
        run = start(definition, effects=CrashingEffects(fate))
        run.engine.store = CrashingStore(run.store, fate)  # type: ignore[assignment]
        try:
            run.drive()
        except (Died, Unavailable):
            fate.revive()
            if not run.execution.status.is_final and path in run.history.waits:
                run.answer(path, APPROVED)
            run.recomputed = True
            run.drive()
        where = f"point {at}"
        check(run, path, where)
        assert run.execution.status is (Status.SUCCEEDED if "after" in str(definition) else Status.FAILED), where
        loops = [one for one in run.history.waits if run.history.open_signal(one) is not None]
        assert not loops, f"{where}: {loops} may still be answered"
        if fate.points < at and not run.recomputed:
            break
    assert at > 10


def test_answer_after_the_end_of_its_item_is_reported_as_abandoned():
    """The end of the item was first: then that stands, and whoever answers is told so."""
    definition, path = PLANS["an item of a loop"]
    run = start(definition)
    run.drive()
    stands = run.answer(path, APPROVED)

    assert isinstance(stands, Signal)
    assert stands.status is SignalStatus.ABANDONED
    assert run.states[path].status == "cancelled"


USER = Principal("user-1", "session", WORKSPACE, "owner", is_admin=True)
YES = SignalBody(decision="approved")


def refusal(world: World, execution_id: str, path: str) -> str:
    """With which code an answer is refused."""
    with pytest.raises(Conflict) as refused:
        world.signals.answer(USER, execution_id, path, YES)
    return refused.value.code


def test_late_answer_is_refused_with_the_reason(aws: Aws):
    world = World(aws)
    definition, path = PLANS["an item of a loop"]
    definition = {**definition, "nodes": [*definition["nodes"], {**ASK, "id": "other"}]}
    execution_id = world.start(world.workflow(definition))
    world.pass_time(60)

    assert refusal(world, execution_id, path) == "not_waiting"
    world.signals.answer(USER, execution_id, "other", YES)
    assert refusal(world, execution_id, "other") == "already_answered"
    world.settle()
    world.check()


def test_answer_in_a_failed_distributed_map_is_refused_before_its_batch_is_ended(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
):
    world = World(aws)
    body = {
        "nodes": [
            {"id": "first", "type": "conditional", "config": {"expression": "{{ item = 1 }}"}},
            {"id": "pause", "type": "delay", "config": {"seconds": 600}},
            {"id": "bad", "type": "fail", "config": {"message": "no"}},
            ASK,
        ],
        "edges": edges("first:true>pause", "pause>bad", "first:false>ask"),
    }
    config = {"items": "{{ [1..250] }}", "concurrency": 250}
    each = {"id": "each", "type": "for_each", "config": config, "body": body}
    execution_id = world.start(
        world.workflow({"nodes": [each, {**ASK, "id": "other"}], "edges": edges("each:error>other")})
    )
    world.pass_time(300)
    world.signals.answer(USER, execution_id, "each[100].ask", YES)
    monkeypatch.setattr(world.finalization, "end_map_batch", lambda _: None)  # whoever is to end the parts comes later
    world.pass_time(305)

    assert world.get(execution_id).status is Status.WAITING
    assert refusal(world, execution_id, "each[101].ask") == "not_waiting"
    batch = ExecutionRef.of_batch(execution_id, "each", 1)
    assert not world.repositories.histories.get(batch, [signal_key("each[101].ask")])
    monkeypatch.undo()
    world.signals.answer(USER, execution_id, "other", YES)
    world.settle()
    world.check()
