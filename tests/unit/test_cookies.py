"""The cookie that keeps a browser's session: when it is set, for which paths, and who may use it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from engine.schemas.users import Registration
from engine.services.auth import AuthService
from engine.services.principal import Principal
from functions import container
from functions.auth.cookies import keeping
from functions.auth.handler import handler
from tests.unit.conftest import Aws

ADA = {"email": "ada@example.com", "password": "correct horse battery"}
API = "http://127.0.0.1:4566/_aws/execute-api/a5c0de00"
HOST = "127.0.0.1:4566"


@pytest.fixture(autouse=True)
def auth(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> AuthService:
    service = AuthService(
        aws.users,
        aws.workspaces,
        aws.invitations,
        lambda: {"current": "k", "k": "0" * 64},
        aws.clock,
        open_registration=False,
    )
    service.register(Registration.model_validate({**ADA, "full_name": "Ada"}))
    monkeypatch.setattr(container, "auth_service", lambda: service)
    monkeypatch.setattr(container, "settings", SimpleNamespace(api_url=API))
    return service


def call(
    route: str,
    body: dict[str, Any],
    *,
    cookie: str | None = None,
    apart: bool = False,
    own: bool = True,
    query: str = "session=cookie",
) -> dict[str, Any]:
    path = f"/api/auth/{route}"
    headers = {"host": HOST, "content-type": "application/json", "user-agent": "Mozilla/5.0"}
    if own:
        headers["x-mainspring-console"] = "1"
    if cookie and not apart:
        headers["cookie"] = f"theme=dark; {cookie}; other=1"
    event = {
        "version": "2.0",
        "routeKey": f"POST {path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "cookies": ["theme=dark", cookie] if cookie and apart else [],
        "queryStringParameters": dict([query.split("=")]) if query else {},
        "requestContext": {
            "http": {"method": "POST", "path": path, "sourceIp": "127.0.0.1"},
            "stage": "$default",
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
    answer = handler(event, SimpleNamespace(aws_request_id="r"))
    return {**answer, "json": json.loads(answer["body"] or "null")}


def kept(answer: dict[str, Any]) -> str:
    return str(answer["headers"]["set-cookie"]).partition(";")[0]


def test_a_browsers_refresh_token_is_in_the_cookie_and_nowhere_else():
    answer = call("login", ADA)
    cookie = answer["headers"]["set-cookie"]
    attributes = {one.strip().partition("=")[0]: one.strip().partition("=")[2] for one in cookie.split(";")[1:]}

    assert answer["statusCode"] == 200
    assert answer["json"]["refresh_token"] is None
    assert answer["json"]["access_token"]
    assert attributes.keys() == {"Path", "Max-Age", "HttpOnly", "Secure", "SameSite"}
    assert attributes["SameSite"] == "Strict"
    assert attributes["Path"] == "/_aws/execute-api/a5c0de00/api/auth/"


def test_without_the_parameter_it_is_in_the_answer_and_there_is_no_cookie():
    answer = call("login", ADA, query="", own=False)

    assert answer["json"]["refresh_token"]
    assert "set-cookie" not in answer["headers"]


@pytest.mark.parametrize("apart", [True, False], ids=["as AWS sends it", "as emulators do"])
def test_the_cookie_is_replaced_with_each_refresh(apart: bool):
    first = kept(call("login", ADA))
    answer = call("refresh", {}, cookie=first, apart=apart)

    assert answer["statusCode"] == 200
    assert kept(answer) != first
    assert call("refresh", {}, cookie=kept(answer), apart=apart)["statusCode"] == 200


@pytest.mark.parametrize(("route", "body"), [("login", ADA), ("refresh", {})])
def test_cookie_is_useless_to_other_sites(route: str, body: dict[str, Any]):
    """It can have the browser send the cookie where SameSite is not known, but not a header of ours."""
    cookie = kept(call("login", ADA))
    answer = call(route, body, cookie=cookie, own=False)

    assert (answer["statusCode"], answer["json"]["error"]["code"]) == (403, "own_header_missing")
    assert "set-cookie" not in answer["headers"]


@pytest.mark.parametrize(
    ("host", "before", "path"),
    [
        ("a5c0de00.execute-api.localhost:4566", "", "/api/auth/"),
        ("flows.example.com", "/automation", "/automation/api/auth/"),
        ("flows.example.com", "/a; Domain=example.com", "/api/auth/"),
    ],
)
def test_its_path_is_where_the_browser_has_the_api(host: str, before: str, path: str):
    event = {"rawPath": f"{before}/api/auth/login", "headers": {"Host": host}}

    assert f"; Path={path}; " in keeping(event, API, "token")["set-cookie"]


def test_two_apis_on_one_host_have_cookies_of_their_own(monkeypatch: pytest.MonkeyPatch):
    one = kept(call("login", ADA)).partition("=")[0]
    monkeypatch.setattr(container, "settings", SimpleNamespace(api_url=API.replace("4566", "4567")))

    assert kept(call("login", ADA)).partition("=")[0] != one


def test_request_without_the_cookie_is_unauthenticated():
    answer = call("refresh", {})

    assert (answer["statusCode"], answer["json"]["error"]["code"]) == (401, "no_session")


@pytest.mark.parametrize(("query", "body"), [("", {}), ("session=cookie", {"refresh_token": "x"})])
def test_a_refresh_says_where_its_token_has_to_be(query: str, body: dict[str, Any]):
    answer = call("refresh", body, query=query)

    assert answer["statusCode"] == 422
    assert answer["json"]["error"]["details"][0]["path"] == "refresh_token"


def test_a_cookie_whose_session_has_ended_is_taken_from_the_browser(auth: AuthService):
    """Else it would be sent for a month with every refresh, and look like a session."""
    cookie = kept(call("login", ADA))
    user_id, session_id = cookie.partition("=")[2].split(".")[:2]
    auth.logout(Principal(user_id, session_id, "", "owner", is_admin=False))
    answer = call("refresh", {}, cookie=cookie)

    assert (answer["statusCode"], answer["json"]["error"]["code"]) == (401, "invalid_token")
    assert answer["headers"]["set-cookie"].startswith(f"{cookie.partition('=')[0]}=; ")
    assert "; Max-Age=0; " in answer["headers"]["set-cookie"]


def test_a_refused_token_of_a_body_takes_no_cookie():
    answer = call("refresh", {"refresh_token": "a.b.c.d"}, query="", own=False)

    assert answer["statusCode"] == 401
    assert "set-cookie" not in answer["headers"]
