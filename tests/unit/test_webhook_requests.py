"""What browsers and monitors ask of a webhook, and bodies that did not come through whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from engine.errors import MainspringError, NotFound
from engine.triggers.signatures import Delivery
from engine.triggers.webhook import WebhookConfig
from functions.platform import handler as platform
from functions.webhooks import handler as webhooks
from tests.unit.conftest import Aws
from tests.unit.dispatched import QUICK, active, delivered, hooks, token
from tests.world import World

APP = "https://app.example"
ASKED = {"origin": APP, "access-control-request-method": "POST", "access-control-request-headers": "x-a"}


def hook(world: World, **config: Any) -> str:
    """The token of an active one."""
    return token(world, active(world, QUICK, {"id": "t", "type": "webhook", "config": config}))


def test_pages_of_origins_that_are_allowed_may_call_from_a_browser(aws: Aws):
    world = World(aws)
    address = hook(world, cors_origins=[APP])
    asked = hooks(world).receive(address, Delivery("OPTIONS", "/", {**ASKED, "origin": "https://App.example"}, {}, b""))
    allowed = {name.removeprefix("access-control-allow-"): value for name, value in asked.headers.items()}
    assert (asked.status, asked.body, allowed["origin"]) == (204, b"", "https://App.example")
    assert (allowed["methods"], allowed["headers"]) == ("POST", "x-a")
    taken = hooks(world).receive(address, replace(delivered(), headers={"origin": APP}))
    assert (taken.status, taken.headers["access-control-allow-origin"]) == (202, APP)
    for change in ({"origin": "https://evil.example"}, {"access-control-request-method": "PUT"}, {"origin": ""}):
        with pytest.raises(NotFound):
            hooks(world).receive(address, Delivery("OPTIONS", "/", {**ASKED, **change}, {}, b""))
    other = hooks(world).receive(address, replace(delivered(), headers={"origin": "https://evil.example"}))
    assert "access-control-allow-origin" not in other.headers
    with pytest.raises(MainspringError) as caught:
        hooks(world).receive(address, Delivery("POST", "/", {"origin": APP}, {}, b"{"))
    assert caught.value.headers["access-control-allow-origin"] == APP
    world.settle()
    assert len(world.results()) == 2


def test_head_is_answered_and_starts_nothing(aws: Aws):
    world = World(aws)
    address = hook(world, methods=["POST", "HEAD"], cors_origins=["*"])
    answer = hooks(world).receive(address, Delivery("HEAD", "/", {"origin": "https://any.example"}, {}, b""))
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
    world.settle()
    assert world.results() == []


def test_head_and_options_are_not_found_unless_configured(aws: Aws):
    world = World(aws)
    address = hook(world)
    for method in ("HEAD", "OPTIONS"):
        with pytest.raises(NotFound):
            hooks(world).receive(address, Delivery(method, "/", ASKED, {}, b""))


def test_bytes_that_were_damaged_on_the_way_are_refused(aws: Aws):
    world = World(aws)
    address = hook(world, body="base64")
    with pytest.raises(MainspringError, match="octet-stream"):
        hooks(world).receive(address, Delivery("POST", "/", {}, {}, "a\ufffd".encode(), may_be_damaged=True))


@pytest.mark.parametrize(
    "config", [{"methods": ["HEAD"]}, {"cors_origins": ["a.example"]}, {"cors_origins": [f"{APP}/c"]}]
)
def test_invalid_webhook_config_is_refused(config: dict[str, Any]):
    with pytest.raises(ValidationError):
        WebhookConfig.model_validate(config)


def test_every_http_method_reaches_the_service(monkeypatch: pytest.MonkeyPatch):
    """Through the resolver, with the events that API Gateway sends."""
    seen: list[Delivery] = []

    class Service:
        def receive(self, token: str, delivery: Delivery) -> Any:
            seen.append(delivery)
            raise NotFound(token)

    monkeypatch.setattr(webhooks.container, "webhook_service", Service)
    for method in ("OPTIONS", "HEAD", "POST"):
        for path, key in (("/hooks/T", "ANY /hooks/{token}"), ("/hooks/T/a/b", "ANY /hooks/{token}/{path+}")):
            event = {
                "version": "2.0", "routeKey": key, "rawPath": path, "rawQueryString": "", "headers": {"Origin": APP},
                "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
                "body": "a\ufffd", "isBase64Encoded": False,
            }  # fmt: skip
            assert webhooks.handler(event, None)["statusCode"] == 404
            assert (seen[-1].method, seen[-1].may_be_damaged) == (method, True)
            assert seen[-1].path == (path.removeprefix("/hooks/T") or "/")
    assert len(seen) == 6


@pytest.mark.parametrize("path", ["/hooks/T/", "/hooks/", "/hooks/T/a/"])
def test_no_caller_of_a_hook_is_told_to_sign_in(path: str):
    """What no route of hooks takes comes by the route of unknown addresses."""
    event = {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {},
        "requestContext": {"http": {"method": "POST", "path": path}, "stage": "$default"}, "isBase64Encoded": False,
    }  # fmt: skip
    answer = platform.handler(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (404, "not_found")


def test_a_slash_behind_the_address_does_no_harm(aws: Aws):
    world = World(aws)
    taken = hooks(world).receive(hook(world), replace(delivered(), path="/"))
    assert taken.status == 202
