"""The scheduler of one invocation: events in, commands out. No I/O, no tasks, no clock.

It knows which nodes are ready, what is waited for, and which iterations are open. What has happened it is told by its
methods, each with the time; what is to be done it gives by `next_command` and `ready_attempts`. So whatever it decides
can be tried with plain values, and whatever is done is in `invocation`.
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
    AskCondition,
    Attempt,
    ChooseItems,
    Close,
    Command,
    Continue,
    Expire,
    FindResult,
    InBackground,
    Pin,
    Queues,
    Recall,
    TakeUp,
)
from engine.execution.context import ExecutionContext
from engine.execution.operations.loop import Bodies, Loops
from engine.execution.operations.suspension import Suspensions
from engine.execution.retry_policy import as_exception
from engine.execution.scope_instance import Result, ScopeInstance
from engine.history.events import HistoryEvent, Outcome, PendingSignal, RecordedValue, Signal, Timer
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
        region: the workflow.
        node_types: says which nodes have effects, and which loop over items.
        callbacks: gives the URLs of the callbacks in a body, for the prefix of its paths.
        api_url: what templates see by that name.
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
        bodies = Bodies(snapshot.history.facts, self._loops_over_items, callbacks)
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
        """What is to be done next. None if, but for attempts, nothing is, or not before a failure is recorded."""
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
        """Give a node to take up another time."""
        self._queues.put_back(taken)

    def ready_attempts(self) -> list[Attempt]:
        """The attempts that may begin, in order; `begin` says that one does."""
        self._queues.attempts = deque(one for one in self._queues.attempts if not one.scope_instance.stopping)
        return [one for one in self._queues.attempts if not one.scope_instance.held]

    def begin(self, attempt: Attempt) -> None:
        """Take an attempt out of the queue, as it runs from now on."""
        self._queues.attempts.remove(attempt)
        self._queues.begun(attempt)

    def take_noted(self) -> list[Outcome]:
        """The outcomes that have been settled since, without a record as any driver would compute them alike."""
        noted, self._queues.noted = self._queues.noted, []
        return noted

    @property
    def has_commands(self) -> bool:
        """Whether there is something to be done at once."""
        return bool(self._queues.commands)

    @property
    def has_more(self) -> bool:
        """Whether there is something to be done, if only once something else has ended."""
        queues = self._queues
        return bool(queues.commands or queues.known or queues.fresh or queues.attempts)

    # -- what is waited for --------------------------------------------------------------------------------

    @property
    def waits(self) -> Sequence[PendingSignal]:
        """The open waits."""
        return self._suspensions.waits

    @property
    def waits_for_answers(self) -> bool:
        """Whether an answer could lead on."""
        return self._suspensions.waits_for_answers

    @property
    def signals(self) -> int:
        """The answers that are known, by the execution's counter."""
        return self._suspensions.signals

    def due_times(self) -> Iterable[datetime]:
        """When something is due."""
        return self._suspensions.due_times()

    def may_have_answers(self, signals: int) -> bool:
        """Whether there may be answers that are not known here, as the execution has counted so many."""
        return self._suspensions.may_have_answers(signals)

    # -- events --------------------------------------------------------------------------------------------

    def time_is(self, now: datetime) -> None:
        """Time has gone on: what is due begins."""
        self._queues.now = now
        self._suspensions.fire_due()

    def answered(self, count: int, signals: Iterable[Signal], now: datetime) -> None:
        """These answers were there when the execution had counted so many."""
        self._queues.now = now
        self._suspensions.answered(count, signals)

    def take_up(self, taken: TakeUp, now: datetime) -> bool:
        """Go on with a node from the history, open its loop, or queue its attempt; True if it is to be computed now."""
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

    def computed(self, taken: TakeUp, entry: HistoryEvent, now: datetime, *, nondeterministic: bool) -> None:
        """A node without effects was computed; `volatile`: another driver might compute something else."""
        self._queues.now = now
        self._loops.finalize(taken.scope_instance, entry, nondeterministic=nondeterministic)

    def items_found(
        self, command: ChooseItems, result: NodeResult | Outcome, now: datetime, *, nondeterministic: bool
    ) -> None:
        """What a loop loops over was computed."""
        self._queues.now = now
        self._loops.items_found(command.loop, result, nondeterministic=nondeterministic)

    def condition_found(
        self, command: AskCondition, result: NodeResult | Outcome, now: datetime, *, nondeterministic: bool
    ) -> None:
        """Whether a `while` goes on was computed."""
        self._queues.now = now
        self._loops.condition_found(command.loop, result, nondeterministic=nondeterministic)

    def result_found(self, command: FindResult, result: Result, now: datetime) -> None:
        """What an iteration gave was computed."""
        self._queues.now = now
        self._loops.result_found(
            command.scope_instance, result.value, result.error, nondeterministic=result.nondeterministic
        )

    def recalled(self, command: Recall, value: Any, now: datetime) -> None:
        """The value of a fact was loaded."""
        self._queues.now = now
        self._loops.recalled(command.target, replace(command.recorded_value, output=value))

    def ended(self, command: InBackground, stands: HistoryEvent | None, now: datetime) -> None:
        """A command has ended, and `stands` is in the history now: what it has found, or what another driver had."""
        self._queues.now = now
        self._queues.ended(command)
        match command:
            case Pin(target) if isinstance(stands, RecordedValue):
                self._queues.commands.append(Recall(target, stands))
            case Expire(scope_instance, wait) if isinstance(stands, Signal):
                self._suspensions.answer(scope_instance, wait, stands)
            case Abandon():
                pass  # how its node has ended concerns nobody any more
            case _:
                if isinstance(command, Append) and command.is_failure:
                    command.scope_instance.failing = False
                self._accept(command.scope_instance, stands)
        self._loops.check(command.scope_instance)

    def _accept(self, scope_instance: ScopeInstance, entry: HistoryEvent | None) -> None:
        match entry:
            case Outcome():
                self._loops.settle(scope_instance, entry)
            case Timer():
                self._suspensions.start(scope_instance, entry)
            case PendingSignal():
                self._suspensions.wait(scope_instance, entry)

    # -- ending --------------------------------------------------------------------------------------------

    @property
    def batch_outcome(self) -> tuple[Outcome, tuple[int, int]] | None:
        """How the batch has ended that is all of this; with its items, and those of them that failed."""
        outcome = self._loops.batch_outcome
        return None if outcome is None else (outcome, self._loops.items)

    def give_up_waits(self, now: datetime) -> bool:
        """As the execution has failed, abandon what waits for someone outside; whether there is any."""
        self._queues.now = now
        return self._suspensions.drop(self.root, but_for_others=True)

    def _is_known(self, path: str) -> bool:
        return path in self._history.outcomes or self._trial.pin_at(path) is not None

    def _loops_over_items(self, node_type: str) -> bool:
        return self._node_types.node_class(node_type).loops_over_items


def _pinned(scope_instance: ScopeInstance, node: NodeDefinition, pin: PinnedOutput, now: datetime) -> Outcome:
    """How a node ends that does not run, as a test run has its output pinned."""
    if pin.error is not None:
        return scope_instance.failed(node, as_exception(pin.error), now, now)
    return Outcome(scope_instance.path(node.id), "succeeded", now, now, pin.port, pin.output)
