"""A bound on expressions is of the thread's own time, and whoever hits it is recorded before anything follows."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from typing import Any

import pytest

from engine import limits
from engine.errors import ExpressionError
from engine.workflow.expressions import templates
from engine.workflow.expressions.jsonata.budget import TooMuch, current, ring
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.templates import expressions_of, render
from tests.crash import CrashingEffects, CrashingStore, Died, Fate
from tests.harness import Run, edges, start
from tests.history import check_history
from tests.unit.test_expressions import BOMBS, DATA

HEAVY = "{{ $sum([1..20000].($ * 2)) }}"
FORK = {
    "nodes": [
        {"id": "heavy", "type": "transform", "config": {"value": HEAVY}},
        {"id": "plan_a", "type": "effect", "config": {"seconds": 3}},
        {"id": "plan_b", "type": "effect", "config": {"seconds": 3}},
    ],
    "edges": edges("heavy>plan_a", "heavy:error>plan_b"),
}


def set_machine(monkeypatch: pytest.MonkeyPatch, *, slow: bool) -> None:
    """A slow one hits the bound, a fast one comes near it."""
    monkeypatch.setattr(limits, "MAX_EXPRESSION_MILLISECONDS", 1 if slow else 60_000)
    monkeypatch.setattr(limits, "SLOW_EXPRESSION", 0.001)
    monkeypatch.setattr(limits, "MAX_RENDER_SECONDS", 60)


def test_the_time_of_other_threads_is_not_counted(monkeypatch: pytest.MonkeyPatch):
    expression = expressions_of(HEAVY)[0]
    monkeypatch.setattr(limits, "MAX_EXPRESSION_MILLISECONDS", 60_000)
    monkeypatch.setattr(limits, "MAX_RENDER_SECONDS", 60)
    expression.evaluate(Scope(DATA), "x")
    begin = time.thread_time()
    expression.evaluate(Scope(DATA), "x")
    alone = time.thread_time() - begin
    monkeypatch.setattr(limits, "MAX_EXPRESSION_MILLISECONDS", 4_000 * alone)
    content, stop = bytes(4_000_000), threading.Event()

    def hash_on() -> None:
        while not stop.is_set():
            hashlib.sha256(content).digest()

    threads = [threading.Thread(target=hash_on) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        results = [expression.evaluate(Scope(DATA), "x") for _ in range(5)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert results == [20_000 * 20_001] * 5


def test_the_timer_interrupts_only_one_whose_own_time_is_used_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(current, "deadline", time.thread_time() + 1_000)
    ring(0, None)
    monkeypatch.setattr(current, "deadline", time.thread_time())
    with pytest.raises(TooMuch):
        ring(0, None)


@pytest.mark.parametrize("template", BOMBS)
def test_expression_that_hits_a_bound_is_nondeterministic(template: str):
    scope = Scope(DATA)
    with pytest.raises(ExpressionError):
        render(template, scope)

    assert scope.nondeterministic


@pytest.mark.parametrize("around", ["true and ({})", "$base64encode({})", "$map([1], function($x) {{ {} }})", "[{}]"])
def test_functions_do_not_swallow_a_bound(around: str):
    scope = Scope(DATA)
    endless = around.format("($f := function($n) { $f($n + 1) }; $f(1))")
    with pytest.raises(ExpressionError, match="longer than"):
        render(f"{{{{ {endless} }}}}", scope)

    assert scope.nondeterministic


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
@pytest.mark.parametrize("template", ["{{ vars.limit + 1 }}", "{{ vars.limit }}", "a {{ vars.limit }}"])
def test_memory_and_recursion_errors_are_bounds(error: type[Exception], template: str, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any) -> None:
        raise error

    compiled = expressions_of(template)
    monkeypatch.setattr(templates, "_walk", fail)
    monkeypatch.setattr(templates._compiled(compiled[0].source)._evaluator, "of", fail)
    scope = Scope(DATA)
    with pytest.raises(ExpressionError):
        render(template, scope)

    assert scope.nondeterministic


def test_expressions_of_a_node_share_a_time_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "SLOW_RENDER", 0.01)
    monkeypatch.setattr(limits, "SLOW_EXPRESSION", 60)
    near, over, long = Scope(DATA), Scope(DATA), Scope(DATA)
    many = ["{{ $count([1..500][$ % 2 = 0]) }}"] * 30
    render(many, near)
    monkeypatch.setattr(limits, "MAX_RENDER_SECONDS", 0.005)
    with pytest.raises(ExpressionError, match="in total"):
        render(many, over)
    monkeypatch.setattr(limits, "MAX_TEXT_LENGTH", 10)
    with pytest.raises(ExpressionError, match="grew over"):
        render("{{ trigger.body.name }} is longer", long)

    assert near.nondeterministic
    assert over.nondeterministic
    assert long.nondeterministic


def effects_of(run: Run) -> set[str]:
    return {path for what, path, _ in run.effects.events if what == "start"}


@pytest.mark.parametrize("at", range(1, 9))
def test_faster_machine_continues_as_the_slow_one_recorded(at: int, monkeypatch: pytest.MonkeyPatch):
    fate = Fate(at)
    run = start(FORK, {}, effects=CrashingEffects(fate))
    run.engine.store = CrashingStore(run.store, fate)
    set_machine(monkeypatch, slow=True)
    try:
        run.drive()
    except Died:
        fate.revive()
        set_machine(monkeypatch, slow=False)
        run.recomputed = True
        run.drive()

    assert len(effects_of(run)) == 1
    assert run.execution.status == "succeeded"
    assert effects_of(run) == {path for path in ("plan_a", "plan_b") if path in run.outcomes}


@pytest.mark.parametrize("first_is_slow", [True, False])
def test_fast_and_slow_machine_agree(monkeypatch: pytest.MonkeyPatch, *, first_is_slow: bool):
    run = start(FORK, {})

    async def both() -> None:
        set_machine(monkeypatch, slow=first_is_slow)
        first = asyncio.create_task(run.engine.advance(run.ref))
        await asyncio.sleep(0.5)
        set_machine(monkeypatch, slow=not first_is_slow)
        await asyncio.gather(first, asyncio.create_task(run.engine.advance(run.ref)))

    run.clock.run(both())

    assert len(effects_of(run)) == 1
    check_history(run.block, run.execution, run.states, run.effects.events, recomputed=True)
