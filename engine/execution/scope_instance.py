"""Scope instances: one run of one compiled block each. The outermost is the workflow; each iteration is another one.

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
from engine.history.events import NodeStatus, Outcome
from engine.workflow.compiled import CompiledBlock
from engine.workflow.definition import NodeDefinition
from engine.workflow.graph import Progress


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a scope instance that has ended, or its error.

    `nondeterministic`: another driver might compute a different one.
    """

    value: Any
    error: dict[str, Any] | None
    nondeterministic: bool


@dataclass(eq=False)
class ScopeInstance:
    """One run of a compiled block.

    `running` counts the tasks in it and below; `prefix` begins the paths of its nodes.
    """

    block: CompiledBlock
    context: ExecutionContext
    prefix: str = ""
    loop: LoopRun | None = None
    index: int = 0
    running: int = 0
    closed: bool = False
    finalization: bool = False
    failing: bool = False
    """Whether a failure of it is being recorded. Until that is done nothing starts and nothing is abandoned here."""
    order_dependent: bool = False
    """Whether the data of its templates depends on which of several nodes ended first."""
    progress: Progress = field(init=False)
    succeeded: list[str] = field(default_factory=list)
    failures: dict[str, Outcome] = field(default_factory=dict)
    """The nodes that failed without an error route, by id."""

    def __post_init__(self) -> None:
        self.progress = Progress(self.block.graph)

    def path(self, node_id: str) -> str:
        """Return the path of one of its nodes."""
        return self.prefix + node_id

    def is_order_dependent(self, node_id: str) -> bool:
        """Whether the data of this node may differ in another run of the same execution."""
        return self.order_dependent or node_id in self.block.graph.order_dependent

    def settle(self, node_id: str, outcome: Outcome) -> None:
        """Take a node's outcome: its output is visible from now on, and its edges are decided."""
        self.context.settle(node_id, outcome)
        self.progress.settle(node_id, outcome.port)
        if outcome.status is NodeStatus.SUCCEEDED or outcome.port == "main":
            self.succeeded.append(node_id)
        elif outcome.port is None:
            self.failures[node_id] = outcome

    def failed(
        self, node: NodeDefinition, error: NodeError, started_at: datetime, now: datetime, attempts: int = 1
    ) -> Outcome:
        """Return the outcome of a node that gave up: port error, main if it continues on error, or none."""
        port = None
        if node.on_error == "continue":
            port = "main"
        elif self.block.graph.has_port(node.id, "error"):
            port = "error"
        return Outcome(
            self.path(node.id), NodeStatus.FAILED, started_at, now, port, error=bounded(error), attempts=attempts
        )

    @property
    def around(self) -> Iterator[ScopeInstance]:
        """Yield this scope instance and those around it, from the inside out."""
        scope_instance: ScopeInstance | None = self
        while scope_instance is not None:
            yield scope_instance
            scope_instance = scope_instance.loop.scope_instance if scope_instance.loop is not None else None

    @property
    def stopping(self) -> bool:
        """Whether nothing may start here any more: it, or a scope around it, has failed or is closed."""
        return any(
            scope_instance.closed
            or scope_instance.failures
            or (scope_instance.loop is not None and scope_instance.loop.failed)
            for scope_instance in self.around
        )

    @property
    def held(self) -> bool:
        """Whether nothing may start here for now: a failure of it or of a scope around it is being recorded."""
        return any(
            scope_instance.failing or (scope_instance.loop is not None and scope_instance.loop.failing)
            for scope_instance in self.around
        )

    @property
    def failure(self) -> dict[str, Any]:
        """Return why it failed: the first failed node in the definition's order, the same for each driver."""
        node_id = next(node_id for node_id in self.block.graph.nodes if node_id in self.failures)
        outcome = self.failures[node_id]
        return {**(outcome.error or {}), "node": outcome.path}

    def ends(self) -> list[str]:
        """Return the succeeded nodes after which nothing ran."""
        return self.progress.ends(self.succeeded)


@dataclass(eq=False)
class LoopRun:
    """One run of a loop: a `for_each` over `items`, or a `while`, where `items` is None.

    `first` is the index of the first item, which is not 0 in a map batch.
    """

    node: NodeDefinition
    scope_instance: ScopeInstance
    started_at: datetime
    items: Sequence[Any] | None = None
    first: int = 0
    concurrency: int = 1
    collect: bool = False
    opened: int = 0
    open: dict[int, ScopeInstance] = field(default_factory=dict)
    results: dict[int, Any] = field(default_factory=dict)
    errors: dict[int, dict[str, Any]] = field(default_factory=dict)
    nondeterministic: bool = False
    """Whether its outcome cannot be recomputed and has to be recorded before anything sees it."""
    size: int = 0
    """Bytes of the results and errors so far."""
    failing: bool = False
    """Whether a failure of it, or of one of its iterations, is being recorded."""
    broken: dict[str, Any] | None = None
    """Why the loop has failed as a whole."""
    ending: bool = False

    @property
    def path(self) -> str:
        """Return the path of the loop's node."""
        return self.scope_instance.path(self.node.id)

    @property
    def block(self) -> CompiledBlock:
        """Return the block that each iteration runs."""
        return self.scope_instance.block.bodies[self.node.id]

    @property
    def failed(self) -> bool:
        """Whether the loop has failed, as a whole or because of a failed iteration."""
        return self.broken is not None or (bool(self.errors) and not self.collect)

    @property
    def running(self) -> int:
        """Return the number of tasks in all its iterations."""
        return sum(scope_instance.running for scope_instance in self.open.values())

    @property
    def may_open(self) -> bool:
        """Whether another iteration may begin now."""
        return (
            self.items is not None
            and not self.failed
            and not self.failing
            and self.opened < len(self.items)
            and len(self.open) < self.concurrency
        )

    def open_iteration(self, item: Any, callbacks: Mapping[str, str]) -> ScopeInstance:
        """Open the next iteration and return its scope instance."""
        index = self.first + self.opened
        context = self.scope_instance.context.within(self.block.reads, callbacks, item=item, index=index)
        order_dependent = self.scope_instance.is_order_dependent(self.node.id)
        scope_instance = ScopeInstance(
            self.block, context, f"{self.path}[{index}].", self, index, order_dependent=order_dependent
        )
        self.opened += 1
        self.open[index] = scope_instance
        return scope_instance

    def close_iteration(self, scope_instance: ScopeInstance, result: Any, error: dict[str, Any] | None) -> None:
        """Take the end of an iteration."""
        scope_instance.closed = True
        del self.open[scope_instance.index]
        if error is not None:
            self.errors[scope_instance.index] = error
            self.nondeterministic = True
        else:
            self.results[scope_instance.index] = result

    def output(self) -> list[Any]:
        """Return the results in order, with the error in place of each failed item's result."""
        indexes = sorted({*self.results, *self.errors})
        return [{"error": self.errors[i]} if i in self.errors else self.results[i] for i in indexes]
