"""What tells one delivery from another: ids of senders, signatures, and the keys of API callers, each by itself."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import boto3
import pytest

from engine.errors import TooManyRequests
from engine.schemas.executions import StartBody
from engine.security.secrets import SecretBox, hook_context
from engine.services.principal import Principal
from engine.triggers.signatures import Delivery
from tests.unit.conftest import Aws
from tests.unit.dispatched import QUICK, active, delivered, hooks, token
from tests.world import AT, WORKSPACE, World, execution_service

USER = Principal("user-1", "session", WORKSPACE, "owner", is_admin=True)
SECRET = "s3cret"


def test_a_key_of_an_api_caller_cannot_swallow_a_delivery(aws: Aws):
    world = World(aws)
    trigger = {"id": "t", "type": "webhook", "config": {"delivery_id_header": "x-id"}}
    workflow_id = active(world, QUICK, trigger)
    api = execution_service(world)
    for kind in ("hook", "signature", "event"):
        api.start(USER, StartBody(workflow_id=workflow_id, input=1), f"{kind} {workflow_id} t d-1")

    hooks(world).receive(token(world, workflow_id), delivered("d-1"))

    assert sum(one.trigger_type == "webhook" for one in world.all()) == 1


def signed(auth: dict[str, Any], name: str, body: bytes, stamp: str) -> Delivery:
    """A delivery that is signed as GitHub does, or with a time, under an id that is not signed."""
    has_time = auth["type"] == "hmac"
    text = stamp.encode() + b"." + body if has_time else body
    signature = hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-github-delivery": name, "x-id": name, "x-time": stamp}
    headers |= {"x-signature": signature, "x-hub-signature-256": f"sha256={signature}"}
    return Delivery("POST", "/", headers, {}, body)


@pytest.mark.parametrize(
    "auth", [{"type": "github"}, {"type": "hmac", "header": "x-signature", "timestamp_header": "x-time"}]
)
def test_a_signed_delivery_that_is_replayed_under_another_id_is_the_same(aws: Aws, auth: dict[str, Any]):
    world = World(aws)
    config = {"auth": auth, **({"delivery_id_header": "x-id"} if auth["type"] == "hmac" else {})}
    workflow_id = active(world, QUICK, {"id": "t", "type": "webhook", "config": config})
    service = hooks(world)
    kms = boto3.client("kms")
    service._box = SecretBox(lambda: kms, kms.create_key()["KeyMetadata"]["KeyId"])
    workflow = world.repositories.workflows.get(WORKSPACE, workflow_id)
    sealed = service._box.seal(SECRET, hook_context(WORKSPACE, workflow_id, "t"))
    world.repositories.workflows.set_secret(workflow, "t", sealed, AT)
    stamp = str(int(world.clock.now().timestamp()))

    for name, body in (("d-1", b'{"n": 1}'), ("d-2", b'{"n": 1}'), ("d-3", b'{"n": 2}'), ("d-3", b'{"n": 2}')):
        service.receive(token(world, workflow_id), signed(auth, name, body, stamp))

    assert [one.trigger["body"]["n"] for one in world.all()] == [1, 2]


def test_what_is_over_the_rate_is_counted_as_refused(aws: Aws):
    world = World(aws)
    workflow_id = active(world, QUICK, {"id": "t", "type": "webhook", "config": {"rate_per_minute": 1}})
    hooks(world).receive(token(world, workflow_id), delivered())
    for _ in range(2):
        with pytest.raises(TooManyRequests):
            hooks(world).receive(token(world, workflow_id), delivered())

    state = world.repositories.triggers.get(workflow_id, "t")
    assert (state.fired, state.refused) == (1, 2)
    assert "1 deliveries a minute" in str(state.last_refusal)
