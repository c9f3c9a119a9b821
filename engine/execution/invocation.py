"""One turn: what one call of `advance` does with one execution.

Nodes without outside effects run at once, in line; the others run as tasks, all that are ready at the same
time. A task ends only after its outcome is in the journal, so nothing that depends on it can start before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine import limits
from engine.execution.completion import Ending
from engine.execution.context import ExecutionContext
from engine.execution.operations.loop import Loops
from engine.execution.operations.step import Worker
from engine.execution.operations.suspension import Pending
from engine.execution.scope_instance import Frame
from engine.execution.write_buffer import Book
from engine.history.events import Entry, Outcome, Timer, Wait
from engine.history.model import Decision, Status
from engine.history.store import Snapshot
from engine.nodes.base import ForEach, Repeat
from engine.workflow.compiled import Region
from engine.workflow.definition import NodeDefinition

if TYPE_CHECKING:
    from engine.execution.engine import WorkflowEngine

PROGRESS_SECONDS = 1.0
"""How long a turn may go on before what it found out becomes visible, and how often it looks for a cancellation."""

Accept = Callable[[Any], None]


class Turn:
    """The state of one turn. `run` is all that is called from outside."""

    def __init__(
        self, engine: WorkflowEngine, owner: str, snapshot: Snapshot, region: Region, remaining: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._owner = owner
        self.region = region
        """The outermost, also where this is the turn of a part of a loop."""
        self._execution = snapshot.execution
        self._journal = snapshot.journal
        self._remaining = remaining
        self._started_at = snapshot.execution.started_at or engine.clock.now()
        self._status = snapshot.execution.status
        self._deadline: datetime | None = None
        if snapshot.definition.timeout_seconds is not None and snapshot.batch is None:
            self._deadline = self._started_at + timedelta(seconds=snapshot.definition.timeout_seconds)
        self._position = snapshot.position
        self.book = Book(engine.store, owner, engine.clock, snapshot.position)
        self.worker = Worker(engine, snapshot.execution, owner, self.book, remaining)
        self.ending = Ending(engine, owner, snapshot, self._started_at, self.book, self.worker)
        self.loops = Loops(self, engine, snapshot)
        self.pending = Pending(self, engine, owner, snapshot)
        self._tasks: dict[asyncio.Task[Any], tuple[Frame, str, Accept]] = {}
        self._known: deque[tuple[Frame, str]] = deque()
        self._fresh: deque[tuple[Frame, str]] = deque()
        self._effects: deque[tuple[Frame, str, int, int]] = deque()
        self._chores: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
        self._has_performed = False
        self._out_of_time: NodeDefinition | None = None
        self._over: Decision | None = None
        self._last_look = engine.clock.now()
        if snapshot.batch is None:
            callbacks = engine.callbacks(snapshot.execution, region, "")
            variables, api_url = snapshot.definition.vars, engine.services.api_url
            self._root = Frame(region, ExecutionContext.of(snapshot.execution, variables, api_url, callbacks))
            self.enter(self._root)
        else:
            self._root = self.loops.open_batch(region, snapshot.batch)

    async def run(self) -> Decision:
        """Advance until the execution is finished, or all that is left waits, or time runs low."""
        is_first = self._position is None or self._position.is_first
        if (self._status is Status.PENDING or is_first) and not self.loops.is_batch:
            self.book.log("info", "execution started")
        try:
            while True:
                await self._start_what_is_ready()
                if self._over is None and not self._tasks:
                    decision = await self._decide()
                    if decision is not None:
                        return decision
                if self._over is not None:
                    return await self._give_up(self._over)
                await self._wait()
        except Exception:
            # Something could not be written. What runs beside it may still end and be journalled: stopping it here
            # would make its effect happen again.
            self.worker.draining = True
            await asyncio.gather(*self._tasks, return_exceptions=True)
            with suppress(Exception):
                await self.book.flush()
            raise
        finally:
            await self._stop_tasks()

    # -- starting ------------------------------------------------------------------------------------------

    def enter(self, frame: Frame) -> None:
        """Queue the nodes of a frame that have become ready: what is journalled comes before what is not.

        So a driver that takes over has all that is known together before it finds out anything new.
        """
        ready = frame.progress.ready
        while ready:
            node_id = ready.popleft()
            queue = self._known if frame.path(node_id) in self._journal.outcomes else self._fresh
            queue.append((frame, node_id))

    async def _start_what_is_ready(self) -> None:
        """Run the ready nodes that have no effects, and start tasks for the others."""
        await self._run_what_computes()
        if self._effects:
            self._effects = deque(effect for effect in self._effects if not effect[0].stopping)
        if self._over is not None or not self._effects:
            return
        await self._look_up()
        performing = False
        held = [effect for effect in self._effects if effect[0].held]
        self._effects = deque(effect for effect in self._effects if not effect[0].held)
        while self._effects and len(self._tasks) < limits.MAX_PARALLEL_NODES and self._over is None:
            frame, node_id, attempt, put_off = self._effects.popleft()
            node = frame.region.nodes[node_id]
            if not self._has_time_for(node):
                self._effects.appendleft((frame, node_id, attempt, put_off))
                self._out_of_time = node
                break
            self._has_performed = True
            work = self.worker.perform(frame, node, attempt, put_off)
            self.spawn(frame, frame.path(node_id), work, self.acceptor(frame))
            performing = True
        self._effects.extend(held)
        if performing:
            await self._mark(Status.RUNNING)

    def _has_time_for(self, node: NodeDefinition) -> bool:
        """Whether an attempt may begin. The first of an invocation may use up what loading the journal has left."""
        spare = limits.TURN_RESERVE if self._has_performed else limits.FIRST_RESERVE
        return self._remaining() >= self.worker.timeout(node) + spare

    async def _run_what_computes(self) -> None:
        """Settle what is known, run what has no effects, until only effects and waits are left."""
        self.pending.fire_due()
        held: list[tuple[Frame, str]] = []
        while (self._chores or self._known or self._fresh) and self._over is None:
            if self._chores:
                await self._chores.popleft()()
                continue
            queue = self._known or self._fresh
            frame, node_id = queue.popleft()
            if frame.stopping:
                continue
            if queue is self._fresh and frame.held:
                held.append((frame, node_id))
                continue
            if queue is self._fresh and self._remaining() < limits.TURN_RESERVE:
                queue.appendleft((frame, node_id))
                self._out_of_time = frame.region.nodes[node_id]
                break
            await self._take(frame, frame.region.nodes[node_id])
            if self._tasks:
                await asyncio.sleep(0)  # what runs beside has to get on, or it would seem to take too long
            await self._look_up_in_time()
        self._fresh.extendleft(reversed(held))

    async def _take(self, frame: Frame, node: NodeDefinition) -> None:
        """Settle a ready node from the journal, go on waiting with it, run it in line, or queue it as an effect."""
        path = frame.path(node.id)
        timer = self._journal.timers.get(path)
        if path in self._journal.outcomes:
            self.settle(frame, self._journal.outcomes[path])
        elif (wait := self._journal.waits.get(path)) and wait.attempt >= ((timer and timer.next_attempt) or 1):
            self.pending.wait(frame, wait)
        elif timer is not None:
            self.pending.start(frame, timer)
        elif node.body is not None:
            await self.loops.open(frame, node)
        elif self.worker.has_effect(node):
            self.attempt(frame, node.id, 1)
        else:
            begin = self._engine.clock.now()
            result, volatile = await self.worker.compute(frame, node)
            if isinstance(result, ForEach | Repeat):
                raise TypeError(f"the node type {node.type} is a loop and has no body")
            entry = result if isinstance(result, Outcome) else self.worker.entry(path, result, begin, 1)
            self.conclude(frame, entry, volatile=volatile)

    def attempt(self, frame: Frame, node_id: str, number: int, put_off: int = 0) -> None:
        """Queue an attempt of a node with an effect; so many of those before were put off."""
        self._effects.append((frame, node_id, number, put_off))

    def conclude(self, frame: Frame, entry: Entry, *, volatile: bool) -> None:
        """Take what was computed. What another driver might compute otherwise is journalled first.

        So is a failure with nowhere to go: what waits beside it is dropped because of it.
        """
        if isinstance(entry, Outcome) and entry.port is None:
            frame.failing = True
            self.spawn(frame, entry.path, self.book.record(entry), lambda won: self._failed(frame, won))
        elif volatile or not isinstance(entry, Outcome):
            self.spawn(frame, entry.path, self.book.record(entry), self.acceptor(frame))
        else:
            self.book.note(entry)
            self.settle(frame, entry)

    def _failed(self, frame: Frame, entry: Entry) -> None:
        frame.failing = False
        self._accept(frame, entry)

    def spawn(self, frame: Frame, path: str, work: Coroutine[Any, Any, Any], accept: Accept) -> None:
        """Start a task of a frame; `accept` takes its result."""
        for one in frame.around:
            one.running += 1
        self._tasks[asyncio.create_task(work)] = frame, path, accept

    def later(self, chore: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something as soon as what is being settled now is settled."""
        self._chores.append(chore)

    # -- settling ------------------------------------------------------------------------------------------

    def settle(self, frame: Frame, outcome: Outcome) -> None:
        """Take an outcome that is journalled, or can be computed again, and what follows from it."""
        node_id = outcome.path.rpartition(".")[2]
        frame.settle(node_id, outcome)
        self.enter(frame)
        self.loops.check(frame)

    def acceptor(self, frame: Frame) -> Accept:
        """What takes the entry that a task of a frame has journalled."""
        return lambda entry: self._accept(frame, entry)

    def _accept(self, frame: Frame, entry: Entry | None) -> None:
        if isinstance(entry, Outcome):
            self.settle(frame, entry)
        elif isinstance(entry, Timer):
            self.pending.start(frame, entry)
        elif isinstance(entry, Wait):
            self.pending.wait(frame, entry)

    # -- waiting and ending --------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Until a task ends, something is due, or it is time to show progress and look for a cancellation."""
        now = self._engine.clock.now()
        times = [now + timedelta(seconds=PROGRESS_SECONDS), *self.pending.due_times()]
        times += [self._deadline] if self._deadline else []
        timeout = max(0.0, (min(times) - now).total_seconds())
        if not self._tasks:
            await asyncio.sleep(timeout)
        else:
            done, _ = await asyncio.wait(self._tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda task: self._tasks[task][1]):
                frame, _, accept = self._tasks.pop(task)
                for one in frame.around:
                    one.running -= 1
                accept(task.result())
                self.loops.check(frame)
        await self._look_up_in_time()

    async def _look_up_in_time(self) -> None:
        """Every PROGRESS_SECONDS write what is known so far, and see what others have done meanwhile."""
        if self._over is None and self._is_late():
            await self._time_out()
        if (self._engine.clock.now() - self._last_look).total_seconds() < PROGRESS_SECONDS:
            return
        await self.book.flush()
        await self._look_up()
        self._last_look = self._engine.clock.now()

    async def _look_up(self) -> None:
        """See whether the execution is over, has another driver, or was answered."""
        look = await self._store.look(self._owner)
        if look.status.is_final:
            self._over = Decision(look.status)
        elif look.generation > self._execution.generation:
            self._over = Decision("superseded")
        else:
            await self.pending.take_signals(look)
        if self._over is not None:
            await self._stop_tasks()

    async def _stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _is_late(self) -> bool:
        return self._deadline is not None and self._deadline <= self._engine.clock.now()

    async def _time_out(self) -> None:
        """End the execution, and then what runs: not before, for its end may be another one already."""
        self._over = await self.ending.time_out(self.pending.waits)
        await self._stop_tasks()

    async def _decide(self) -> Decision | None:
        """What comes next when nothing runs; None to go on here, or to wait here for what is due soon."""
        if self._is_late():
            await self._time_out()
            return self._over
        if self.loops.batch_outcome is not None:
            return await self.ending.finish_part(self.loops.batch_outcome, self.loops.items)
        if self._root.failures:
            return await self._fail()
        if self._root.progress.finished:
            return await self.ending.succeed(self._root, self.pending.waits)
        if self._out_of_time:
            return await self._pause("again", None)
        return await self._wait_for_what_is_due()

    async def _fail(self) -> Decision | None:
        """End the execution with its failure, once nobody may answer any more; None to wait for that."""
        if self.pending.drop(self._root, but_for_others=True):
            return None
        return await self.ending.finish(Status.FAILED, self.pending.waits, error=self._root.failure)

    async def _wait_for_what_is_due(self) -> Decision | None:
        if self._chores or self._known or self._fresh or self._effects:
            return None
        due = min(self.pending.due_times(), default=None)
        if due is None and not self.pending.waits_for_answers:
            return await self._nothing_left()
        due = min((time for time in (due, self._deadline) if time is not None), default=None)
        if due is not None:
            wait = (due - self._engine.clock.now()).total_seconds()
            if wait <= limits.INLINE_WAIT and self._remaining() > wait + limits.TURN_RESERVE:
                return None
        return await self._pause("park" if self.pending.waits_for_answers else "sleep", due)

    async def _nothing_left(self) -> Decision | None:
        """Nothing runs, waits or is due, and yet not all has ended: that cannot be, unless others have gone on.

        What another driver has done meanwhile is in the journal. If there is nothing new to go on with, the execution
        ends here, with a reason, as it would be driven again for ever.
        """
        journal = (await self._store.load(self._owner)).journal
        if journal.keys - self._journal.keys - self.book.keys:
            return await self._pause("again", None)
        await self._look_up()
        if self._over is not None or self._tasks:
            return None
        message = "nothing in the execution runs, waits or is due, though it has not come to its end"
        return await self.ending.break_off(message, self.pending.waits)

    async def _pause(self, following: str, until: datetime | None) -> Decision | None:
        """Stop here; None if there is something to do after all."""
        await self._look_up()
        if self._over is not None or self._tasks:
            return None
        await self.book.flush()
        in_vain = self._execution.in_vain + 1 if following == "again" and not self.book.keys else 0
        if in_vain >= limits.MAX_IN_VAIN:
            return await self.ending.break_off(self._why_in_vain(in_vain), self.pending.waits)
        look_at = self.ending.look_at(following, until, self.pending.waits)
        await self._mark(Status.RUNNING if following == "again" else Status.WAITING, look_at, in_vain)
        return Decision(following, until, self.pending.signals)

    def _why_in_vain(self, in_vain: int) -> str:
        if self._out_of_time is None:
            return f"{in_vain} invocations in a row have got nothing done"
        node = self._out_of_time
        seconds = f", which may take {self.worker.timeout(node):g} seconds" if self.worker.has_effect(node) else ""
        return f"{in_vain} invocations in a row had too little time left to begin with `{node.id}`{seconds}"

    async def _give_up(self, decision: Decision) -> Decision:
        """End a turn whose execution is over, or somebody else's."""
        await self.book.flush()
        return decision

    async def _mark(self, status: Status, look_at: datetime | None = None, in_vain: int = 0) -> None:
        if self._status is not status or look_at is not None:
            self._status = status
            mine = self._execution.generation
            flushed = self._position if look_at is not None else None
            await self._store.mark(
                self._owner, status, self._started_at, look_at, flushed, generation=mine, in_vain=in_vain
            )
