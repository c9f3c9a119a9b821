"""Map workers: each drives every nth batch of a distributed loop, one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine import limits
from engine.execution.engine import WorkflowEngine
from engine.history.execution_ref import ExecutionRef
from engine.history.model import FINAL_STATUSES, Decision, Next, Status


@dataclass(frozen=True, slots=True)
class MapWorker:
    """One of the `of` map workers for the `batches` of a loop of an execution."""

    execution_id: str
    path: str
    of: int
    batches: int


async def advance_map_worker(
    engine: WorkflowEngine, map_worker: MapWorker, batch: int, remaining: Callable[[], float]
) -> tuple[Decision, int]:
    """Run a map worker until its batch has to wait, time runs low, or it is done.

    Args:
        engine: drives each batch as it drives an execution.
        map_worker: which one.
        batch: the number of its current batch; at the beginning that is the number of the worker.
        remaining: returns the seconds that are left.

    Returns:
        What to do next, `done` at the end, and the number of its current batch.
    """
    number = batch
    while number < map_worker.batches:
        if remaining() < 2 * limits.INVOCATION_RESERVE:
            return Decision(Next.CONTINUE), number
        batch_ref = ExecutionRef.of_batch(map_worker.execution_id, map_worker.path, number)
        decision = await engine.advance(batch_ref, remaining)
        if decision.next not in FINAL_STATUSES:
            return decision, number
        if decision.next != Status.SUCCEEDED:
            return Decision(Next.DONE), number  # the loop has failed, or is no longer needed
        number += map_worker.of
    return Decision(Next.DONE), number
