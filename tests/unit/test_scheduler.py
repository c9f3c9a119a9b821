"""The scheduler decides with plain values: no store, no clock, no tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.execution.commands import (
    Append,
    Attempt,
    Command,
    ComputeItems,
    ComputeResult,
    Expire,
    LoadValue,
    RecordValue,
    TakeUp,
)
from engine.execution.scheduler import Scheduler
from engine.execution.scope_instance import Result
from engine.history.events import (
    History,
    HistoryEvent,
    NodeStatus,
    Outcome,
    PendingSignal,
    RecordedValue,
    Signal,
    SignalStatus,
    Timer,
    ValueName,
    WaitKind,
)
from engine.history.model import Execution
from engine.history.store import Snapshot
from engine.nodes.base import ForEach
from engine.workflow.compiled import prepare
from engine.workflow.validator import validate
from tests.harness import Effects, NodeExecutorFactory, edges, effect_node, nodes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FACTORY = NodeExecutorFactory()
FACTORY.register_node_type("effect", effect_node(Effects()))


def scheduler(raw: dict[str, Any], *history: HistoryEvent) -> Scheduler:
    """One of a workflow whose history has these events."""
    definition, problems = validate(raw, FACTORY)
    assert definition is not None, problems
    execution = Execution("e", "w", "f", 1, "manual", None, {"body": None}, NOW)
    snapshot = Snapshot(execution, definition, History.of(history))
    return Scheduler(snapshot, prepare(definition, FACTORY), FACTORY, lambda _block, _prefix: {}, "", NOW)


def commands(one: Scheduler) -> list[Command]:
    """What it wants done now, once all ready nodes are taken up; those to be computed stay in the list."""
    found: list[Command] = []
    while (command := one.next_command(NOW)) is not None:
        if not isinstance(command, TakeUp) or one.take_up(command, NOW):
            found.append(command)
    return found


def attempts(one: Scheduler) -> list[str]:
    """The nodes whose attempts may begin."""
    return [attempt.path for attempt in one.ready_attempts()]


def begin(one: Scheduler, path: str) -> Attempt:
    """Begin an attempt."""
    attempt = next(attempt for attempt in one.ready_attempts() if attempt.path == path)
    one.begin(attempt)
    return attempt


def ended(path: str, status: Any = NodeStatus.SUCCEEDED, port: str | None = "main") -> Outcome:
    """How a node ended."""
    return Outcome(
        path, status, NOW, NOW, port, error=None if status is NodeStatus.SUCCEEDED else {"code": "x", "message": "x"}
    )


LINE = {"nodes": nodes("a", "b", "c"), "edges": edges("a>b", "a>c")}
PAIRWISE = {"items": [1, 2, 3], "concurrency": 2}
LOOP = {"nodes": [{"id": "each", "type": "for_each", "config": PAIRWISE, "body": {"nodes": nodes("a")}}]}


def test_a_node_is_attempted_when_those_before_it_have_ended():
    one = scheduler(LINE)
    assert commands(one) == []
    assert attempts(one) == ["a"]
    attempt = begin(one, "a")
    assert attempts(one) == []
    one.ended(attempt, ended("a"), NOW)
    assert commands(one) == []
    assert attempts(one) == ["b", "c"]


def test_recorded_outcomes_are_not_repeated():
    one = scheduler(LINE, ended("a"), ended("b"))
    assert commands(one) == []
    assert attempts(one) == ["c"]


def test_a_timer_that_is_due_leads_to_the_next_attempt():
    one = scheduler({"nodes": nodes("a")}, Timer("a", NOW + timedelta(seconds=9), NOW, next_attempt=2))
    assert commands(one) == []
    assert list(one.due_times()) == [NOW + timedelta(seconds=9)]
    one.time_is(NOW + timedelta(seconds=8))
    assert attempts(one) == []
    one.time_is(NOW + timedelta(seconds=9))
    assert [(one.path, one.number) for one in one.ready_attempts()] == [("a", 2)]


def test_a_delay_ends_by_an_event_in_the_history():
    timer = Timer("a", NOW + timedelta(seconds=9), NOW)
    one = scheduler({"nodes": [{"id": "a", "type": "delay", "config": {"seconds": 9}}]}, timer)
    assert commands(one) == []
    one.time_is(timer.due_at)
    (command,) = commands(one)
    assert isinstance(command, Append)
    assert command.event == timer.outcome()
    assert not one.root.progress.finished, "not before it is recorded"
    one.ended(command, timer.outcome(), NOW)
    assert one.root.progress.finished


def test_at_its_deadline_a_wait_expires_unless_its_answer_stands():
    wait = PendingSignal("a", 1, WaitKind.APPROVAL, NOW, NOW + timedelta(seconds=5))
    one = scheduler({"nodes": [{"id": "a", "type": "approval", "config": {"message": "ok?"}}]}, wait)
    commands(one)
    one.time_is(NOW + timedelta(seconds=5))
    (expire,) = commands(one)
    assert isinstance(expire, Expire)
    assert expire.signal.status is SignalStatus.EXPIRED
    answer = Signal("a", 1, NOW, SignalStatus.ANSWERED, {})
    one.ended(expire, answer, NOW)
    (resolve,) = commands(one)
    assert resolve.signal is answer  # type: ignore[union-attr]


def test_a_failure_with_nowhere_to_go_holds_everything_until_it_is_recorded():
    raw = {"nodes": [{"id": "f", "type": "fail", "config": {"message": "no"}}, *nodes("a")]}
    one = scheduler(raw)
    (taken,) = commands(one)
    assert isinstance(taken, TakeUp)
    assert attempts(one) == ["a"]
    one.computed(taken, ended("f", NodeStatus.FAILED, None), NOW, nondeterministic=False)
    assert attempts(one) == []
    assert one.has_more
    (failure,) = commands(one)
    assert isinstance(failure, Append)
    assert failure.is_failure
    one.ended(failure, failure.event, NOW)
    assert one.root.failures
    assert attempts(one) == []
    assert not one.has_more


def test_pending_signals_are_abandoned_when_the_execution_fails():
    wait = PendingSignal("a", 1, WaitKind.APPROVAL, NOW)
    raw = {"nodes": [{"id": "a", "type": "approval", "config": {"message": "ok?"}}, *nodes("b")]}
    one = scheduler(raw, wait, ended("b", NodeStatus.FAILED, None))
    commands(one)
    assert one.give_up_waits(NOW)
    (abandon,) = commands(one)
    assert abandon.signal.status is SignalStatus.ABANDONED  # type: ignore[union-attr]
    one.ended(abandon, abandon.signal, NOW)  # type: ignore[arg-type, union-attr]
    assert not one.give_up_waits(NOW)


def test_recomputable_outcomes_need_no_event():
    raw = {"nodes": [{"id": "t", "type": "transform", "config": {"value": 1}}, *nodes("a")], "edges": edges("t>a")}
    one = scheduler(raw)
    (taken,) = commands(one)
    assert isinstance(taken, TakeUp)
    one.computed(taken, ended("t"), NOW, nondeterministic=False)
    assert commands(one) == []
    assert [outcome.path for outcome in one.take_recomputable()] == ["t"]
    assert attempts(one) == ["a"]


def test_loop_opens_as_many_iterations_as_may_run_and_collects_results():
    one = scheduler(LOOP)
    (choose,) = commands(one)
    assert isinstance(choose, ComputeItems)
    one.items_found(choose, ForEach((1, 2, 3), 2, collect=False), NOW, nondeterministic=False)
    assert commands(one) == []
    assert attempts(one) == ["each[0].a", "each[1].a"]
    for index in (1, 0, 2):
        one.ended(begin(one, f"each[{index}].a"), ended(f"each[{index}].a"), NOW)
        (find,) = commands(one)
        assert isinstance(find, ComputeResult)
        one.result_found(find, Result(index * 10, None, nondeterministic=False), NOW)
        commands(one)
    assert one.root.progress.finished
    assert [outcome.output for outcome in one.take_recomputable()] == [[0, 10, 20]]


def test_nondeterministic_values_are_recorded_first():
    one = scheduler(LOOP)
    (choose,) = commands(one)
    assert isinstance(choose, ComputeItems)
    one.items_found(choose, ForEach((1, 2, 3), 3, collect=False), NOW, nondeterministic=True)
    (pin,) = commands(one)
    assert isinstance(pin, RecordValue)
    assert attempts(one) == []
    other = RecordedValue("each", ValueName.ITEMS, {"items": [7], "concurrency": 1, "collect": False})
    one.ended(pin, other, NOW)
    (recall,) = commands(one)
    assert isinstance(recall, LoadValue)
    one.value_loaded(recall, recall.recorded_value.output, NOW)
    commands(one)
    assert attempts(one) == ["each[0].a"], "the items that stand in the history"


def test_failed_iteration_ends_the_loop_once_the_others_are_idle():
    one = scheduler(LOOP)
    (choose,) = commands(one)
    assert isinstance(choose, ComputeItems)
    one.items_found(choose, ForEach((1, 2, 3), 2, collect=False), NOW, nondeterministic=False)
    commands(one)
    first, second = begin(one, "each[0].a"), begin(one, "each[1].a")
    one.ended(first, ended("each[0].a", NodeStatus.FAILED, None), NOW)
    assert commands(one) == []
    assert not one.root.failures, "the other one still runs"
    one.ended(second, ended("each[1].a"), NOW)
    pending = commands(one)
    if isinstance(pending[0], ComputeResult):
        one.result_found(pending[0], Result(1, None, nondeterministic=False), NOW)
        pending = commands(one)
    (failure,) = pending
    assert isinstance(failure, Append)
    assert failure.is_failure
    assert attempts(one) == [], "the third never begins"
