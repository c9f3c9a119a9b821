"""The sandbox, on this machine, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from engine.nodes.context import NodeServices
from functions.sandbox.handler import Runner, run
from infrastructure.guests.build import local_guests


@cache
def runner() -> Runner:
    """The one of this process; it ends with it."""
    return Runner(local_guests())


def sandboxed(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the function answers to an event, which comes as JSON."""
    return run({"seconds": 20, "memory_mb": 64, **json.loads(json.dumps(dict(event)))}, runner())


async def _sandbox(event: Mapping[str, Any]) -> dict[str, Any]:
    return sandboxed(event)


SERVICES = NodeServices(sandbox=_sandbox)
"""What nodes that run code need."""
