"""Finds the history that contains a node: the execution's, or that of the map batch around the node."""

from __future__ import annotations

from engine.errors import NotFound
from engine.history.events import History, WaitKind, wait_key
from engine.history.execution_ref import ExecutionRef
from engine.storage.history import HistoryRepository


def ref_of_node(histories: HistoryRepository, execution_id: str, path: str) -> ExecutionRef:
    """Return the execution, or the map batch, whose history contains the node at a path.

    Raises:
        NotFound: the loop has fewer items.
    """
    ref = ExecutionRef(execution_id)
    steps = path.split(".")[:-1]
    loops: dict[str, int] = {}
    for number, step in enumerate(steps):
        name, _, index = step[:-1].partition("[")
        loops[".".join([*steps[:number], name])] = int(index)
    waits = History.of(histories.get(ref, [wait_key(loop) for loop in loops])).waits
    for loop, wait in waits.items():
        if wait.kind is WaitKind.DISTRIBUTED_MAP:
            stored = histories.load(wait.output)
            if loops[loop] >= stored["count"]:
                raise NotFound(f"the loop `{loop}` has {stored['count']} items")
            return ExecutionRef.of_batch(execution_id, loop, loops[loop] // stored["batch"])
    return ref
