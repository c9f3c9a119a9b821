"""WorkflowEngine.advance(): drives one execution until it is finished, has to wait, or time runs low.

Any number of drivers may call it for the same execution, concurrently or after a crash: all that they know comes from
the history, and they record there whatever they find out before they act on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from engine.errors import ExecutionLost
from engine.execution.environment import Environment
from engine.execution.invocation import Invocation
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Decision, Next, Status
from engine.workflow.compiled import prepare, prepare_once


class WorkflowEngine(Environment):
    """Runs executions that are kept in a store."""

    async def advance(
        self, ref: ExecutionRef, remaining: Callable[[], float] = lambda: math.inf, *, driver_attempt: int | None = None
    ) -> Decision:
        """Run as much of the execution as can be run now.

        Args:
            ref: which execution, or which batch of a distributed map.
            remaining: returns the seconds that the caller has left; nothing is started that may not end in time.
            driver_attempt: the driver attempt of the caller; the call ends if there is a newer one.

        Returns:
            What to do next: call again, call again at a time or after a signal, or nothing since the status is
            final or the caller was superseded.

        Raises:
            ExecutionLost: there is no such execution.
        """
        try:
            snapshot = await self.store.load(ref)
        except ExecutionLost as lost:
            now = self.clock.now()
            error = {**lost.as_dict(), "node": None}
            final = await self.store.finish(ref, Status.FAILED, now, started_at=now, result=None, error=error)
            return Decision(final)
        if snapshot.execution.status.is_final:
            return Decision(snapshot.execution.status)
        if driver_attempt is not None and driver_attempt < snapshot.execution.driver_attempt:
            return Decision(Next.SUPERSEDED)
        if snapshot.execution.trial is not None:
            definition = snapshot.execution.trial.applied(snapshot.definition)
            snapshot = replace(snapshot, definition=definition)
            block = prepare_once(definition, self.factory)
        else:
            block = prepare(snapshot.definition, self.factory)
        return await Invocation(self, ref, snapshot, block, remaining).run()
