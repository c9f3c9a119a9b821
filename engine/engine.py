"""WorkflowEngine.advance(): drives one execution until it is finished, or has to wait, or time runs low.

Any number of drivers may call it for the same execution, at once or after a crash: what they know they take
from the journal, and what they find out they write there first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random, SystemRandom

from engine.clock import Clock, SystemClock
from engine.context import NodeServices
from engine.definition import NodeDefinition, WorkflowDefinition
from engine.errors import ExecutionLost
from engine.execution import Decision, Status
from engine.executor import NodeExecutorFactory
from engine.graph import Graph
from engine.journal import ExecutionStore
from engine.turn import Turn


class WorkflowEngine:
    """Runs executions that live in a store.

    Args:
        store: where executions and their journals are.
        factory: the node types.
        services: what nodes reach the outside with.
        clock: tells the time.
        random: draws the jitter of retries.
    """

    def __init__(
        self,
        store: ExecutionStore,
        factory: NodeExecutorFactory | None = None,
        *,
        services: NodeServices | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        self.store = store
        self.factory = factory or NodeExecutorFactory()
        self.services = services or NodeServices()
        self.clock = clock or SystemClock()
        self.random = random or SystemRandom()

    async def advance(self, execution_id: str, remaining: Callable[[], float] = lambda: math.inf) -> Decision:
        """Run as much of the execution as can be run now.

        Args:
            execution_id: which execution.
            remaining: gives the seconds that the caller has left; nothing is started that may not end in time.

        Returns:
            What to do next: call again, call again at a time, or nothing since the status is final.

        An execution whose workflow version is gone can never go on, so it is closed as failed.

        Raises:
            ExecutionLost: there is no such execution.
        """
        try:
            snapshot = await self.store.load(execution_id)
        except ExecutionLost as lost:
            now = self.clock.now()
            error = {**lost.as_dict(), "node": None}
            final = await self.store.finish(execution_id, Status.FAILED, now, started_at=now, result=None, error=error)
            return Decision(final)
        if snapshot.execution.status.is_final:
            return Decision(snapshot.execution.status)
        graph, nodes = prepare(snapshot.definition)
        return await Turn(self, snapshot, graph, nodes, remaining).run()


def prepare(definition: WorkflowDefinition) -> tuple[Graph, Mapping[str, NodeDefinition]]:
    """The graph of a definition and its nodes by id; remembered for the definitions used last."""
    return _prepare(_Same(definition))


class _Same:
    """Wraps a definition so that a cache knows it by identity: equal ones are rarely two objects."""

    def __init__(self, definition: WorkflowDefinition) -> None:
        self.definition = definition

    def __hash__(self) -> int:
        return id(self.definition)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.definition is other.definition


@lru_cache(maxsize=64)
def _prepare(same: _Same) -> tuple[Graph, Mapping[str, NodeDefinition]]:
    return Graph.of(same.definition), {node.id: node for node in same.definition.nodes}
