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
from engine.book import Book
from engine.context import ExecutionContext
from engine.definition import NodeDefinition
from engine.ending import Ending
from engine.execution import Decision, Status
from engine.frame import Frame
from engine.journal import DROPPED, Entry, Outcome, Signal, Snapshot, Timer, Wait
from engine.loops import Loops
from engine.nodes.base import ForEach, Repeat
from engine.regions import Region
from engine.worker import Worker

if TYPE_CHECKING:
    from engine.engine import WorkflowEngine

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
        self._execution = snapshot.execution
        self._journal = snapshot.journal
        self._remaining = remaining
        self._started_at = snapshot.execution.started_at or engine.clock.now()
        self._status = snapshot.execution.status
        self._signals = snapshot.execution.signals
        self._has_new_wait = False
        self._deadline: datetime | None = None
        if snapshot.definition.timeout_seconds is not None and snapshot.batch is None:
            self._deadline = self._started_at + timedelta(seconds=snapshot.definition.timeout_seconds)
        self._position = snapshot.position
        self.book = Book(engine.store, owner, engine.clock, snapshot.position)
        self.worker = Worker(engine, snapshot.execution, owner, self.book, remaining)
        self.ending = Ending(engine, owner, snapshot, self._started_at, self.book, self.worker)
        self._loops = Loops(self, engine, snapshot)
        self._tasks: dict[asyncio.Task[Any], tuple[Frame, str, Accept]] = {}
        self._timers: dict[str, tuple[Frame, Timer]] = {}
        self._waits: dict[str, tuple[Frame, Wait]] = {}
        self._known: deque[tuple[Frame, str]] = deque()
        self._fresh: deque[tuple[Frame, str]] = deque()
        self._effects: deque[tuple[Frame, str, int]] = deque()
        self._chores: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
        self._out_of_time = False
        self._over: Decision | None = None
        self._last_look = engine.clock.now()
        if snapshot.batch is None:
            callbacks = engine.callbacks(snapshot.execution, region, "")
            variables, api_url = snapshot.definition.vars, engine.services.api_url
            self._root = Frame(region, ExecutionContext.of(snapshot.execution, variables, api_url, callbacks))
            self.enter(self._root)
        else:
            self._root = self._loops.open_batch(region, snapshot.batch)

    async def run(self) -> Decision:
        """Advance until the execution is finished, or all that is left waits, or time runs low."""
        is_first = self._position is None or self._position.is_first
        if (self._status is Status.PENDING or is_first) and not self._loops.is_batch:
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
        while self._effects and len(self._tasks) < limits.MAX_PARALLEL_NODES and self._over is None:
            frame, node_id, attempt = self._effects.popleft()
            node = frame.region.nodes[node_id]
            if self._remaining() < self.worker.timeout(node) + limits.TURN_RESERVE:
                self._effects.appendleft((frame, node_id, attempt))
                self._out_of_time = True
                break
            self.spawn(frame, frame.path(node_id), self.worker.perform(frame, node, attempt), self.acceptor(frame))
            performing = True
        if performing:
            await self._mark(Status.RUNNING)

    async def _run_what_computes(self) -> None:
        """Settle what is known, run what has no effects, until only effects and waits are left."""
        self._fire_due()
        while (self._chores or self._known or self._fresh) and self._over is None:
            if self._chores:
                await self._chores.popleft()()
                continue
            queue = self._known or self._fresh
            frame, node_id = queue.popleft()
            if frame.stopping:
                continue
            if queue is self._fresh and self._remaining() < limits.TURN_RESERVE:
                queue.appendleft((frame, node_id))
                self._out_of_time = True
                break
            await self._take(frame, frame.region.nodes[node_id])
            if self._tasks:
                await asyncio.sleep(0)  # what runs beside has to get on, or it would seem to take too long
            await self._look_up_in_time()

    async def _take(self, frame: Frame, node: NodeDefinition) -> None:
        """Settle a ready node from the journal, go on waiting with it, run it in line, or queue it as an effect."""
        path = frame.path(node.id)
        timer = self._journal.timers.get(path)
        if path in self._journal.outcomes:
            self.settle(frame, self._journal.outcomes[path])
        elif (wait := self._journal.waits.get(path)) and wait.attempt >= ((timer and timer.next_attempt) or 1):
            self._wait_for(frame, wait)
        elif timer is not None:
            self._timers[path] = frame, timer
        elif node.body is not None:
            await self._loops.open(frame, node)
        elif self.worker.has_effect(node):
            self._effects.append((frame, node.id, 1))
        else:
            begin = self._engine.clock.now()
            result, volatile = await self.worker.compute(frame, node)
            if isinstance(result, ForEach | Repeat):
                raise TypeError(f"the node type {node.type} is a loop and has no body")
            entry = result if isinstance(result, Outcome) else self.worker.entry(path, result, begin, 1)
            self.conclude(frame, entry, volatile=volatile)

    def conclude(self, frame: Frame, entry: Entry, *, volatile: bool) -> None:
        """Take what was computed. What another driver might compute otherwise is journalled first."""
        if volatile or not isinstance(entry, Outcome):
            self.spawn(frame, entry.path, self.book.record(entry), self.acceptor(frame))
        else:
            self.book.note(entry)
            self.settle(frame, entry)

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
        self._loops.check(frame)

    def acceptor(self, frame: Frame) -> Accept:
        """What takes the entry that a task of a frame has journalled."""
        return lambda entry: self._accept(frame, entry)

    def _accept(self, frame: Frame, entry: Entry | None) -> None:
        if isinstance(entry, Outcome):
            self.settle(frame, entry)
        elif isinstance(entry, Timer):
            self._timers[entry.path] = frame, entry
        elif isinstance(entry, Wait):
            self._wait_for(frame, entry)

    # -- timers, waits and their signals -------------------------------------------------------------------

    def _fire_due(self) -> None:
        """Start what has waited long enough; give those up who were waited for too long."""
        now = self._engine.clock.now()
        for frame, timer in [pair for pair in self._timers.values() if pair[1].due_at <= now]:
            del self._timers[timer.path]
            if frame.stopping:
                continue
            if timer.next_attempt is not None:
                self._effects.append((frame, timer.path.rpartition(".")[2], timer.next_attempt))
            else:
                outcome = timer.outcome()
                self.book.note(outcome)
                self.settle(frame, outcome)
        for frame, wait in [pair for pair in self._waits.values() if pair[1].deadline and pair[1].deadline <= now]:
            del self._waits[wait.path]
            if not frame.stopping:
                late = Signal(wait.path, wait.attempt, now, "deadline")
                accept = self._taker(frame, wait)
                self.spawn(frame, wait.path, self.book.record(late), accept)

    def _wait_for(self, frame: Frame, wait: Wait) -> None:
        """Wait for a signal, which may have come already."""
        self._waits[wait.path] = frame, wait
        signal = self._journal.signals.get(wait.signal_key)
        if signal is None:
            self._has_new_wait = True
        else:
            self._answer(frame, wait, signal)

    def _taker(self, frame: Frame, wait: Wait) -> Accept:
        def take(signal: Signal) -> None:
            self._answer(frame, wait, signal)

        return take

    def _answer(self, frame: Frame, wait: Wait, signal: Signal) -> None:
        """Take the answer to a wait: the node ends, or is attempted again later."""
        self._waits.pop(wait.path, None)
        if signal.by == DROPPED:
            return  # another driver knows already that what is around this has failed
        node = frame.region.nodes[wait.path.rpartition(".")[2]]
        self.spawn(
            frame, wait.path, self._resolve(frame, node, wait, signal), lambda entry: self._resolved(frame, entry)
        )

    async def _resolve(self, frame: Frame, node: NodeDefinition, wait: Wait, signal: Signal) -> Entry:
        if wait.kind == "fan_out":
            return await self._loops.spread_outcome(frame, node, wait, signal)
        entry = await self.worker.resolve(frame, node, wait, signal)
        return await self.book.record(entry) if isinstance(entry, Timer) else entry

    def _resolved(self, frame: Frame, entry: Entry) -> None:
        if isinstance(entry, Outcome):
            self.book.note(entry)
        self._accept(frame, entry)

    async def _take_signals(self) -> None:
        """Fetch the answers that have come since the last look."""
        for signal in await self._store.signals(self._owner, self._open_waits()):
            if signal.path in self._waits:
                self._answer(*self._waits[signal.path], signal)

    # -- waiting and ending --------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Until a task ends, something is due, or it is time to show progress and look for a cancellation."""
        now = self._engine.clock.now()
        times = [now + timedelta(seconds=PROGRESS_SECONDS), *self._due_times()]
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
                self._loops.check(frame)
        await self._look_up_in_time()

    def _due_times(self) -> list[datetime]:
        """When something is due: a timer, the deadline of a wait, that of the execution."""
        timers = [timer.due_at for frame, timer in self._timers.values() if not frame.stopping]
        waits = [wait.deadline for frame, wait in self._waits.values() if wait.deadline and not frame.stopping]
        return [*timers, *waits, *([self._deadline] if self._deadline else [])]

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
        elif look.signals != self._signals or (self._has_new_wait and look.signals != self._execution.signals):
            # What came before a wait began, but after the journal was read, is an answer too.
            self._signals, self._has_new_wait = look.signals, False
            await self._take_signals()
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
        await self._stop_tasks()
        self._over = await self.ending.time_out(self._open_waits())

    async def _decide(self) -> Decision | None:
        """What comes next when nothing runs; None to go on here, or to wait here for what is due soon."""
        if self._is_late():
            await self._time_out()
            return self._over
        if self._loops.batch_outcome is not None:
            return await self.ending.finish_part(self._loops.batch_outcome, self._loops.items)
        if self._root.failures:
            return await self.ending.finish(Status.FAILED, self._open_waits(), error=self._root.failure)
        if self._root.progress.finished:
            return await self.ending.succeed(self._root, self._open_waits())
        if self._out_of_time:
            return await self._pause("again", None)
        return await self._wait_for_what_is_due()

    async def _wait_for_what_is_due(self) -> Decision | None:
        due = min(self._due_times(), default=None)
        if self._chores or self._known or self._fresh or self._effects:
            return None
        if due is not None:
            wait = (due - self._engine.clock.now()).total_seconds()
            if wait <= limits.INLINE_WAIT and self._remaining() > wait + limits.TURN_RESERVE:
                return None
        return await self._pause("park" if self._waits else "sleep" if due else "again", due)

    async def _pause(self, following: str, until: datetime | None) -> Decision | None:
        """Stop here; None if there is something to do after all."""
        await self._look_up()
        if self._over is not None or self._tasks:
            return None
        await self.book.flush()
        look_at = self.ending.look_at(following, until, self._open_waits())
        await self._mark(Status.RUNNING if following == "again" else Status.WAITING, look_at)
        return Decision(following, until, self._signals)

    def _open_waits(self) -> list[Wait]:
        return [wait for _, wait in self._waits.values()]

    async def _give_up(self, decision: Decision) -> Decision:
        """End a turn whose execution is over, or somebody else's."""
        await self.book.flush()
        return decision

    async def _mark(self, status: Status, look_at: datetime | None = None) -> None:
        if self._status is not status or look_at is not None:
            self._status = status
            flushed = self._position if look_at is not None else None
            await self._store.mark(self._owner, status, self._started_at, look_at, flushed)

    def drop(self, frame: Frame) -> None:
        """Forget what waits in a frame that is closed, and in those below; end what was started for it elsewhere."""
        for path in [path for path, (one, _) in self._timers.items() if frame in one.around]:
            del self._timers[path]
        for path, (one, wait) in list(self._waits.items()):
            if frame in one.around:
                del self._waits[path]
                if frame.loop is not None:
                    self.spawn(frame.loop.frame, path, self._abandon(wait), lambda _: None)

    async def _abandon(self, wait: Wait) -> None:
        """Note that nobody waits any more: who answers now is told so, and what was started for it is ended."""
        await self.book.record(Signal(wait.path, wait.attempt, self._engine.clock.now(), DROPPED))
        if wait.is_for_others:
            await self._engine.poke(self._owner, [wait.key])
