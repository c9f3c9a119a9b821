"""Two drivers on one execution, interleaved in any way: one history, to which both agree.

Their store is harsh: what reads many items reads them at different moments, single writes are refused, and what depends
on the machine, such as a bound on time, is one driver's bad luck and not the other's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextvars import ContextVar
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Unavailable
from engine.execution.context import ExecutionContext
from engine.execution.engine import WorkflowEngine
from engine.history.events import History
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Next, Status
from engine.history.store import Snapshot
from engine.workflow.expressions.scope import Scope
from tests.crash import WRITES, answer_all, end_state
from tests.figures import FIGURES
from tests.harness import Run, start
from tests.history import check_history, check_history_keys
from tests.property.strategies import RICH, workflows

READS = ("load", "look", "signals")


class HarshStore:
    """A store whose every operation takes a time drawn for it, so that the order of operations is the seed's.

    The record and the entries are read one after another, in any order, as a Query may read them while others write.
    One write in `refuses` is refused, or done and not acknowledged; its driver is called again.
    """

    def __init__(self, store: Any, random: Random, refuses: int = 0) -> None:
        self._store = store
        self._random = random
        self._refuses = refuses

    def __getattr__(self, name: str) -> Any:
        work = getattr(self._store, name)
        if name not in (*WRITES, *READS):
            return work

        async def slowly(*arguments: Any, **named: Any) -> Any:
            await self._pause()
            is_refused = name in WRITES and self._refuses and self._random.randrange(self._refuses) == 0
            if is_refused and self._random.random() < 0.5:
                FIGURES["writes that were refused"] += 1
                raise Unavailable("slow down")
            result = await work(*arguments, **named)
            await self._pause()
            if is_refused:
                FIGURES["writes that were done and not acknowledged"] += 1
                raise Unavailable("slow down")
            return result

        return slowly

    async def _pause(self) -> None:
        await asyncio.sleep(self._random.choice([0, 0.001, 0.01, 0.4]))

    async def load(self, ref: ExecutionRef) -> Snapshot:
        """A torn read: answers are counted that are not there, or are there and not counted."""
        await self._pause()
        record, entries = self._store.executions[ref.execution_id], {}
        parts = self._random.randint(1, 4)
        when = self._random.randrange(parts + 1)
        for part in range(parts):
            if part == when:
                record = self._store.executions[ref.execution_id]
            now = self._store.events[ref.execution_id]
            entries |= {key: now[key] for key in now if hash(key) % parts == part}
            await self._pause()
        if when == parts:
            record = self._store.executions[ref.execution_id]
        whole: Snapshot = await self._store.load(ref)
        FIGURES["torn reads tried"] += entries.keys() != self._store.events[ref.execution_id].keys()
        return Snapshot(record, whole.definition, History.of(entries.values()), whole.batch, whole.position)


class Luck(Random):
    """What `$random()` gives one driver: `bad_luck` fails with some of it, as an expression near its bound does."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self.value = value

    def random(self) -> float:
        """Always the same."""
        return self.value


LUCK: ContextVar[Luck] = ContextVar("luck")


async def drive(run: Run, engine: WorkflowEngine, random: Random, luck: float) -> str:
    """What the state machine does, from beginning to end; gives the last decision."""
    LUCK.set(Luck(luck))
    await asyncio.sleep(random.choice([0, 0.2, 5, 61]))
    for _ in range(600):
        try:
            decision = await engine.advance(run.ref)
        except Unavailable:
            await asyncio.sleep(random.choice([0.5, 2, 8]))
            continue
        if decision.next == Next.SUSPEND_ON_SIGNAL:
            answer_all(run)
            wait = (decision.until - run.clock.now()).total_seconds() if decision.until else 300
            await asyncio.sleep(min(max(wait, 1), 300))
        elif decision.next == Next.SUSPEND_UNTIL:
            assert decision.until is not None
            wait = (decision.until - run.clock.now()).total_seconds()
            await asyncio.sleep(max(0.0, wait + random.choice([0, 0, 3])))
        elif decision.next != Next.CONTINUE:
            return decision.next
    raise AssertionError("no end")


def unlucky(context: ExecutionContext, now: Any) -> Scope:
    """What an expression sees, with the luck of the driver that evaluates it."""
    return Scope(context.data, now, LUCK.get())


def interleave(definition: dict[str, Any], trigger: Any, seed: int, luck: tuple[float, float] = (0.5, 0.5)) -> Run:
    """Two drivers from the beginning to the end; each has its own value for `$random()`."""
    random = Random(seed)
    run = start(definition, trigger)
    engines = []
    for _ in range(2):
        store: Any = HarshStore(run.store, random, 12)
        engines.append(WorkflowEngine(store, run.engine.factory, clock=run.clock, random=Random(seed)))

    async def both() -> list[str]:
        tasks = [drive(run, engine, random, one) for engine, one in zip(engines, luck, strict=True)]
        return await asyncio.gather(*map(asyncio.create_task, tasks))

    with patch.object(ExecutionContext, "scope", unlucky):
        ends = run.clock.run(both())
    assert ends[0] == ends[1] == run.execution.status
    check_history(run.block, run.execution, run.states, recomputed=True)
    check_history_keys(list(run.store.events[run.execution_id].values()))
    FIGURES["interleavings of two drivers tried"] += 1
    return run


@settings(max_examples=500, deadline=None)
@given(workflows(6, RICH), st.integers(0, 9), st.integers(0, 2**32))
def test_two_drivers_agree_on_one_history(definition: dict[str, Any], n: int, seed: int):
    alone = start(definition, {"n": n})
    alone.people = answer_all
    alone.drive()
    run = interleave(definition, {"n": n}, seed)

    assert run.execution.status == alone.execution.status
    if run.execution.status is Status.SUCCEEDED:
        assert end_state(run) == end_state(alone)


@settings(max_examples=400, deadline=None)
@given(workflows(6, RICH, order_dependent=True), st.integers(0, 9), st.integers(0, 2**32))
def test_first_wins_joins_fire_once_with_two_drivers(definition: dict[str, Any], n: int, seed: int):
    """Which came first is a fact of the history, and what follows from it is the same for both."""
    interleave(definition, {"n": n}, seed)


@settings(max_examples=200, deadline=None)
@given(workflows(5), st.integers(0, 9), st.integers(0, 2**32))
def test_at_most_once_holds_with_two_drivers(definition: dict[str, Any], n: int, seed: int):
    for node in definition["nodes"]:
        if node["type"] == "effect":
            node["delivery"] = "at_most_once"
    run = interleave(definition, {"n": n}, seed)
    starts = Counter((path, attempt) for what, path, attempt in run.effects.events if what == "start")

    assert not [attempt for attempt, count in starts.items() if count > 1]


@settings(max_examples=250, deadline=None)
@given(workflows(6, (*RICH, "lucky", "lucky"), lucky=True), st.integers(0, 9), st.integers(0, 2**32), st.booleans())
def test_bound_hit_by_one_of_two_drivers_leaves_one_history(definition: dict[str, Any], n: int, seed: int, first: bool):
    """In nodes that compute, in items, conditions and delays, and in what iterations and the workflow give."""
    interleave(definition, {"n": n}, seed, (0.1, 0.9) if first else (0.9, 0.1))
    FIGURES["interleavings with a bound drawn for each driver"] += 1
