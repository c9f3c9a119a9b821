"""Connecting an account: who asks is said, and what begins in one browser ends in no other."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from engine import limits
from engine.schemas.integrations import IntegrationBody
from engine.services.oauth_consent import OAuthConsent
from functions.integrations import handler as integrations
from tests.unit.conftest import Aws
from tests.unit.test_integration_changes import ANN, CONFIGS, Desk

API = "https://api.example"


@pytest.fixture
def desk(aws: Aws) -> Desk:
    return Desk(aws)


def began(desk: Desk) -> tuple[OAuthConsent, str]:
    """The flow, and the state of one that Ann has begun."""
    body = IntegrationBody(
        name="<calendar>", type="oauth2_authorization_code", config=CONFIGS["oauth2_authorization_code"]
    )
    made = desk.service.create(ANN, body).id
    oauth_consent = OAuthConsent(desk.aws.repositories, desk.registry, desk.opener, API, desk.aws.clock)
    url, _ = oauth_consent.begin(ANN, made)
    assert url.startswith(f"{API}/api/oauth/start?state=")
    return oauth_consent, parse_qs(urlsplit(url).query)["state"][0]


def test_consent_page_names_who_asks_and_for_what(desk: Desk):
    oauth_consent, state = began(desk)
    status, page = oauth_consent.ask(state)
    assert status == 200
    for said in (ANN.email, "&lt;calendar&gt;", ANN.workspace_id, "api.example", f"go?state={state}", "login.example"):
        assert said in page
    assert oauth_consent.ask("made-up")[0] == 400
    desk.aws.clock.moment = desk.aws.clock.moment.replace(hour=23)
    assert oauth_consent.ask(state)[0] == 400
    assert oauth_consent.go(state, "") is None


def test_consent_is_bound_to_the_browser_that_began_it(desk: Desk):
    oauth_consent, state = began(desk)
    assert asyncio.run(oauth_consent.finish(state, "code", "", "a-cookie"))[0] == 400  # nobody has gone on yet
    assert asyncio.run(oauth_consent.finish(state, "code", "", ""))[0] == 400
    found = oauth_consent.go(state, "")
    assert found is not None
    url, cookie = found
    assert parse_qs(urlsplit(url).query)["state"] == [state]
    again = oauth_consent.go(state, cookie)  # the page was loaded again
    assert again is not None
    assert again[1] == cookie
    assert oauth_consent.go(state, "") is None
    assert oauth_consent.go(state, "another browser") is None
    assert "another browser" in asyncio.run(oauth_consent.finish(state, "code", "", "another browser"))[1]
    status, page = asyncio.run(oauth_consent.finish(state, "", "access_denied", cookie))
    assert (status, "access_denied" in page) == (400, True)
    assert asyncio.run(oauth_consent.finish(state, "code", "", cookie))[1].count("not good any more") == 1  # good once


@pytest.mark.parametrize(
    "cookies", [{"cookies": ["a=b", "mainspring_consent=C"]}, {"headers": {"cookie": "mainspring_consent=C; a=b"}}]
)
def test_the_cookie_is_found_wherever_api_gateway_puts_it(monkeypatch: pytest.MonkeyPatch, cookies: dict[str, Any]):
    seen: list[Any] = []

    class Flow:
        async def finish(self, *given: Any) -> tuple[int, str]:
            seen.append(given)
            return 200, "page"

        def go(self, *given: Any) -> tuple[str, str]:
            seen.append(given)
            return "https://login.example/?x", "C"

    monkeypatch.setattr(integrations.outbound, "oauth_consent", Flow)

    def asked(path: str, query: str) -> Any:
        event = {
            "version": "2.0", "routeKey": f"GET {path}", "rawPath": path, "rawQueryString": query, "headers": {},
            "queryStringParameters": dict(one.split("=") for one in query.split("&")),
            "requestContext": {"http": {"method": "GET", "path": path}, "stage": "$default"}, **cookies,
        }  # fmt: skip
        return integrations.handler(event, None)

    assert asked("/api/oauth/callback", "state=S&code=X")["statusCode"] == 200
    assert seen == [("S", "X", "", "C")]
    going = asked("/api/oauth/go", "state=S")
    assert (going["statusCode"], going["headers"]["location"]) == (303, "https://login.example/?x")
    for said in ("mainspring_consent=C", "HttpOnly", "SameSite=Lax", f"Max-Age={limits.CONNECT_SECONDS}"):
        assert said in going["headers"]["set-cookie"]
