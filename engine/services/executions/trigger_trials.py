"""Test runs of triggers: with a sample, or with the data that the trigger received last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine import limits
from engine.errors import Conflict, InvalidInput
from engine.json_value import dumps
from engine.storage.payloads import OMITTED
from engine.storage.repositories import Repositories
from engine.triggers.definition import TriggerDefinition
from engine.triggers.samples import sample
from engine.triggers.types import config_of

_MOST_BYTES = 1024 * 1024


def trial_trigger(
    repositories: Repositories,
    workflow_id: str,
    trigger: TriggerDefinition,
    payload: Mapping[str, Any] | None,
    now: datetime,
    *,
    last: bool,
    where: str = "payload",
) -> dict[str, Any]:
    """Return the value of `trigger` in a test run that a trigger starts.

    Args:
        repositories: the repositories.
        workflow_id: the workflow of the trigger.
        trigger: the trigger; it may be in a draft only.
        payload: parts of `trigger` that replace the sample's, such as `body`.
        now: the time.
        last: use the data that the trigger received last instead of a sample.
        where: the field of the request that has the payload.

    Raises:
        Conflict: code `nothing_captured`: the trigger has not received anything yet.
        InvalidInput: the payload has parts that this type does not have, or is too large.
    """
    base: Mapping[str, Any] | None = sample(trigger, config_of(trigger), now)
    if last:
        base = last_trigger(repositories, workflow_id, trigger.id)
    if base is None:
        raise Conflict("this trigger has started nothing yet that could be repeated", code="nothing_captured")
    for name in payload or {}:
        if name not in base:
            known = ", ".join(f"`{one}`" for one in base)
            raise InvalidInput.at(f"{where}.{name}", f"a {trigger.type} gives {known}")
    value = {**base, **(payload or {})}
    if len(dumps(value).encode()) > limits.MAX_INPUT_BYTES:
        raise InvalidInput.at(where, f"it has at most {limits.MAX_INPUT_BYTES} bytes")
    return {**value, "type": trigger.type, "trigger_id": trigger.id, "test": True}


def last_trigger(repositories: Repositories, workflow_id: str, trigger_id: str) -> dict[str, Any] | None:
    """Return the value of `trigger` in the newest ended execution that this trigger started; None if there is none."""
    for execution_id in sorted(repositories.triggers.get(workflow_id, trigger_id).recent, reverse=True):
        found = repositories.executions.find(execution_id, payloads=True, at_most=_MOST_BYTES)
        if found is not None and found.execution.trigger.get("body") is not OMITTED:
            return {name: value for name, value in found.execution.trigger.items() if name != "type"}
    return None
