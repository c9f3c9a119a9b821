"""What a run has cost is shared out to its nodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.execution.node_costs import node_costs
from engine.execution.node_states import NodeState
from engine.history.events import History, Outcome, PendingSignal, RecordedValue, Signal, Timer
from engine.history.model import Execution
from engine.history.usage import Bill

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
COMPUTE = Bill(lambda_mb_ms=1024 * 1000)
WRITES = Bill(write_units=100)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def ran(path: str, begin: float, end: float, attempts: int = 1) -> Outcome:
    return Outcome(path, "succeeded", at(begin), at(end), attempts=attempts)


def shares(bill: Bill, *events: object, loops: tuple[str, ...] = (), models: tuple[str, ...] = ()) -> dict[str, float]:
    """Parts of the whole, by path."""
    history = History.of(events)  # type: ignore[arg-type]
    execution = Execution("e", "w", "f", 1, "manual", None, {}, BEGIN, bill=bill)
    progress = {"total": None, "done": 0, "failed": 0}
    states = [NodeState(path, "for_each", "succeeded", progress=progress) for path in loops]
    states += [NodeState(path, "ai_chat", "succeeded") for path in models]
    costs = node_costs(states, history, execution)
    top = sum(dollars for path, dollars in costs.items() if "." not in path)
    assert top == pytest.approx(bill.dollars)
    return {path: dollars / bill.dollars for path, dollars in costs.items()}


def test_computing_is_shared_by_time_and_writing_by_events():
    events = [ran("quick", 0, 1), ran("slow", 1, 4)]
    assert shares(COMPUTE, *events) == pytest.approx({"quick": 0.25, "slow": 0.75})
    assert shares(WRITES, *events) == pytest.approx({"quick": 0.5, "slow": 0.5})


def test_waiting_costs_no_computing():
    asked = PendingSignal("ask", 1, "approval", at(0))
    events = [asked, Signal("ask", 1, at(90), "ada"), ran("ask", 0, 90), ran("send", 90, 91)]
    assert shares(COMPUTE, *events) == pytest.approx({"ask": 0.0, "send": 1.0})
    assert shares(WRITES, *events) == pytest.approx({"ask": 0.75, "send": 0.25})


def test_of_retries_the_pauses_cost_nothing():
    events = [Timer("call", at(100), at(0), next_attempt=2), ran("call", 0, 101, attempts=2), ran("send", 101, 103)]
    assert shares(COMPUTE, *events) == pytest.approx({"call": 0.5, "send": 0.5})


def test_a_loop_costs_what_its_nodes_cost():
    events = [ran("each", 0, 9), *(ran(f"each[{n}].call", n, n + 1) for n in range(3)), ran("end", 9, 10)]
    facts = [RecordedValue("each", "items"), RecordedValue("each[0]", "result")]
    found = shares(COMPUTE, *events, loops=("each",))
    assert found == pytest.approx({"each": 0.75, "end": 0.25, **{f"each[{n}].call": 0.25 for n in range(3)}})
    found = shares(WRITES, *events, *facts, loops=("each",))
    assert (found["each"], found["each[1].call"]) == pytest.approx((6 / 7, 1 / 7))


def test_a_model_is_paid_by_those_who_ask_it():
    events = [ran("chat", 0, 1), ran("each[0].chat2", 0, 3), ran("each", 0, 3), ran("end", 3, 90)]
    found = shares(Bill(ai_micro_dollars=4), *events, loops=("each",), models=("chat", "each[0].chat2"))
    assert found == pytest.approx({"chat": 0.25, "each": 0.75, "each[0].chat2": 0.75, "end": 0.0})


def test_what_was_taken_over_from_an_earlier_run_costs_nothing():
    found = shares(COMPUTE, ran("old", -9, -1), ran("new", 0, 1))
    assert found == pytest.approx({"new": 1.0})


def test_of_a_run_without_a_history_nothing_is_told():
    assert node_costs([], History(), Execution("e", "w", "f", 1, "manual", None, {}, BEGIN, bill=COMPUTE)) == {}
