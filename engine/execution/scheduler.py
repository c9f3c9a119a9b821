"""The scheduler of one invocation: events in, commands out. No I/O, no tasks, no clock.

It knows which nodes are ready, which signals are pending, and which iterations are open. Its methods take events, each
with the time; `next_command` and `ready_attempts` return what is to be done. So every decision can be tested with plain
values, and everything that acts is in `invocation`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from engine.execution.commands import (
    Abandon,
    Append,
    Attempt,
    Close,
    Command,
    ComputeCondition,
    ComputeItems,
    ComputeResult,
    Continue,
    Expire,
    InBackground,
    LoadValue,
    Queues,
    RecordValue,
    TakeUp,
)
from engine.execution.context import ExecutionContext
from engine.execution.operations.loop import Bodies, Loops
from engine.execution.operations.suspension import Suspensions
from engine.execution.retry_policy import as_exception
from engine.execution.scope_instance import Result, ScopeInstance
from engine.history.events import HistoryEvent, NodeStatus, Outcome, PendingSignal, RecordedValue, Signal, Timer
from engine.history.store import Snapshot
from engine.nodes.base import NodeResult
from engine.workflow.compiled import CompiledBlock
from engine.workflow.definition import NodeDefinition
from engine.workflow.node_types import NodeTypes, has_effect
from engine.workflow.trial import PinnedOutput, Trial


class Scheduler:
    """What is open in one execution, or in one batch of a distributed loop.

    Args:
        snapshot: what is to be driven, and its history.
        block: the compiled workflow.
        node_types: tells which nodes have effects, and which loop over items.
        callbacks: returns the URLs of the callbacks in a body, for the prefix of its paths.
        api_url: the value of `api_url` in templates.
        now: the time.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        block: CompiledBlock,
        node_types: NodeTypes,
        callbacks: Callable[[CompiledBlock, str], Mapping[str, str]],
        api_url: str,
        now: datetime,
    ) -> None:
        self._history = snapshot.history
        self._node_types = node_types
        self._trial = snapshot.execution.trial or Trial()
        self._queues = Queues(self._is_known, now)
        self._suspensions = Suspensions(self._queues, snapshot.history, snapshot.execution.signals)
        bodies = Bodies(snapshot.history.recorded_values, self._loops_over_items, callbacks)
        self._loops = Loops(self._queues, self._suspensions, bodies)
        variables = snapshot.definition.vars
        if snapshot.batch is None:
            context = ExecutionContext.of(snapshot.execution, variables, api_url, callbacks(block, ""))
            self.root = ScopeInstance(block, context)
            self._queues.enter(self.root)
        else:
            self.root = self._loops.open_batch(block, snapshot.batch, variables)

    # -- commands ------------------------------------------------------------------------------------------

    def next_command(self, now: datetime) -> Command | None:
        """Return the next command. None if there is none but attempts, or none before a failure is recorded."""
        self._queues.now = now
        while self._queues.commands:
            match command := self._queues.commands.popleft():
                case Close(scope_instance):
                    self._loops.close(scope_instance)
                case Continue(loop):
                    self._loops.go_on(loop)
                case _:
                    return command
        return self._queues.next_ready()

    def put_back(self, taken: TakeUp) -> None:
        """Put back a node, to take it up another time."""
        self._queues.put_back(taken)

    def ready_attempts(self) -> list[Attempt]:
        """Return the attempts that may begin, in order; `begin` marks one as running."""
        self._queues.attempts = deque(one for one in self._queues.attempts if not one.scope_instance.stopping)
        return [one for one in self._queues.attempts if not one.scope_instance.held]

    def begin(self, attempt: Attempt) -> None:
        """Remove an attempt from the queue because it runs from now on."""
        self._queues.attempts.remove(attempt)
        self._queues.begun(attempt)

    def take_recomputable(self) -> list[Outcome]:
        """Return the outcomes settled since the last call that need no record: any driver computes them alike."""
        found, self._queues.recomputable = self._queues.recomputable, []
        return found

    @property
    def has_commands(self) -> bool:
        """Whether there is a command to carry out at once."""
        return bool(self._queues.commands)

    @property
    def has_more(self) -> bool:
        """Whether there is work, even if it has to wait for other work to end."""
        queues = self._queues
        return bool(queues.commands or queues.known or queues.fresh or queues.attempts)

    # -- what is waited for --------------------------------------------------------------------------------

    @property
    def waits(self) -> Sequence[PendingSignal]:
        """Return the open pending signals."""
        return self._suspensions.waits

    @property
    def waits_for_signals(self) -> bool:
        """Whether a signal could make this execution continue."""
        return self._suspensions.waits_for_signals

    @property
    def signals(self) -> int:
        """Return the number of known signals, by the execution's counter."""
        return self._suspensions.signals

    def due_times(self) -> Iterable[datetime]:
        """Return the times at which something is due."""
        return self._suspensions.due_times()

    def may_have_signals(self, signals: int) -> bool:
        """Whether there may be signals that are unknown here, as the execution has counted `signals`."""
        return self._suspensions.may_have_signals(signals)

    # -- events --------------------------------------------------------------------------------------------

    def time_is(self, now: datetime) -> None:
        """Advance the time: what is due begins."""
        self._queues.now = now
        self._suspensions.fire_due()

    def signals_found(self, count: int, signals: Iterable[Signal], now: datetime) -> None:
        """Take the signals that were there when the execution had counted `count`."""
        self._queues.now = now
        self._suspensions.signals_found(count, signals)

    def take_up(self, taken: TakeUp, now: datetime) -> bool:
        """Continue a node from the history, open its loop, or queue its attempt; True if it is to be computed now."""
        self._queues.now = now
        scope_instance, node = taken.scope_instance, taken.node
        path = scope_instance.path(node.id)
        timer = self._history.timers.get(path)
        if path in self._history.outcomes:
            self._loops.settle(scope_instance, self._history.outcomes[path])
        elif (pin := self._trial.pin_at(path)) is not None:
            self._loops.finalize(scope_instance, _pinned(scope_instance, node, pin, now), nondeterministic=False)
        elif (wait := self._history.waits.get(path)) and wait.attempt >= ((timer and timer.next_attempt) or 1):
            self._suspensions.wait(scope_instance, wait)
        elif timer is not None:
            self._suspensions.start(scope_instance, timer)
        elif node.body is not None:
            self._loops.open(scope_instance, node)
        elif has_effect(self._node_types, node.type):
            self._queues.attempts.append(Attempt(scope_instance, node.id))
        else:
            return True
        return False

    def computed(self, taken: TakeUp, event: HistoryEvent, now: datetime, *, nondeterministic: bool) -> None:
        """Take the outcome of a node without effects; if `nondeterministic`, other drivers might compute another."""
        self._queues.now = now
        self._loops.finalize(taken.scope_instance, event, nondeterministic=nondeterministic)

    def items_found(
        self, command: ComputeItems, result: NodeResult | Outcome, now: datetime, *, nondeterministic: bool
    ) -> None:
        """Take the items of a loop."""
        self._queues.now = now
        self._loops.items_found(command.loop, result, nondeterministic=nondeterministic)

    def condition_found(
        self, command: ComputeCondition, result: NodeResult | Outcome, now: datetime, *, nondeterministic: bool
    ) -> None:
        """Take the value of a `while` condition."""
        self._queues.now = now
        self._loops.condition_found(command.loop, result, nondeterministic=nondeterministic)

    def result_found(self, command: ComputeResult, result: Result, now: datetime) -> None:
        """Take the result of an iteration."""
        self._queues.now = now
        self._loops.result_found(
            command.scope_instance, result.value, result.error, nondeterministic=result.nondeterministic
        )

    def value_loaded(self, command: LoadValue, value: Any, now: datetime) -> None:
        """Take a recorded value that was loaded."""
        self._queues.now = now
        self._loops.value_loaded(command.target, replace(command.recorded_value, output=value))

    def ended(self, command: InBackground, stands: HistoryEvent | None, now: datetime) -> None:
        """Take the end of a command; `stands` is in the history now: its own event, or that of another driver."""
        self._queues.now = now
        self._queues.ended(command)
        match command:
            case RecordValue(target) if isinstance(stands, RecordedValue):
                self._queues.commands.append(LoadValue(target, stands))
            case Expire(scope_instance, wait) if isinstance(stands, Signal):
                self._suspensions.take(scope_instance, wait, stands)
            case Abandon():
                pass  # the outcome of its node is no longer relevant
            case _:
                if isinstance(command, Append) and command.is_failure:
                    command.scope_instance.failing = False
                self._accept(command.scope_instance, stands)
        self._loops.check(command.scope_instance)

    def _accept(self, scope_instance: ScopeInstance, event: HistoryEvent | None) -> None:
        match event:
            case Outcome():
                self._loops.settle(scope_instance, event)
            case Timer():
                self._suspensions.start(scope_instance, event)
            case PendingSignal():
                self._suspensions.wait(scope_instance, event)

    # -- ending --------------------------------------------------------------------------------------------

    @property
    def batch_outcome(self) -> tuple[Outcome, tuple[int, int]] | None:
        """Return how the map batch of this invocation ended, its items, and those of them that failed."""
        outcome = self._loops.batch_outcome
        return None if outcome is None else (outcome, self._loops.items)

    def give_up_waits(self, now: datetime) -> bool:
        """Abandon the pending signals for outsiders because the execution has failed; return whether there are any."""
        self._queues.now = now
        return self._suspensions.abandon(self.root, but_for_others=True)

    def _is_known(self, path: str) -> bool:
        return path in self._history.outcomes or self._trial.pin_at(path) is not None

    def _loops_over_items(self, node_type: str) -> bool:
        return self._node_types.node_class(node_type).loops_over_items


def _pinned(scope_instance: ScopeInstance, node: NodeDefinition, pin: PinnedOutput, now: datetime) -> Outcome:
    """How a node ends that does not run, as a test run has its output pinned."""
    if pin.error is not None:
        return scope_instance.failed(node, as_exception(pin.error), now, now)
    return Outcome(scope_instance.path(node.id), NodeStatus.SUCCEEDED, now, now, pin.port, pin.output)
