"""The collaborators that all invocations of a process share: store, node types, services, clock and randomness."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from random import Random, SystemRandom

from engine.clock import Clock, SystemClock
from engine.execution.callbacks import callback_url
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution
from engine.history.store import ExecutionStore
from engine.nodes.context import NodeServices
from engine.nodes.registry import NodeExecutorFactory
from engine.workflow.compiled import CompiledBlock

logger = logging.getLogger(__name__)


class Environment:
    """The collaborators of the core.

    Args:
        store: keeps executions and their histories.
        factory: the node types.
        services: give nodes access to the outside.
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

    def callbacks(self, execution: Execution, block: CompiledBlock, prefix: str) -> dict[str, str]:
        """Return the callback URL of each node of a block that waits for a callback, by node id."""
        waiting = [node.id for node in block.body.nodes if self._has_callback(node.type)]
        base = self.services.api_url
        return {name: callback_url(base, execution.id, execution.secret, prefix + name) for name in waiting}

    async def notify(self, ref: ExecutionRef, waits: Sequence[str] = ()) -> None:
        """Notify the supervisor that there is work. If that fails, recovery finds the work later."""
        if self.services.notify is not None:
            try:
                await self.services.notify(str(ref), waits)
            except Exception:
                logger.exception("could not notify the supervisor")

    def _has_callback(self, node_type: str) -> bool:
        return self.factory.knows(node_type) and self.factory.node_class(node_type).has_callback
