"""Distributed maps: loops so big that other drivers work on their items."""

from __future__ import annotations

from engine import limits
from engine.execution.environment import Environment
from engine.execution.operations.step import RecordThenAct, StepRunner
from engine.execution.scope_instance import LoopRun
from engine.history.events import HistoryEvent, PendingSignal, WaitKind
from engine.history.execution_ref import ExecutionRef


async def distribute(
    environment: Environment, step_runner: StepRunner, ref: ExecutionRef, loop: LoopRun, record: RecordThenAct
) -> HistoryEvent:
    """Put a loop's items where other drivers find them, and record that their end is awaited."""
    items = loop.items or ()
    reads = loop.block.reads
    await step_runner.load(loop.scope_instance, reads)
    around = loop.scope_instance.context.within(reads, {}).data
    scope = {name: around[name] for name in around if name != "vars"}
    stored = await environment.store.distributed(ref, items, scope)
    map_workers = max(1, loop.concurrency // limits.MAP_WORKER_CONCURRENCY)
    output = {
        **stored,
        "map_workers": min(map_workers, -(-len(items) // limits.BATCH_ITEMS)),
        "concurrency": min(loop.concurrency, limits.MAP_WORKER_CONCURRENCY),
        "collect": loop.collect,
    }
    return await record(PendingSignal(loop.path, 1, WaitKind.DISTRIBUTED_MAP, loop.started_at, None, output))
