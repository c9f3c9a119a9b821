"""What all invocations of a process share: the store, the node types, what reaches outside, the clock and chance."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from random import Random, SystemRandom

from engine.clock import Clock, SystemClock
from engine.execution.callbacks import callback_url
from engine.history.model import Execution
from engine.history.store import ExecutionStore
from engine.nodes.context import NodeServices
from engine.nodes.registry import NodeExecutorFactory
from engine.workflow.compiled import CompiledBlock

logger = logging.getLogger(__name__)


class Environment:
    """The collaborators of the core.

    Args:
        store: where executions and their histories are.
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

    def callbacks(self, execution: Execution, block: CompiledBlock, prefix: str) -> dict[str, str]:
        """The URL of each node of a region that waits for a callback, by id."""
        waiting = [node.id for node in block.body.nodes if self._has_callback(node.type)]
        base = self.services.api_url
        return {name: callback_url(base, execution.id, execution.secret, prefix + name) for name in waiting}

    async def notify(self, owner: str, waits: Sequence[str] = ()) -> None:
        """Tell the supervisor that there is something to do. If that fails, recovery finds it."""
        if self.services.notify is not None:
            try:
                await self.services.notify(owner, waits)
            except Exception:
                logger.exception("the supervisor could not be told")

    def _has_callback(self, node_type: str) -> bool:
        return self.factory.knows(node_type) and self.factory.node_class(node_type).has_callback
