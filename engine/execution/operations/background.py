"""Carries out the commands that append to the history."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from engine.execution.commands import Abandon, Append, Attempt, Distribute, Expire, InBackground, RecordValue, Resolve
from engine.execution.context import ExecutionContext
from engine.execution.environment import Environment
from engine.execution.operations.distributed_map import distribute
from engine.execution.operations.step import RecordThenAct, StepRunner
from engine.execution.scope_instance import ScopeInstance
from engine.history.events import HistoryEvent, PendingSignal, Signal, SignalStatus
from engine.history.execution_ref import ExecutionRef
from engine.workflow.compiled import CompiledBlock, find_block


@dataclass(frozen=True)
class Operations:
    """The operations of one invocation; `record` appends their findings to the history."""

    environment: Environment
    ref: ExecutionRef
    block: CompiledBlock
    step_runner: StepRunner
    record: RecordThenAct

    def carry_out(self, command: InBackground) -> Coroutine[Any, Any, HistoryEvent | None]:
        """Carry out a command, however long it takes; return what stands in the history afterwards."""
        match command:
            case Append(_, event) | RecordValue(_, event) | Expire(_, _, event):
                work: Coroutine[Any, Any, HistoryEvent | None] = self.record(event)
            case Attempt(scope_instance, node_id, number, postponed):
                work = self.step_runner.perform(scope_instance, scope_instance.block.nodes[node_id], number, postponed)
            case Resolve(scope_instance, wait, signal):
                work = self._resolve(scope_instance, wait, signal)
            case Abandon(_, wait, signal):
                work = self._abandon(wait, signal)
            case Distribute(loop):
                work = distribute(self.environment, self.step_runner, self.ref, loop, self.record)
        return work

    async def _resolve(self, scope_instance: ScopeInstance, wait: PendingSignal, signal: Signal) -> HistoryEvent:
        """Record how a node with a signal goes on: another driver may have decided otherwise without the signal."""
        node = scope_instance.block.nodes[wait.path.rpartition(".")[2]]
        return await self.record(await self.step_runner.resolve(scope_instance, node, wait, signal))

    async def _abandon(self, wait: PendingSignal, dropped: Signal) -> HistoryEvent:
        """Record that a signal is no longer awaited: later answers are refused, and what was started for it is ended.

        Whoever answered before was told that the answer counts: then the node ends with that answer.
        """
        stands = await self.record(dropped, wait)
        if not isinstance(stands, Signal):
            raise TypeError("a signal's key holds a signal")
        if stands.status is SignalStatus.ABANDONED:
            return stands
        prefix = wait.path.rpartition(".")[0]
        block = find_block(self.block, prefix)
        scope_instance = ScopeInstance(block, ExecutionContext({}), f"{prefix}." if prefix else "")
        return await self._resolve(scope_instance, wait, stands)
