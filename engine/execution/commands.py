"""Commands of the scheduler as plain data, and the queues in which they wait to be carried out.

There are two kinds of commands. `InBackground` commands run concurrently; what each appends to the history is reported
back to the scheduler with the command. All others are carried out one at a time, at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.execution.scope_instance import LoopRun, ScopeInstance
from engine.history.events import HistoryEvent, Outcome, PendingSignal, RecordedValue, Signal
from engine.workflow.definition import NodeDefinition

# -- one at a time
# ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Take up a node that is ready. `is_new`: the history holds no outcome of it yet."""

    scope_instance: ScopeInstance
    node: NodeDefinition
    is_new: bool


@dataclass(frozen=True, slots=True)
class ComputeItems:
    """Compute the items of a loop."""

    loop: LoopRun


@dataclass(frozen=True, slots=True)
class ComputeCondition:
    """Compute the condition of a `while`; its node sees `data` in addition to the data of its scope instance."""

    loop: LoopRun
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ComputeResult:
    """Compute the result of an iteration that has ended."""

    scope_instance: ScopeInstance


@dataclass(frozen=True, slots=True)
class LoadValue:
    """Load a recorded value from the history, about a loop or (`result`) an iteration."""

    target: LoopRun | ScopeInstance
    recorded_value: RecordedValue


@dataclass(frozen=True, slots=True)
class Close:
    """For the scheduler itself: end an iteration, once the current outcome is settled."""

    scope_instance: ScopeInstance


@dataclass(frozen=True, slots=True)
class Continue:
    """For the scheduler itself: open the first iterations of a loop, when this invocation drives a map batch of it."""

    loop: LoopRun


# -- concurrently
# -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Append:
    """Append an event about a node.

    `is_failure`: until the event is recorded, its scope instance starts nothing and abandons nothing.
    """

    scope_instance: ScopeInstance
    event: HistoryEvent
    is_failure: bool = False

    @property
    def path(self) -> str:
        """The node that the event is about."""
        return self.event.path


@dataclass(frozen=True, slots=True)
class RecordValue:
    """Append a value of a loop that another driver could compute differently, and continue with the recorded one."""

    target: LoopRun | ScopeInstance
    recorded_value: RecordedValue
    scope_instance: ScopeInstance

    @property
    def path(self) -> str:
        """The loop or the iteration."""
        return self.recorded_value.path


@dataclass(frozen=True, slots=True)
class Attempt:
    """Attempt a node that has an effect; `postponed` of the earlier attempts could not begin."""

    scope_instance: ScopeInstance
    node_id: str
    number: int = 1
    postponed: int = 0

    @property
    def path(self) -> str:
        """The node."""
        return self.scope_instance.path(self.node_id)


@dataclass(frozen=True, slots=True)
class _OfWait:
    """A command about a pending signal and, where there is one, its signal."""

    scope_instance: ScopeInstance
    wait: PendingSignal
    signal: Signal

    @property
    def path(self) -> str:
        """The node."""
        return self.wait.path


@dataclass(frozen=True, slots=True)
class Resolve(_OfWait):
    """Append the outcome of a node whose signal has arrived."""


@dataclass(frozen=True, slots=True)
class Expire(_OfWait):
    """Append that a pending signal has reached its deadline, unless its signal is already there."""


@dataclass(frozen=True, slots=True)
class Abandon(_OfWait):
    """Append that a signal is no longer awaited as the enclosing scope has failed; a recorded signal still counts."""


@dataclass(frozen=True, slots=True)
class Distribute:
    """Distribute the items of a big loop to other drivers."""

    loop: LoopRun

    @property
    def scope_instance(self) -> ScopeInstance:
        """The scope instance that contains the loop."""
        return self.loop.scope_instance

    @property
    def path(self) -> str:
        """The loop."""
        return self.loop.path


InLine = TakeUp | ComputeItems | ComputeCondition | ComputeResult | LoadValue
InBackground = Append | RecordValue | Attempt | Resolve | Expire | Abandon | Distribute
Command = InLine | InBackground


@dataclass
class Queues:
    """The work that is to be done next.

    `now` is the time of the event that the scheduler is taking: it has no clock.
    """

    is_known: Callable[[str], bool]
    """Whether the outcome of the node at a path is known: it is in the history, or pinned."""
    now: datetime
    commands: deque[Command | Close | Continue] = field(default_factory=deque)
    recomputable: list[Outcome] = field(default_factory=list)
    """Settled outcomes that any driver would compute alike: the next append has to carry them."""
    known: deque[TakeUp] = field(default_factory=deque)
    fresh: deque[TakeUp] = field(default_factory=deque)
    held: deque[TakeUp] = field(default_factory=deque)
    attempts: deque[Attempt] = field(default_factory=deque)

    def start(self, command: InBackground) -> None:
        """Queue a command that runs concurrently."""
        self.begun(command)
        self.commands.append(command)

    def at_once(self, command: InLine) -> None:
        """Queue a command that is carried out before anything else."""
        self.commands.appendleft(command)

    def begun(self, command: InBackground) -> None:
        """Count a command as running, in its scope instance and in those around it."""
        for scope_instance in command.scope_instance.around:
            scope_instance.running += 1

    def ended(self, command: InBackground) -> None:
        """Stop counting a command as running."""
        for scope_instance in command.scope_instance.around:
            scope_instance.running -= 1

    def enter(self, scope_instance: ScopeInstance) -> None:
        """Queue the nodes of a scope instance that have become ready: those with a recorded outcome come first.

        So a driver that takes over knows all recorded outcomes before it computes anything new.
        """
        ready = scope_instance.progress.ready
        while ready:
            node = scope_instance.block.nodes[ready.popleft()]
            is_new = not self.is_known(scope_instance.path(node.id))
            (self.fresh if is_new else self.known).append(TakeUp(scope_instance, node, is_new))

    def next_ready(self) -> TakeUp | None:
        """Return the next node to take up; None if there is none, or those that are left are held back for now."""
        while self.known or self.fresh:
            taken = (self.known or self.fresh).popleft()
            if taken.scope_instance.stopping:
                continue
            if not taken.is_new or not taken.scope_instance.held:
                return taken
            self.held.append(taken)
        self._release()
        return None

    def put_back(self, taken: TakeUp) -> None:
        """Put back a node for which no time is left, to take it up later."""
        self.fresh.appendleft(taken)
        self._release()

    def _release(self) -> None:
        self.fresh.extendleft(reversed(self.held))
        self.held.clear()
