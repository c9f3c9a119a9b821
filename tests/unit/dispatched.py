"""What tests of triggers share: active workflows, the dispatcher and the webhooks of a world."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3

from engine.clock import format_time
from engine.security.secrets import SecretBox
from engine.services.triggers.dispatch import Dispatcher
from engine.services.triggers.listeners import ListenerIndex
from engine.services.triggers.webhook_addresses import hook_token
from engine.services.triggers.webhook_response import WebhookResponder
from engine.services.triggers.webhooks import WebhookService
from engine.triggers.signatures import Delivery
from tests.stored import set_active
from tests.world import WORKSPACE, World

QUICK = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "{{ trigger.body }}"}}]}


CRON = {"id": "t", "type": "schedule", "config": {"cron": "0 * * * *", "input": {"n": 1}}}


def active(world: World, definition: dict[str, Any], *triggers: dict[str, Any]) -> str:
    workflow_id = world.workflow({**definition, "triggers": list(triggers)})
    found = world.repositories.workflows.find(workflow_id)
    assert found is not None
    world.fate.spared = True
    set_active(world.repositories.workflows, found, active=True)
    world.fate.spared = False
    return workflow_id


def dispatcher(world: World) -> Dispatcher:
    listening = ListenerIndex(world.repositories.listeners)
    return Dispatcher(
        world.repositories, world.starter, listening, world.clock, together=1
    )  # moto copies what others change


def hour(world: World, number: int) -> str:
    begin = world.clock.now().replace(minute=0, second=0, microsecond=0)
    return format_time(begin + timedelta(hours=number))


def hooks(world: World, advance: Any = None) -> WebhookService:
    box = SecretBox(lambda: boto3.client("kms"), "key")
    answering = WebhookResponder(world.repositories, world.machine, advance or (lambda _: "succeeded"), lambda _: None)
    return WebhookService(world.repositories, world.starter, answering, box, "https://api.example", world.clock)


def delivered(name: str = "d-1") -> Delivery:
    headers = {"content-type": "application/json", "x-id": name}
    return Delivery("POST", "/", headers, {}, b'{"n": 1}')


def token(world: World, workflow_id: str) -> str:
    return hook_token(world.repositories.workflows.get(WORKSPACE, workflow_id), "t")
