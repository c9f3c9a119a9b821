"""WorkflowEngine.advance(): drives one execution until it is finished, or has to wait, or time runs low.

Any number of drivers may call it for the same execution, at once or after a crash: what they know they take
from the journal, and what they find out they write there first.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from random import Random, SystemRandom

from engine.clock import Clock, SystemClock
from engine.errors import ExecutionLost
from engine.execution.callbacks import callback_url
from engine.execution.invocation import Turn
from engine.history.model import Decision, Execution, Status
from engine.history.store import ExecutionStore
from engine.nodes.context import NodeServices
from engine.nodes.registry import NodeExecutorFactory
from engine.workflow.compiled import Region, prepare

logger = logging.getLogger(__name__)


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

    async def advance(
        self, execution_id: str, remaining: Callable[[], float] = lambda: math.inf, *, generation: int | None = None
    ) -> Decision:
        """Run as much of the execution as can be run now.

        Args:
            execution_id: which execution, or which part of one whose loop is spread over several drivers.
            remaining: gives the seconds that the caller has left; nothing is started that may not end in time.
            generation: that of the caller, which ends where there is a newer one.

        Returns:
            What to do next: call again, call again at a time or after a signal, or nothing since the status is
            final or the caller was superseded.

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
        if generation is not None and generation < snapshot.execution.generation:
            return Decision("superseded")
        region = prepare(snapshot.definition, self.factory)
        return await Turn(self, execution_id, snapshot, region, remaining).run()

    def callbacks(self, execution: Execution, region: Region, prefix: str) -> dict[str, str]:
        """The URL of each node of a region that waits for a callback, by id."""
        waiting = [node.id for node in region.body.nodes if self._has_callback(node.type)]
        base = self.services.api_url
        return {name: callback_url(base, execution.id, execution.secret, prefix + name) for name in waiting}

    async def poke(self, owner: str, waits: Sequence[str] = ()) -> None:
        """Tell the conductor that there is something to do. If that fails the sweeper finds it."""
        if self.services.poke is not None:
            try:
                await self.services.poke(owner, waits)
            except Exception:
                logger.exception("the conductor could not be told")

    def _has_callback(self, node_type: str) -> bool:
        return self.factory.knows(node_type) and self.factory.node_class(node_type).has_callback
