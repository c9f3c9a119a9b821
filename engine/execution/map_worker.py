"""Lanes: the drivers of a loop that is spread over several. Each works on every so many-th batch, one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine import limits
from engine.execution.engine import WorkflowEngine
from engine.history.events import BatchId
from engine.history.model import FINAL_STATUSES, Decision, Status

DONE = "done"


@dataclass(frozen=True, slots=True)
class Lane:
    """One of the `of` lanes for the `batches` of a loop of an execution."""

    execution_id: str
    path: str
    of: int
    batches: int


async def advance_lane(
    engine: WorkflowEngine, lane: Lane, batch: int, remaining: Callable[[], float]
) -> tuple[Decision, int]:
    """Work on a lane until something in it has to wait, or time runs low, or it is done.

    Args:
        engine: drives each batch as it drives an execution.
        lane: which one.
        batch: the number of the batch that it has come to; at the beginning that is the number of the lane.
        remaining: gives the seconds that are left.

    Returns:
        What to do next, `done` at the end, and the number of the batch that it has come to.
    """
    number = batch
    while number < lane.batches:
        if remaining() < 2 * limits.TURN_RESERVE:
            return Decision("again"), number
        part = str(BatchId(lane.execution_id, number, lane.path))
        decision = await engine.advance(part, remaining)
        if decision.next not in FINAL_STATUSES:
            return decision, number
        if decision.next != Status.SUCCEEDED:
            return Decision(DONE), number  # the loop has failed, or nobody wants it any more
        number += lane.of
    return Decision(DONE), number
