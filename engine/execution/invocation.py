"""One invocation: one call of `advance` for one execution.

The scheduler decides what is to be done; the invocation does it. Nodes without outside effects run at once, inline; all
others that are ready run concurrently as tasks. `_record_then_act` is the only way in which a result becomes visible.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import overload

from engine import limits
from engine.execution import commands, completion
from engine.execution.completion import End, FollowUp, Pause
from engine.execution.environment import Environment
from engine.execution.operations.background import Operations
from engine.execution.operations.step import StepRunner
from engine.execution.scheduler import Scheduler
from engine.execution.write_buffer import WriteBuffer
from engine.history.events import HistoryEvent, Outcome, PendingSignal, Signal, SignalStatus
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Decision, Next, Status
from engine.history.store import Snapshot
from engine.nodes.base import ForEach, Repeat
from engine.workflow.compiled import CompiledBlock
from engine.workflow.definition import NodeDefinition

PROGRESS_SECONDS = 1.0
"""Seconds after which an invocation makes its findings visible, and between two checks for an end."""


class Invocation:
    """The state of one invocation; `run` is its only public method."""

    def __init__(
        self,
        environment: Environment,
        ref: ExecutionRef,
        snapshot: Snapshot,
        block: CompiledBlock,
        remaining: Callable[[], float],
    ) -> None:
        self._environment = environment
        self._store = environment.store
        self._clock = environment.clock
        self._ref = ref
        self._snapshot = snapshot
        self._execution = snapshot.execution
        self._remaining = remaining
        now = environment.clock.now()
        self._started_at = snapshot.execution.started_at or now
        self._status = snapshot.execution.status
        self._deadline: datetime | None = None
        if snapshot.definition.timeout_seconds is not None and snapshot.batch is None:
            self._deadline = self._started_at + timedelta(seconds=snapshot.definition.timeout_seconds)
        self._write_buffer = WriteBuffer(environment.store, ref, environment.clock, snapshot.position)
        self._follow_up = FollowUp(ref, snapshot)
        self._steps = StepRunner(
            environment, snapshot.execution, ref, self._write_buffer, self._record_then_act, remaining
        )
        self._operations = Operations(environment, ref, block, self._steps, self._record_then_act)
        callbacks = partial(environment.callbacks, snapshot.execution)
        api_url = environment.services.api_url
        self._scheduler = Scheduler(snapshot, block, environment.factory, callbacks, api_url, now)
        self._tasks: dict[asyncio.Task[HistoryEvent | None], commands.InBackground] = {}
        self._has_performed = False
        self._out_of_time: NodeDefinition | None = None
        self._over: Decision | None = None
        self._last_check = now

    async def run(self) -> Decision:
        """Advance until the execution is finished, everything left waits, or time runs low."""
        position = self._snapshot.position
        is_first = position is None or position.is_first
        if (self._status is Status.PENDING or is_first) and self._snapshot.batch is None:
            self._write_buffer.log("info", "execution started")
        try:
            while True:
                await self._carry_out_commands()
                await self._begin_attempts()
                if self._over is None and not self._is_busy:
                    decision = await self._decide()
                    if decision is not None:
                        return decision
                if self._over is not None:
                    await self._flush()
                    return self._over
                if not self._scheduler.has_commands:
                    await self._wait()
        except Exception:
            # A write failed. Attempts that are running may still end and be recorded: canceling them here would make
            # their effects happen again.
            self._steps.draining = True
            await asyncio.gather(*self._tasks, return_exceptions=True)
            with suppress(Exception):
                await self._flush()
            raise
        finally:
            await self._stop_tasks()

    @property
    def _is_busy(self) -> bool:
        return bool(self._tasks) or self._scheduler.has_commands

    # -- recording, and then acting ------------------------------------------------------------------------

    @overload
    async def _record_then_act(self, record: End | Pause) -> Decision: ...

    @overload
    async def _record_then_act(self, record: HistoryEvent, about: PendingSignal | None = None) -> HistoryEvent: ...

    async def _record_then_act(
        self, record: HistoryEvent | End | Pause, about: PendingSignal | None = None
    ) -> HistoryEvent | Decision:
        """Record an event or a decision, and only then act upon it: the law of the engine.

        1. The decision is written: an event to the history, or how the execution or this invocation ends. The first
           writer wins. If the write fails this raises, and nothing is done.
        2. Only then is it acted upon, and on what *stands*: the supervisor is notified where needed, and running
           attempts are stopped if the execution has ended.
        3. What stands is returned. The scheduler learns of that and of nothing else: so nothing is settled, closed or
           started because of an event that is not in the history. (What any driver would compute alike need not be in
           the history: the next event carries it.)

        An end and a pause are written last: a reader of them finds everything else written. `about` is the pending
        signal that an event is about.
        """
        self._keep_recomputable()
        match record:
            case End():
                return await self._record_end(record)
            case Pause(decision, status, check_at, stalled):
                await self._write_buffer.flush()
                await self._mark(status, check_at, stalled)
                return decision
            case _:
                stands = await self._write_buffer.record(record)
                await self._notify_of(stands, about)
                return stands

    async def _record_end(self, end: End) -> Decision:
        if self._snapshot.batch is None:
            reason = f": {end.error.get('message')}" if end.error else ""
            self._write_buffer.log("error" if end.error else "info", f"execution {end.status}{reason}")
        await self._write_buffer.flush()
        now = self._clock.now()
        concerned = self._follow_up.whom_to_notify(end, self._scheduler.waits)
        check_at = now + timedelta(seconds=limits.CHECK_GRACE) if concerned == self._ref else None
        final = await self._store.finish(
            self._ref,
            end.status,
            now,
            started_at=self._started_at,
            result=end.result,
            error=end.error,
            next_check_at=check_at,
            items=end.items,
        )
        if concerned is not None:
            await self._environment.notify(concerned)
        await self._stop_tasks()
        return Decision(final)

    async def _notify_of(self, stands: HistoryEvent, about: PendingSignal | None) -> None:
        """Notify the supervisor of what has to be started elsewhere, and of what is no longer needed there."""
        is_abandoned = isinstance(stands, Signal) and stands.status is SignalStatus.ABANDONED
        wait = stands if isinstance(stands, PendingSignal) else about if is_abandoned else None
        if wait is not None and wait.is_for_others:
            await self._environment.notify(self._ref, [wait.key])

    def _keep_recomputable(self) -> None:
        for outcome in self._scheduler.take_recomputable():
            self._write_buffer.keep(outcome)

    async def _flush(self) -> None:
        self._keep_recomputable()
        await self._write_buffer.flush()

    async def _mark(self, status: Status, check_at: datetime | None = None, stalled: int = 0) -> None:
        if self._status is not status or check_at is not None:
            self._status = status
            flushed = self._snapshot.position if check_at is not None else None
            driver = {"driver_attempt": self._execution.driver_attempt, "stalled_invocations": stalled}
            await self._store.mark(self._ref, status, self._started_at, check_at, flushed, **driver)

    # -- carrying out commands -----------------------------------------------------------------------------

    async def _carry_out_commands(self) -> None:
        """Carry out commands until only attempts and pending signals are left."""
        self._scheduler.time_is(self._clock.now())
        while self._over is None:
            command = self._scheduler.next_command(self._clock.now())
            if command is None:
                break
            if isinstance(command, commands.TakeUp):
                if command.is_new and self._remaining() < limits.INVOCATION_RESERVE:
                    self._scheduler.put_back(command)
                    self._out_of_time = command.node
                    break
                await self._take_up(command)
                if self._tasks:
                    await asyncio.sleep(0)  # let concurrent tasks make progress, or they would seem to take too long
                await self._check_now_and_then()
            elif isinstance(command, commands.InBackground):
                self._tasks[asyncio.create_task(self._operations.carry_out(command))] = command
            else:
                await self._in_line(command)

    async def _take_up(self, taken: commands.TakeUp) -> None:
        """Take up a ready node, and compute it if it has no effects."""
        begin = self._clock.now()
        if not self._scheduler.take_up(taken, begin):
            return
        scope_instance, node = taken.scope_instance, taken.node
        result, nondeterministic = await self._steps.compute(scope_instance, node)
        if isinstance(result, ForEach | Repeat):
            raise TypeError(f"the node type {node.type} is a loop and has no body")
        path = scope_instance.path(node.id)
        event = result if isinstance(result, Outcome) else self._steps.event_of(path, result, begin, 1)
        self._scheduler.computed(taken, event, self._clock.now(), nondeterministic=nondeterministic)

    async def _in_line(self, command: commands.InLine) -> None:
        """Compute or load a value that the scheduler needs before it continues."""
        match command:
            case commands.ComputeItems(loop):
                result, nondeterministic = await self._steps.compute(loop.scope_instance, loop.node)
                self._scheduler.items_found(command, result, self._clock.now(), nondeterministic=nondeterministic)
            case commands.ComputeCondition(loop, data):
                result, nondeterministic = await self._steps.compute(loop.scope_instance, loop.node, data)
                self._scheduler.condition_found(command, result, self._clock.now(), nondeterministic=nondeterministic)
            case commands.ComputeResult(scope_instance):
                found = await completion.result_of(self._steps, scope_instance, self._clock.now())
                self._scheduler.result_found(command, found, self._clock.now())
            case commands.LoadValue(_, recorded_value):
                value = await self._steps.fetch(recorded_value.output)
                self._scheduler.value_loaded(command, value, self._clock.now())

    async def _begin_attempts(self) -> None:
        """Start the attempts for which there is capacity and time."""
        if self._over is not None or not self._scheduler.ready_attempts():
            return
        await self._check_record()
        is_performing = False
        for attempt in self._scheduler.ready_attempts():
            if len(self._tasks) >= limits.MAX_PARALLEL_NODES or self._over is not None:
                break
            node = attempt.scope_instance.block.nodes[attempt.node_id]
            if not self._has_time_for(node):
                self._out_of_time = node
                break
            self._has_performed = is_performing = True
            self._scheduler.begin(attempt)
            self._tasks[asyncio.create_task(self._operations.carry_out(attempt))] = attempt
        if is_performing:
            await self._mark(Status.RUNNING)

    def _has_time_for(self, node: NodeDefinition) -> bool:
        """Whether an attempt may begin.

        The first one of an invocation may use all time that loading the history has left.
        """
        spare = limits.INVOCATION_RESERVE if self._has_performed else limits.FIRST_RESERVE
        return self._remaining() >= self._steps.timeout(node) + spare

    # -- waiting -------------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Wait until a task ends, a timer is due, or it is time to show progress and check for a cancellation."""
        now = self._clock.now()
        times = [now + timedelta(seconds=PROGRESS_SECONDS), *self._scheduler.due_times()]
        times += [self._deadline] if self._deadline else []
        timeout = max(0.0, (min(times) - now).total_seconds())
        if not self._tasks:
            await asyncio.sleep(timeout)
        else:
            done, _ = await asyncio.wait(self._tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda task: self._tasks[task].path):
                command = self._tasks.pop(task)
                self._scheduler.ended(command, task.result(), self._clock.now())
        await self._check_now_and_then()

    async def _check_now_and_then(self) -> None:
        """Write the findings every PROGRESS_SECONDS, and check what others have done meanwhile."""
        if self._over is None and self._is_late():
            await self._time_out()
        if (self._clock.now() - self._last_check).total_seconds() < PROGRESS_SECONDS:
            return
        await self._flush()
        await self._check_record()
        self._last_check = self._clock.now()

    async def _check_record(self) -> None:
        """Check whether the execution is over, has a newer driver, or has new signals."""
        record = await self._store.check(self._ref)
        if record.status.is_final:
            self._over = Decision(record.status)
        elif record.driver_attempt > self._execution.driver_attempt:
            self._over = Decision(Next.SUPERSEDED)
        elif self._scheduler.may_have_signals(record.signals):
            signals = await self._store.signals(self._ref, self._scheduler.waits)
            self._scheduler.signals_found(record.signals, signals, self._clock.now())
        if self._over is not None:
            await self._stop_tasks()

    async def _stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _is_late(self) -> bool:
        return self._deadline is not None and self._deadline <= self._clock.now()

    async def _time_out(self) -> None:
        """End the execution for its timeout, and only then stop what runs: it may already have ended otherwise."""
        self._over = await self._record_then_act(completion.TIMED_OUT)

    # -- ending --------------------------------------------------------------------------------------------

    async def _decide(self) -> Decision | None:
        """Decide how to go on when nothing runs; None to go on here, or to wait here for what is due soon."""
        end = completion.TIMED_OUT if self._is_late() else await self._find_end()
        if end is not None:
            return await self._record_then_act(end)
        if self._is_busy:
            return None
        if self._out_of_time:
            return await self._pause(Next.CONTINUE, None)
        return await self._wait_for_what_is_due()

    async def _find_end(self) -> End | None:
        """Return the end of the execution or of the map batch, if it has been reached."""
        root = self._scheduler.root
        if self._scheduler.batch_outcome is not None:
            return completion.end_of_batch(*self._scheduler.batch_outcome)
        if root.failures:
            # The execution ends once nobody may answer any more.
            is_waited_for = self._scheduler.give_up_waits(self._clock.now())
            return None if is_waited_for else End(Status.FAILED, error=root.failure)
        if root.progress.finished:
            return completion.end_with(await completion.result_of(self._steps, root, self._clock.now()))
        return None

    async def _wait_for_what_is_due(self) -> Decision | None:
        if self._scheduler.has_more:
            return None
        is_waiting = self._scheduler.waits_for_signals
        due = min(self._scheduler.due_times(), default=None)
        if due is None and not is_waiting:
            return await self._nothing_left()
        due = min((time for time in (due, self._deadline) if time is not None), default=None)
        if due is not None:
            wait = (due - self._clock.now()).total_seconds()
            if wait <= limits.INLINE_WAIT and self._remaining() > wait + limits.INVOCATION_RESERVE:
                return None
        return await self._pause(Next.SUSPEND_ON_SIGNAL if is_waiting else Next.SUSPEND_UNTIL, due)

    async def _nothing_left(self) -> Decision | None:
        """Handle that nothing runs, waits or is due and yet not all has ended: only other drivers can explain that.

        What another driver has done meanwhile is in the history. If that offers nothing new to go on with, the
        execution ends here, with a reason, as it would otherwise be driven for ever.
        """
        history = (await self._store.load(self._ref)).history
        if history.keys - self._snapshot.history.keys - self._write_buffer.keys:
            return await self._pause(Next.CONTINUE, None)
        await self._check_record()
        if self._over is not None or self._is_busy:
            return None
        message = "nothing in the execution runs, waits or is due, but it has not ended"
        return await self._record_then_act(completion.broken_off(self._ref, message))

    async def _pause(self, following: Next, until: datetime | None) -> Decision | None:
        """Stop here; None if there is work after all."""
        await self._check_record()
        if self._over is not None or self._is_busy:
            return None
        await self._flush()
        has_stalled = following == Next.CONTINUE and not self._write_buffer.keys
        stalled = self._execution.stalled_invocations + 1 if has_stalled else 0
        if stalled >= limits.MAX_STALLED_INVOCATIONS:
            why = completion.why_stalled(stalled, self._out_of_time, self._steps)
            return await self._record_then_act(completion.broken_off(self._ref, why))
        decision = Decision(following, until, self._scheduler.signals)
        check_at = self._follow_up.check_at(decision, self._scheduler.waits, self._clock.now())
        status = Status.RUNNING if following == Next.CONTINUE else Status.WAITING
        return await self._record_then_act(Pause(decision, status, check_at, stalled))
