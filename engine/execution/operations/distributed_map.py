"""Distributed maps: loops so big that other drivers work on their items."""

from __future__ import annotations

from engine import limits
from engine.execution.environment import Environment
from engine.execution.operations.step import RecordThenAct, Worker
from engine.execution.scope_instance import LoopRun
from engine.history.events import Entry, Wait


async def distribute(
    environment: Environment, worker: Worker, execution_id: str, loop: LoopRun, record: RecordThenAct
) -> Entry:
    """Put a loop's items where other drivers find them, and record that these are waited for."""
    items = loop.items or ()
    reads = loop.region.reads
    await worker.load(loop.frame, reads)
    around = loop.frame.context.within(reads, {}).data
    scope = {name: around[name] for name in around if name != "vars"}
    facts = await environment.store.spread(execution_id, items, scope)
    lanes = max(1, loop.concurrency // limits.LANE_CONCURRENCY)
    output = {
        **facts,
        "lanes": min(lanes, -(-len(items) // limits.BATCH_ITEMS)),
        "concurrency": min(loop.concurrency, limits.LANE_CONCURRENCY),
        "collect": loop.collect,
    }
    return await record(Wait(loop.path, 1, "fan_out", loop.started_at, None, output))
