"""Approvals, callbacks and other waits: answered once, in any order, before, during or after the park."""

from __future__ import annotations

import asyncio

import pytest

from engine.history.events import SignalStatus
from engine.history.model import Status
from tests.harness import edges, nodes, run, start

APPROVED = {"decision": "approved", "comment": None, "by": "user-1", "at": "2026-01-01T00:00:00.000Z"}
REJECTED = {**APPROVED, "decision": "rejected"}


def ask(node_id="ask", **config):
    return {"id": node_id, "type": "approval", "config": {"message": "May I?", **config}}


def definition(*more):
    return {
        "nodes": [ask(timeout_seconds=600), *nodes("yes", "no", "late"), *more],
        "edges": edges("ask:approved>yes", "ask:rejected>no", "ask:timeout>late"),
    }


def approve(run):
    for path, wait in run.waiting().items():
        run.answer(path, APPROVED if wait.kind == "approval" else {"body": 1}, attempt=wait.attempt)


@pytest.mark.parametrize(("answer", "port"), [(APPROVED, "yes"), (REJECTED, "no"), (None, "late")])
def test_approval_continues_by_the_port_of_its_answer(answer, port):
    started = start(definition())
    parked = started.advance()
    assert (parked.next, parked.signals) == ("suspend_on_signal", 0)
    if answer is not None:
        started.answer("ask", answer)
    final = started.drive()

    assert final.status is Status.SUCCEEDED
    assert {name: started.effects.count(name) for name in ("yes", "no", "late")} == {
        name: int(name == port) for name in ("yes", "no", "late")
    }


def test_the_first_answer_stands():
    started = start(definition())
    started.advance()
    started.answer("ask", REJECTED)
    assert started.answer("ask", APPROVED).output == REJECTED
    started.drive()

    assert started.effects.count("no") == 1
    assert started.effects.count("yes") == 0


def test_answer_before_the_node_is_reached_counts():
    early = {
        "nodes": [
            {"id": "call", "type": "effect", "config": {"output": "{{ execution.callbacks.back }}"}},
            {"id": "back", "type": "wait_for_callback"},
        ],
        "edges": edges("call>back"),
    }
    started = start(early)
    started.answer("back", {"body": {"n": 1}})

    assert started.drive().result == {"back": {"body": {"n": 1}}}
    assert "/api/callbacks/execution-1/" in started.outcomes["call"].output


def test_answer_during_the_call_that_sends_the_url_counts():
    """The invocation has read the history before, and looks for signals before there is a wait for this one."""
    early = {
        "nodes": [
            {"id": "call", "type": "effect", "config": {"seconds": 5}},
            {"id": "back", "type": "wait_for_callback"},
        ],
        "edges": edges("call>back"),
    }
    started = start(early)

    async def call_back_meanwhile():
        driver = asyncio.create_task(started.engine.advance(started.ref))
        await asyncio.sleep(2)
        started.answer("back", {"body": 1})
        return await driver

    assert started.clock.run(call_back_meanwhile()).next == "succeeded"


def test_an_answer_while_something_else_runs_is_taken_within_seconds():
    started = start(definition({"id": "long", "type": "effect", "config": {"seconds": 100}}))
    started.engine.factory.node_class("effect").default_timeout = 200

    async def answer_meanwhile():
        driver = asyncio.create_task(started.engine.advance(started.ref))
        await asyncio.sleep(10)
        started.answer("ask", APPROVED)
        await driver

    started.clock.run(answer_meanwhile())

    assert started.effects.started["yes"] <= 12


def test_answer_between_check_and_suspension_resumes_at_once():
    """Park's condition is the counter that the invocation saw."""
    started = start(definition())
    seen = started.advance().signals
    started.answer("ask", APPROVED)

    assert started.execution.signals != seen


def test_simultaneous_deadline_and_answer_give_one_outcome():
    """Whoever writes first is right; the driver adopts it."""
    started = start(definition())
    started.advance()
    started.clock.offset = 601
    started.store.events["execution-1"].setdefault("ask#SIGNAL#0001", signal := started.answer("ask", APPROVED))
    started.drive()

    assert started.outcomes["ask"].output == signal.output
    assert started.effects.count("yes") == 1


def test_many_waits_at_once_are_answered_in_any_order():
    several = {
        "nodes": [
            ask("a"),
            ask("b"),
            {"id": "c", "type": "wait_for_callback"},
            {"id": "pause", "type": "delay", "config": {"seconds": 1000}},
            {
                "id": "retried",
                "type": "effect",
                "config": {"fail_times": 1},
                "retry": {"max_attempts": 2, "interval_seconds": 500},
            },
            *nodes("end"),
        ],
        "edges": edges("a:approved>end", "b:approved>end", "c>end", "pause>end", "retried>end"),
    }
    order = iter(["c", "a", "b"])

    def one_by_one(run):
        run.clock.offset += 100
        path = next(order, None)
        if path:
            run.answer(path, APPROVED if path != "c" else {"body": None})

    result = run(several, people=one_by_one)

    assert result.execution.status is Status.SUCCEEDED
    assert result.effects.count("end") == 1
    assert result.effects.count("retried") == 2
    assert result.clock.offset == pytest.approx(1000)


def test_a_callback_that_is_late_is_tried_again_with_another_token():
    late = {
        "nodes": [
            {
                "id": "back",
                "type": "wait_for_callback",
                "config": {"timeout_seconds": 60},
                "retry": {"max_attempts": 2, "interval_seconds": 100},
            }
        ]
    }
    started = start(late)
    started.advance()
    first = started.waiting()["back"]
    started.clock.offset += 61
    started.advance()
    assert started.waiting() == {}
    started.clock.offset += 101
    started.advance()
    assert started.waiting()["back"].attempt == 2 != first.attempt
    started.answer("back", {"body": "old"}, attempt=1)
    assert started.advance().next == "suspend_on_signal"
    started.answer("back", {"body": "new"}, attempt=2)

    assert started.drive().result == {"back": {"body": "new"}}


def test_a_callback_that_never_comes_fails_by_the_error_port():
    late = {
        "nodes": [{"id": "back", "type": "wait_for_callback", "config": {"timeout_seconds": 60}}, *nodes("after")],
        "edges": edges("back:error>after"),
    }
    result = run(late)

    assert result.outcomes["back"].error["code"] == "timeout"
    assert result.effects.count("after") == 1


def test_approvals_in_a_loop_have_a_path_each():
    body = {"nodes": [ask(), *nodes("yes")], "edges": edges("ask:approved>yes")}
    looping = {"nodes": [{"id": "each", "type": "for_each", "config": {"items": [1, 2, 3]}, "body": body}]}
    started = start(looping)
    started.advance()
    assert sorted(started.waiting()) == ["each[0].ask", "each[1].ask", "each[2].ask"]
    started.answer("each[1].ask", APPROVED)
    started.advance()
    assert started.effects.count("each[1].yes") == 1
    assert sorted(started.waiting()) == ["each[0].ask", "each[2].ask"]
    started.people = approve

    assert started.drive().status is Status.SUCCEEDED


def test_a_failure_elsewhere_ends_what_waits():
    failing = {
        "nodes": [ask(), {"id": "bad", "type": "effect", "config": {"fail_times": 9}}],
    }
    result = run(failing)

    assert result.execution.status is Status.FAILED
    assert result.states["ask"].status == "cancelled"


def test_an_execution_that_takes_too_long_times_out():
    slow = {**definition(), "timeout_seconds": 30}
    result = run(slow)

    assert result.execution.status is Status.TIMED_OUT
    assert result.execution.error["code"] == "timed_out"
    assert result.clock.offset == pytest.approx(30)


def test_a_time_out_stops_what_runs():
    slow = {"nodes": [{"id": "a", "type": "effect", "config": {"seconds": 20}}], "timeout_seconds": 5}
    result = run(slow)

    assert result.execution.status is Status.TIMED_OUT
    assert result.effects.events == [("start", "a", 1)]
    assert result.clock.offset <= 7


def test_an_attempt_at_most_once_that_was_cut_off_is_not_made_again():
    once = {
        "nodes": [
            {"id": "pay", "type": "effect", "delivery": "at_most_once", "config": {"seconds": 2}},
            *nodes("after"),
        ],
        "edges": edges("pay:error>after"),
    }
    started = start(once)

    async def die():
        driver = asyncio.create_task(started.engine.advance(started.ref))
        await asyncio.sleep(1)
        driver.cancel()
        await asyncio.gather(driver, return_exceptions=True)

    started.clock.run(die())
    assert started.effects.count("pay") == 1
    started.drive()

    assert started.effects.count("pay") == 1
    assert started.outcomes["pay"].error["code"] == "interrupted"
    assert started.effects.count("after") == 1


def test_at_most_once_is_retried_after_errors_that_say_that_nothing_happened():
    once = {
        "nodes": [
            {
                "id": "pay",
                "type": "effect",
                "delivery": "at_most_once",
                "config": {"fail_times": 1, "output": "paid", "nothing_happened": True},
                "retry": {"max_attempts": 3, "interval_seconds": 60},
            }
        ]
    }
    result = run(once)

    assert result.execution.result == {"pay": "paid"}
    assert result.effects.count("pay") == 2


def test_an_older_driver_ends_when_it_sees_a_newer_one():
    from dataclasses import replace

    started = start(definition())
    started.store.executions["execution-1"] = replace(started.execution, driver_attempt=3)
    decision = started.clock.run(started.engine.advance(started.ref, driver_attempt=2))

    assert decision.next == "superseded"
    assert started.effects.events == []


def test_answer_between_load_and_replay_is_not_lost():
    """The history was read before the answer; the invocation looks for signals before it has come to the wait again."""
    steps = [{"id": f"t{i}", "type": "transform", "config": {"value": i}} for i in range(3)]
    slow = {"nodes": [{"id": "long", "type": "effect", "config": {"seconds": 3}}, *steps, ask("a")], "edges": []}
    started = start(slow)
    started.advance()
    real_load = started.store.load

    async def load_then_answer(execution_id):
        snapshot = await real_load(execution_id)
        started.answer("a", APPROVED)
        return snapshot

    started.store.load = load_then_answer

    assert started.advance().next == "succeeded"


def test_answer_to_an_abandoned_signal_is_refused():
    body = {
        "nodes": [
            {"id": "even", "type": "conditional", "config": {"expression": "{{ item % 2 = 0 }}"}},
            ask(),
            {"id": "pause", "type": "delay", "config": {"seconds": 60}},
            {"id": "bad", "type": "fail", "config": {"message": "no"}},
        ],
        "edges": edges("even:true>ask", "even:false>pause", "pause>bad"),
    }
    looping = {
        "nodes": [{"id": "each", "type": "for_each", "config": {"items": [1, 2]}, "body": body}, ask("later")],
        "edges": edges("each:error>later"),
    }
    started = start(looping)
    started.advance()
    started.clock.offset += 61
    started.advance()

    assert sorted(started.waiting()) == ["later"]
    assert started.answer("each[1].ask", APPROVED).status is SignalStatus.ABANDONED
