"""Finds the history that contains a node: the execution's, or that of the map batch around the node."""

from __future__ import annotations

from engine.errors import NotFound
from engine.history.events import BatchId, History, WaitKind, wait_key
from engine.storage.history import HistoryRepository


def owner_of(histories: HistoryRepository, execution_id: str, path: str) -> str:
    """Return the execution, or the map batch, whose history contains the node at a path.

    Raises:
        NotFound: the loop has fewer items.
    """
    steps = path.split(".")[:-1]
    loops: dict[str, int] = {}
    for number, step in enumerate(steps):
        name, _, index = step[:-1].partition("[")
        loops[".".join([*steps[:number], name])] = int(index)
    waits = History.of(histories.get(execution_id, [wait_key(loop) for loop in loops])).waits
    for loop, wait in waits.items():
        if wait.kind is WaitKind.DISTRIBUTED_MAP:
            known = histories.load(wait.output)
            if loops[loop] >= known["count"]:
                raise NotFound(f"the loop `{loop}` has {known['count']} items")
            return str(BatchId(execution_id, loops[loop] // known["batch"], loop))
    return execution_id
