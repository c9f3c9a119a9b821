"""What the scheduler wants done, as plain data, and the queues in which that waits to be carried out.

Commands are of two kinds. `InBackground` ones run beside each other, and what each has put into the history comes back
to the scheduler with it. The others are carried out one after the other, at once.
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

# -- one after the other ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Take up a node that is ready. `is_new`: the history does not say yet how it ended."""

    scope_instance: ScopeInstance
    node: NodeDefinition
    is_new: bool


@dataclass(frozen=True, slots=True)
class ChooseItems:
    """Compute what a loop loops over."""

    loop: LoopRun


@dataclass(frozen=True, slots=True)
class AskCondition:
    """Compute whether a `while` goes on; its node sees `data` on top of what its frame has."""

    loop: LoopRun
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FindResult:
    """Compute what an iteration gave, now that all of it has ended."""

    scope_instance: ScopeInstance


@dataclass(frozen=True, slots=True)
class Recall:
    """Load the value of a fact that stands in the history, about a loop or (`result`) an iteration."""

    target: LoopRun | ScopeInstance
    recorded_value: RecordedValue


@dataclass(frozen=True, slots=True)
class Close:
    """For the scheduler itself, once it has settled what it is settling: end an iteration."""

    scope_instance: ScopeInstance


@dataclass(frozen=True, slots=True)
class Continue:
    """For the scheduler itself: open the first iterations of a loop of which this invocation drives a batch."""

    loop: LoopRun


# -- beside each other -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Append:
    """Append an event about a node. `is_failure`: until it stands, its scope begins nothing and gives nothing up."""

    scope_instance: ScopeInstance
    entry: HistoryEvent
    is_failure: bool = False

    @property
    def path(self) -> str:
        """The node that it is about."""
        return self.entry.path


@dataclass(frozen=True, slots=True)
class Pin:
    """Append something about a loop that another driver could find otherwise, and go on with what stands there then."""

    target: LoopRun | ScopeInstance
    recorded_value: RecordedValue
    scope_instance: ScopeInstance

    @property
    def path(self) -> str:
        """The loop, or the iteration."""
        return self.recorded_value.path


@dataclass(frozen=True, slots=True)
class Attempt:
    """Attempt a node that has an effect; `put_off` of the attempts before could not begin."""

    scope_instance: ScopeInstance
    node_id: str
    number: int = 1
    put_off: int = 0

    @property
    def path(self) -> str:
        """The node."""
        return self.scope_instance.path(self.node_id)


@dataclass(frozen=True, slots=True)
class _OfWait:
    """Something about a wait, and the signal that ends it."""

    scope_instance: ScopeInstance
    wait: PendingSignal
    signal: Signal

    @property
    def path(self) -> str:
        """The node."""
        return self.wait.path


@dataclass(frozen=True, slots=True)
class Resolve(_OfWait):
    """Append how a node goes on that has its answer."""


@dataclass(frozen=True, slots=True)
class Expire(_OfWait):
    """Append that a wait has come to its deadline, unless there is an answer."""


@dataclass(frozen=True, slots=True)
class Abandon(_OfWait):
    """Append that nobody waits any more, because what is around has failed; an answer that stands already counts."""


@dataclass(frozen=True, slots=True)
class Distribute:
    """Give the items of a big loop to other drivers."""

    loop: LoopRun

    @property
    def scope_instance(self) -> ScopeInstance:
        """What the loop is in."""
        return self.loop.scope_instance

    @property
    def path(self) -> str:
        """The loop."""
        return self.loop.path


InLine = TakeUp | ChooseItems | AskCondition | FindResult | Recall
InBackground = Append | Pin | Attempt | Resolve | Expire | Abandon | Distribute
Command = InLine | InBackground


@dataclass
class Queues:
    """What is to be done next. `now` is the time of the event that the scheduler is taking: it has no clock."""

    is_known: Callable[[str], bool]
    """Whether it is known how the node at a path ends: by the history, or because it is pinned."""
    now: datetime
    commands: deque[Command | Close | Continue] = field(default_factory=deque)
    noted: list[Outcome] = field(default_factory=list)
    """Outcomes that are settled and that any driver would compute alike: the next append has to carry them."""
    known: deque[TakeUp] = field(default_factory=deque)
    fresh: deque[TakeUp] = field(default_factory=deque)
    held: deque[TakeUp] = field(default_factory=deque)
    attempts: deque[Attempt] = field(default_factory=deque)

    def start(self, command: InBackground) -> None:
        """Have something done beside what else is done."""
        self.begun(command)
        self.commands.append(command)

    def at_once(self, command: InLine) -> None:
        """Have something done before anything else is."""
        self.commands.appendleft(command)

    def begun(self, command: InBackground) -> None:
        """Count a command as running, in its frame and in those around it."""
        for scope_instance in command.scope_instance.around:
            scope_instance.running += 1

    def ended(self, command: InBackground) -> None:
        """Count a command as running no more."""
        for scope_instance in command.scope_instance.around:
            scope_instance.running -= 1

    def enter(self, scope_instance: ScopeInstance) -> None:
        """Queue the nodes of a frame that have become ready: those of which the history has the end come first.

        So a driver that takes over has all that is known together before it finds out anything new.
        """
        ready = scope_instance.progress.ready
        while ready:
            node = scope_instance.block.nodes[ready.popleft()]
            is_new = not self.is_known(scope_instance.path(node.id))
            (self.fresh if is_new else self.known).append(TakeUp(scope_instance, node, is_new))

    def next_ready(self) -> TakeUp | None:
        """The next node to take up. None if those that are left, if any, are held back for the moment."""
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
        """Take a node up another time: there is no time left for it."""
        self.fresh.appendleft(taken)
        self._release()

    def _release(self) -> None:
        self.fresh.extendleft(reversed(self.held))
        self.held.clear()
