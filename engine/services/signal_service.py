"""Answering what waits: approvals by people, callbacks by other systems. The first answer stands, and only one."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from engine.clock import Clock
from engine.definition import NodeDefinition
from engine.executor import NodeExecutorFactory
from engine.journal import Journal
from engine.services.closing import Closing
from engine.storage.stores import Stores

logger = logging.getLogger(__name__)
_ANSWERABLE = {"approval": "approval", "wait_for_callback": "callback"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an answer belongs: `owner` is the execution, or the part of a spread loop, that has the node."""

    owner: str
    path: str
    node: NodeDefinition
    journal: Journal


class SignalService:
    """Takes the answers."""

    def __init__(self, stores: Stores, closing: Closing, clock: Clock) -> None:
        self._executions = stores.executions
        self._journals = stores.journals
        self._workflows = stores.workflows
        self._closing = closing
        self._clock = clock
        self._factory = NodeExecutorFactory()
