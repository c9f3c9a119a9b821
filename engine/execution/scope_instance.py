"""Frames: one run of one region each. The workflow is the outermost; each turn of a loop is one more.

Like the graph they do no I/O: they know what is open, what has ended, and what that means for the loop around them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.errors import NodeError
from engine.execution.context import ExecutionContext
from engine.execution.retry_policy import bounded
from engine.history.events import Outcome
from engine.workflow.compiled import Region
from engine.workflow.definition import NodeDefinition
from engine.workflow.graph import Progress


@dataclass(frozen=True, slots=True)
class Result:
    """What a frame that has ended gave, or why it gave nothing; `volatile`: another driver might find otherwise."""

    value: Any
    error: dict[str, Any] | None
    volatile: bool


@dataclass(eq=False)
class Frame:
    """One run of a region. `running` counts the tasks in it and below; `prefix` begins the paths of its nodes."""

    region: Region
    context: ExecutionContext
    prefix: str = ""
    loop: LoopRun | None = None
    index: int = 0
    running: int = 0
    closed: bool = False
    closing: bool = False
    failing: bool = False
    """Whether a failure of it is being recorded. Until that is done nothing begins here, and nothing is given up."""
    racing: bool = False
    """Whether what its templates see depends on which of several nodes ended first."""
    progress: Progress = field(init=False)
    succeeded: list[str] = field(default_factory=list)
    failures: dict[str, Outcome] = field(default_factory=dict)
    """The nodes that failed with nowhere to go, by id."""

    def __post_init__(self) -> None:
        self.progress = Progress(self.region.graph)

    def path(self, node_id: str) -> str:
        """The path of one of its nodes."""
        return self.prefix + node_id

    def is_racing(self, node_id: str) -> bool:
        """Whether what this node sees may be otherwise in another run of the same."""
        return self.racing or node_id in self.region.graph.racing

    def settle(self, node_id: str, outcome: Outcome) -> None:
        """Take a node's outcome: its output is visible from now on, and its edges are decided."""
        self.context.settle(node_id, outcome)
        self.progress.settle(node_id, outcome.port)
        if outcome.status == "succeeded" or outcome.port == "main":
            self.succeeded.append(node_id)
        elif outcome.port is None:
            self.failures[node_id] = outcome

    def failed(
        self, node: NodeDefinition, error: NodeError, started_at: datetime, now: datetime, attempts: int = 1
    ) -> Outcome:
        """The outcome of a node that gave up: by its error port, by main if it is to go on, or by none."""
        port = None
        if node.on_error == "continue":
            port = "main"
        elif self.region.graph.has_port(node.id, "error"):
            port = "error"
        return Outcome(self.path(node.id), "failed", started_at, now, port, error=bounded(error), attempts=attempts)

    @property
    def around(self) -> Iterator[Frame]:
        """This frame and those that it is in, from the inside out."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.loop.frame if frame.loop is not None else None

    @property
    def stopping(self) -> bool:
        """Whether nothing may start here any more: it, or something around it, has failed or is closed."""
        return any(
            frame.closed or frame.failures or (frame.loop is not None and frame.loop.failed) for frame in self.around
        )

    @property
    def held(self) -> bool:
        """Whether nothing may start here for the moment: that it, or what is around it, fails is being recorded."""
        return any(frame.failing or (frame.loop is not None and frame.loop.failing) for frame in self.around)

    @property
    def failure(self) -> dict[str, Any]:
        """Why it failed: the first such node in the definition's order, so that each driver tells it alike."""
        node_id = next(node_id for node_id in self.region.graph.nodes if node_id in self.failures)
        outcome = self.failures[node_id]
        return {**(outcome.error or {}), "node": outcome.path}

    def ends(self) -> list[str]:
        """The succeeded nodes from which nothing further ran."""
        return self.progress.ends(self.succeeded)


@dataclass(eq=False)
class LoopRun:
    """One run of a loop: a `for_each` over `items`, or a `while`, where `items` is None.

    `first` is the index of the first item, which is not 0 where only a part of a loop runs here.
    """

    node: NodeDefinition
    frame: Frame
    started_at: datetime
    items: Sequence[Any] | None = None
    first: int = 0
    concurrency: int = 1
    collect: bool = False
    opened: int = 0
    open: dict[int, Frame] = field(default_factory=dict)
    results: dict[int, Any] = field(default_factory=dict)
    errors: dict[int, dict[str, Any]] = field(default_factory=dict)
    volatile: bool = False
    """Whether its outcome cannot be recomputed and has to be journalled before anything sees it."""
    size: int = 0
    """Bytes of the results and errors so far."""
    failing: bool = False
    """Whether a failure of it, or of one of its turns, is being recorded."""
    broken: dict[str, Any] | None = None
    """Why it has failed as a whole."""
    ending: bool = False

    @property
    def path(self) -> str:
        """The path of the loop's node."""
        return self.frame.path(self.node.id)

    @property
    def region(self) -> Region:
        """What each turn runs."""
        return self.frame.region.bodies[self.node.id]

    @property
    def failed(self) -> bool:
        """Whether a turn has failed and that fails the loop, or it has failed as a whole."""
        return self.broken is not None or (bool(self.errors) and not self.collect)

    @property
    def running(self) -> int:
        """Tasks in all its turns."""
        return sum(frame.running for frame in self.open.values())

    @property
    def may_open(self) -> bool:
        """Whether another item may begin now."""
        return (
            self.items is not None
            and not self.failed
            and not self.failing
            and self.opened < len(self.items)
            and len(self.open) < self.concurrency
        )

    def open_turn(self, item: Any, callbacks: Mapping[str, str]) -> Frame:
        """The frame of the next turn."""
        index = self.first + self.opened
        context = self.frame.context.within(self.region.reads, callbacks, item=item, index=index)
        racing = self.frame.is_racing(self.node.id)
        frame = Frame(self.region, context, f"{self.path}[{index}].", self, index, racing=racing)
        self.opened += 1
        self.open[index] = frame
        return frame

    def close_turn(self, frame: Frame, result: Any, error: dict[str, Any] | None) -> None:
        """Take the end of a turn."""
        frame.closed = True
        del self.open[frame.index]
        if error is not None:
            self.errors[frame.index] = error
            self.volatile = True
        else:
            self.results[frame.index] = result

    def output(self) -> list[Any]:
        """The results in order; of items that failed the error."""
        indexes = sorted({*self.results, *self.errors})
        return [{"error": self.errors[i]} if i in self.errors else self.results[i] for i in indexes]
