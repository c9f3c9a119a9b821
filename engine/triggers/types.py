"""The trigger types by name, and the validation of a definition's triggers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from engine import limits
from engine.json_value import dumps
from engine.triggers.definition import TriggerDefinition
from engine.triggers.event import EventConfig
from engine.triggers.schedule import ScheduleConfig
from engine.triggers.webhook import WebhookConfig
from engine.validation_messages import sentence

Config = ScheduleConfig | WebhookConfig | EventConfig

TRIGGER_TYPES: dict[str, type[Config]] = {
    "event": EventConfig,
    "schedule": ScheduleConfig,
    "webhook": WebhookConfig,
}


def config_of(trigger: TriggerDefinition) -> Config:
    """Return the config of a trigger that was validated when its workflow was saved."""
    return TRIGGER_TYPES[trigger.type].model_validate(trigger.config)


def problems_of(
    triggers: Sequence[TriggerDefinition], *, has_limit: bool, has_respond: bool
) -> Iterator[tuple[str, str, str]]:
    """Return the problems of well-formed triggers: path, code and message of each.

    Args:
        triggers: the triggers of one definition.
        has_limit: whether the workflow has a `concurrency`.
        has_respond: whether the workflow has a `respond` node.
    """
    seen: set[str] = set()
    for index, trigger in enumerate(triggers):
        where = f"triggers[{index}]"
        if trigger.id in seen:
            yield f"{where}.id", "duplicate_id", f"another trigger has the id `{trigger.id}` too"
        seen.add(trigger.id)
        if trigger.type not in TRIGGER_TYPES:
            known = ", ".join(sorted(TRIGGER_TYPES))
            yield f"{where}.type", "unknown_type", f"there is no trigger type `{trigger.type}`; there are {known}"
            continue
        try:
            config = config_of(trigger)
        except ValidationError as error:
            yield from ((path, "invalid_config", message) for path, message in _told(error, f"{where}.config"))
            continue
        if isinstance(config, ScheduleConfig) and config.overlap != "allow" and has_limit:
            message = "the workflow has a `concurrency`, which says what becomes of one more"
            yield f"{where}.config.overlap", "invalid_config", message
        if isinstance(config, WebhookConfig) and config.answer == "respond" and not has_respond:
            message = "no node of the workflow's outermost level is a `respond` node"
            yield f"{where}.config.answer", "invalid_config", message
    size = len(dumps([trigger.config for trigger in triggers]).encode())
    if size > limits.MAX_TRIGGERS_BYTES:
        message = f"the triggers' configs have at most {limits.MAX_TRIGGERS_BYTES} bytes, these have {size}"
        yield "triggers", "too_large", message


def _told(error: ValidationError, where: str) -> Iterator[tuple[str, str]]:
    for one in error.errors():
        path = where
        for step in _without_branch(one["loc"]):
            path += f"[{step}]" if isinstance(step, int) else f".{step}"
        yield path, sentence(one)


def _without_branch(location: tuple[Any, ...]) -> tuple[Any, ...]:
    """Remove the name of a union's branch, which Pydantic adds after `auth` and the document does not contain."""
    return (*location[:1], *location[2:]) if location[:1] == ("auth",) and len(location) > 1 else location
