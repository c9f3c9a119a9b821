"""What tests of triggers share: live workflows, webhooks, and looking until something is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.e2e.conftest import Caller

ECHO = {"id": "echo", "type": "transform", "config": {"value": "{{ trigger }}"}}


def eventually(look: Callable[[], Any], seconds: float = 20) -> Any:
    """What a look finds as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def live(who: Caller, triggers: list[dict[str, Any]], nodes: list[Any] | None = None, **more: Any) -> str:
    """A new active workflow's id."""
    definition = {"nodes": nodes or [ECHO], "triggers": triggers, **more}
    workflow_id = who.workflow(definition)["id"]
    who.ok("POST", f"/api/workflows/{workflow_id}/activate")
    return workflow_id


def hook(who: Caller, config: dict[str, Any], nodes: list[Any] | None = None, secret: str | None = None) -> str:
    """The URL of the webhook of a new active workflow."""
    workflow_id = live(who, [{"id": "in", "type": "webhook", "config": config}], nodes)
    if secret is not None:
        who.ok("PUT", f"/api/workflows/{workflow_id}/triggers/in/secret", json={"secret": secret})
    return trigger(who, workflow_id)["url"]


def trigger(who: Caller, workflow_id: str, name: str = "in") -> dict[str, Any]:
    return who.ok("GET", f"/api/workflows/{workflow_id}/triggers/{name}")


def runs_of(who: Caller, workflow_id: str) -> list[dict[str, Any]]:
    return who.ok("GET", "/api/executions", params={"workflow_id": workflow_id})["items"]
