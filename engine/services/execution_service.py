"""Starting, watching and cancelling executions."""

from __future__ import annotations

from dataclasses import dataclass

from engine.execution import Execution
from engine.executor import NodeExecutorFactory
from engine.services.closing import Closing
from engine.services.starting import Starter
from engine.states import NodeState
from engine.storage.stores import Stores

SHOWN_BYTES = 4 * 1024 * 1024
"""What an answer may hold. Lambda gives back at most 6 MB."""


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """An execution with the state of each of its nodes."""

    execution: Execution
    nodes: list[NodeState]


class ExecutionService:
    """Everything about executions, for one caller at a time."""

    def __init__(self, stores: Stores, starter: Starter, closing: Closing) -> None:
        self._executions = stores.executions
        self._journals = stores.journals
        self._workflows = stores.workflows
        self._starter = starter
        self._closing = closing
        self._factory = NodeExecutorFactory()
