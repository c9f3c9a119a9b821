"""Laws of the engine, for any workflow: see `tests/history.py` for those that hold of every execution."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.history.model import Next, Status
from tests.harness import Run, start
from tests.history import check_history
from tests.property.strategies import workflows

quickly = settings(max_examples=150, deadline=None)


def summary(run: Run) -> tuple[Any, ...]:
    """What must not depend on timing: the status, and each node's status and output."""
    clocks = {node.id for node in run.definition.nodes if node.config.get("value") == "{{ $millis() }}"}
    states = {
        name: (state.status, None if name in clocks or state.type == "delay" else state.output)
        for name, state in run.states.items()
    }
    return run.execution.status, states


@quickly
@given(workflows(), st.integers(0, 9))
def test_every_execution_ends_and_keeps_the_laws(definition: dict[str, Any], n: int):
    run = start(definition, {"n": n})
    run.drive()

    ended = [name for what, name, _ in run.effects.events if what == "end"]
    for node in run.definition.nodes:
        if node.type == "effect":
            attempts = run.states[node.id].attempts
            assert ended.count(node.id) == attempts, "each attempt runs once"


@quickly
@given(workflows(), st.integers(0, 9), st.integers(0, 2**16))
def test_the_result_does_not_depend_on_the_order_of_completion(definition: dict[str, Any], n: int, seed: int):
    """The same workflow with other durations: unless it fails, it ends alike in every node."""
    first = start(definition, {"n": n})
    first.drive()
    shuffled = {
        **definition,
        "nodes": [
            {**node, "config": {**node["config"], "seconds": (seed >> i) % 7}} if node["type"] == "effect" else node
            for i, node in enumerate(definition["nodes"])
        ],
    }
    second = start(shuffled, {"n": n})
    second.drive()

    assert first.execution.status == second.execution.status
    if first.execution.status is Status.SUCCEEDED:
        assert summary(first) == summary(second)


@quickly
@given(workflows(), st.integers(0, 9), st.integers(16, 50))
def test_result_does_not_depend_on_how_it_is_cut_into_invocations(definition: dict[str, Any], n: int, budget: int):
    """Invocations so short that hardly anything fits: the history is that of one long invocation."""
    long = start(definition, {"n": n})
    long.drive()
    short = start(definition, {"n": n})

    def drive() -> None:
        for _ in range(500):
            end = short.clock.offset + budget + 31
            decision = short.advance(lambda end=end: end - asyncio.get_running_loop().time())
            if decision.next == Next.SUSPEND_UNTIL:
                short.clock.sleep_until(decision.until)
            elif decision.next != Next.CONTINUE:
                return
        raise AssertionError("no end")

    drive()
    check_history(short.block, short.execution, short.states, short.effects.events)
    assert short.execution.status == long.execution.status
    if long.execution.status is Status.SUCCEEDED:
        assert summary(short) == summary(long)


@quickly
@given(workflows(), st.integers(0, 9), st.data())
def test_cancelling_at_any_time_stops_the_execution(definition: dict[str, Any], n: int, data: st.DataObject):
    run = start(definition, {"n": n})
    moment = data.draw(st.floats(0, 30))

    async def cancel() -> int:
        driver = asyncio.create_task(run.engine.advance(run.ref))
        await asyncio.sleep(moment)
        now = run.clock.now()
        error = {"message": "x"}
        await run.store.finish(run.ref, Status.CANCELLED, now, started_at=now, result=None, error=error)
        await asyncio.sleep(0)  # what was about to start in this very instant has started
        started = len(run.effects.events)
        await driver
        return started

    before = run.clock.run(cancel())
    was_cancelled = run.execution.status is Status.CANCELLED
    run.drive()

    assert run.execution.status.is_final
    if was_cancelled:
        assert not [event for event in run.effects.events[before:] if event[0] == "start"]


@quickly
@given(workflows(), st.integers(0, 9))
def test_state_is_the_same_when_computed_from_the_history_alone(definition: dict[str, Any], n: int):
    """Another driver that starts from the history of a finished run comes to the same end without any effect."""
    run = start(definition, {"n": n})
    run.drive()
    if run.execution.status is not Status.SUCCEEDED:
        return
    again = start(definition, {"n": n})
    again.store.events[again.execution_id] = dict(run.store.events[run.execution_id])
    again.clock.offset = run.clock.offset
    again.drive()

    assert again.effects.events == []
    assert summary(again) == summary(run)
    assert again.execution.result == run.execution.result
