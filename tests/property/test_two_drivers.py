"""Two drivers on one execution, interleaved in any way: one history, to which both agree."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.engine import WorkflowEngine
from engine.execution import Status
from tests.crash import WRITES, answer_all, end_state
from tests.figures import FIGURES
from tests.harness import Run, start
from tests.history import check_history, check_journal
from tests.property.strategies import RICH, workflows

READS = ("load", "look", "signals")


class SlowStore:
    """A store whose every operation takes a time drawn for it, so that the order of operations is the seed's."""

    def __init__(self, store: Any, random: Random) -> None:
        self._store = store
        self._random = random

    def __getattr__(self, name: str) -> Any:
        work = getattr(self._store, name)
        if name not in (*WRITES, *READS):
            return work

        async def slowly(*arguments: Any, **named: Any) -> Any:
            await asyncio.sleep(self._random.choice([0, 0.001, 0.01, 0.4]))
            result = await work(*arguments, **named)
            await asyncio.sleep(self._random.choice([0, 0.001, 0.01, 0.4]))
            return result

        return slowly


async def drive(run: Run, engine: WorkflowEngine, random: Random) -> str:
    """What the state machine does, from beginning to end; gives the last decision."""
    await asyncio.sleep(random.choice([0, 0.2, 5, 61]))
    for _ in range(300):
        decision = await engine.advance(run.execution_id)
        if decision.next == "park":
            answer_all(run)
            wait = (decision.until - run.clock.now()).total_seconds() if decision.until else 300
            await asyncio.sleep(min(max(wait, 1), 300))
        elif decision.next == "sleep":
            assert decision.until is not None
            wait = (decision.until - run.clock.now()).total_seconds()
            await asyncio.sleep(max(0.0, wait + random.choice([0, 0, 3])))
        elif decision.next != "again":
            return decision.next
    raise AssertionError("no end")


def interleave(definition: dict[str, Any], trigger: Any, seed: int) -> Run:
    random = Random(seed)
    run = start(definition, trigger)
    engines = []
    for _ in range(2):
        store: Any = SlowStore(run.store, random)
        engines.append(WorkflowEngine(store, run.engine.factory, clock=run.clock, random=Random(seed)))

    async def both() -> list[str]:
        return await asyncio.gather(*(drive(run, engine, random) for engine in engines))

    ends = run.clock.run(both())
    assert ends[0] == ends[1] == run.execution.status
    check_history(run.region, run.execution, run.states, recomputed=True)
    check_journal(list(run.store.entries[run.execution_id].values()))
    FIGURES["interleavings of two drivers tried"] += 1
    return run


@settings(max_examples=300, deadline=None)
@given(workflows(6, RICH), st.integers(0, 9), st.integers(0, 2**32))
def test_both_agree_on_one_history(definition: dict[str, Any], n: int, seed: int):
    alone = start(definition, {"n": n})
    alone.people = answer_all
    alone.drive()
    run = interleave(definition, {"n": n}, seed)

    assert run.execution.status == alone.execution.status
    if run.execution.status is Status.SUCCEEDED:
        assert end_state(run) == end_state(alone)


@settings(max_examples=250, deadline=None)
@given(workflows(6, RICH, racing=True), st.integers(0, 9), st.integers(0, 2**32))
def test_joins_that_go_on_at_the_first_fire_once(definition: dict[str, Any], n: int, seed: int):
    """Which came first is a fact of the journal, and what follows from it is the same for both."""
    interleave(definition, {"n": n}, seed)


@settings(max_examples=200, deadline=None)
@given(workflows(5), st.integers(0, 9), st.integers(0, 2**32))
def test_at_most_once_is_kept_by_two(definition: dict[str, Any], n: int, seed: int):
    for node in definition["nodes"]:
        if node["type"] == "effect":
            node["delivery"] = "at_most_once"
    run = interleave(definition, {"n": n}, seed)
    starts = Counter((path, attempt) for what, path, attempt in run.effects.events if what == "start")

    assert not [attempt for attempt, count in starts.items() if count > 1]
