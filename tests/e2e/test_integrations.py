"""Integrations through the API: kept, used, bound to their hosts, renewed, and never told again."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.e2e.conftest import Caller
from tests.oauth_provider import Provider
from tests.peers import Answer, echo, peer

SECRET = "s3cret-öl/+ 'quoted\"-value"
PLAIN = "t0ken-of-the-shop"


def integration(caller: Caller, kind: str, name: str, config: dict[str, Any]) -> dict[str, Any]:
    """A new one."""
    return caller.ok("POST", "/api/integrations", json={"name": name, "type": kind, "config": config})


def call(url: str, named: str, **config: Any) -> dict[str, Any]:
    """A workflow of one request."""
    return {"nodes": [{"id": "call", "type": "http", "config": {"url": url, "integration": named, **config}}]}


def test_an_integration_is_made_shown_changed_used_and_deleted(admin: Caller):
    with peer() as shop:
        made = integration(
            admin,
            "http_basic",
            "shop of the story",
            {"hosts": [shop.netloc], "plain_http": True, "username": "ann", "password": SECRET},
        )
        assert (made["secrets"], made["hosts"], made["status"]) == (["password"], [shop.netloc], "ready")
        assert made["config"] == {"hosts": [shop.netloc], "plain_http": True, "ca_certificate": None, "username": "ann"}
        path = f"/api/integrations/{made['id']}"
        workflow = admin.workflow(call(f"{shop.url}/orders", "shop of the story"))
        done = admin.wait(admin.start(workflow["id"])["id"])
        assert done["status"] == "succeeded", done["error"]
        assert httpx2.BasicAuth("ann", SECRET)._auth_header == shop.requests[0]["headers"]["authorization"]  # type: ignore[attr-defined]
        assert done["result"]["call"]["body"]["headers"]["authorization"] == "Basic [redacted]"

        changed = admin.ok("PATCH", path, json={"description": "ours", "config": {**made["config"], "username": "bob"}})
        assert (changed["version"], changed["secrets"]) == (2, ["password"])
        admin.wait(admin.start(workflow["id"])["id"])
        assert httpx2.BasicAuth("bob", SECRET)._auth_header == shop.requests[1]["headers"]["authorization"]  # type: ignore[attr-defined]
        elsewhere = {**made["config"], "hosts": ["evil.example"]}
        refused = admin.request("PATCH", path, json={"config": elsewhere})
        assert (refused.status_code, refused.json()["error"]["details"][0]["path"]) == (422, "config.password")

        usages = admin.ok("GET", f"{path}/usages")["items"]
        assert [(one["workflow_id"], one["by"]) for one in usages] == [(workflow["id"], "name")]
        assert [(node["id"], node["type"]) for node in usages[0]["nodes"]] == [("call", "http")]
        for change in (
            admin.request("DELETE", path),
            admin.request("PATCH", path, json={"name": "another name"}),
        ):
            assert (change.status_code, change.json()["error"]["code"]) == (409, "in_use")
            assert change.json()["error"]["details"][0]["workflow_id"] == workflow["id"]
        assert admin.request("DELETE", path, params={"force": "true"}).status_code == 204
        assert admin.request("GET", path).status_code == 404
        gone = admin.wait(admin.start(workflow["id"])["id"])
        assert (gone["status"], gone["error"]["code"]) == ("failed", "no_integration")
        assert len(shop.requests) == 2


def test_every_authentication_scheme_signs_requests(admin: Caller):
    with peer() as api:
        base = {"hosts": [api.netloc], "plain_http": True}
        integration(admin, "http_bearer", "signed by token", {**base, "token": PLAIN})
        integration(admin, "http_api_key", "signed in query", {**base, "place": "query", "name": "key", "key": PLAIN})
        integration(admin, "http_api_key", "signed in header", {**base, "name": "X-Key", "prefix": "v1 ", "key": PLAIN})
        for named in ("signed by token", "signed in query", "signed in header"):
            done = admin.run(call(f"{api.url}/x?a=1", named, query={"b": "2"}))
            assert done["status"] == "succeeded", done["error"]
            assert PLAIN not in json.dumps(done)
        token, query, header = api.requests
        assert token["headers"]["authorization"] == f"Bearer {PLAIN}"
        assert query["query"] == {"a": "1", "b": "2", "key": PLAIN}
        assert header["headers"]["x-key"] == f"v1 {PLAIN}"


def test_secret_is_sent_only_to_the_hosts_of_its_integration(admin: Caller):
    with peer() as other:

        def leads_away(request: dict[str, Any]) -> Answer:
            return (302, {"location": f"{other.url}/taken"}, b"") if request["path"] == "/away" else echo(request)

        with peer(leads_away) as api:
            integration(admin, "http_bearer", "bound", {"hosts": [api.netloc], "plain_http": True, "token": PLAIN})
            integration(admin, "http_bearer", "bound to tls", {"hosts": [api.netloc], "token": PLAIN})
            wrong = admin.run(call(f"{other.url}/x", "bound"))
            plain = admin.run(call(f"{api.url}/x", "bound to tls"))
            trick = admin.run(call("{{ trigger.body.url }}", "bound"), {"url": f"http://{api.netloc}@{other.netloc}/x"})
            assert not api.requests
            assert not other.requests
            assert [one["error"]["code"] for one in (wrong, plain)] == ["credentials_elsewhere"] * 2
            assert api.netloc in wrong["error"]["message"]
            assert trick["status"] == "failed"

            away = admin.run(call(f"{api.url}/away", "bound"))
            assert away["status"] == "succeeded"
            assert "authorization" in api.requests[0]["headers"]
            assert "authorization" not in other.requests[0]["headers"]


def test_integration_of_another_workspace_is_not_found(admin: Caller, other: Caller):
    with peer() as api:
        made = integration(admin, "http_bearer", "mine", {"hosts": [api.netloc], "plain_http": True, "token": PLAIN})
        for named in ("mine", made["id"]):
            body = {"name": "x", "definition": call(api.url, named)}
            refused = other.request("POST", "/api/workflows", json=body)
            assert refused.status_code == 422
            assert refused.json()["error"]["details"][0]["path"] == "definition.nodes[0].config.integration"
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/usages")):
            body = {"json": {"name": "theirs"}} if method == "PATCH" else {}
            assert other.request(method, f"/api/integrations/{made['id']}{path}", **body).status_code == 404
        assert made["id"] not in [one["id"] for one in other.ok("GET", "/api/integrations")["items"]]
        integration(other, "http_bearer", "mine", {"hosts": [api.netloc], "plain_http": True, "token": "theirs-token"})
        done = other.run(call(api.url, "mine"))
        assert done["status"] == "succeeded"
        assert api.requests[0]["headers"]["authorization"] == "Bearer theirs-token"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"type": "http_bearer", "config": {"hosts": ["a.example"]}}, "config.token"),
        ({"type": "http_bearer", "config": {"hosts": [], "token": "x"}}, "config.hosts"),
        ({"type": "http_bearer", "config": {"hosts": ["*.com"], "token": "x"}}, "config.hosts.0"),
        ({"type": "http_bearer", "config": {"hosts": ["https://a.example/x"], "token": "x"}}, "config.hosts.0"),
        ({"type": "http_bearer", "config": {"hosts": ["a.example"], "token": "x" * 3_001}}, "config.token"),
        ({"type": "http_bearer", "config": {"hosts": ["a.example"], "token": "x", "port": 1}}, "config.port"),
        ({"type": "carrier_pigeon", "config": {}}, "type"),
        (
            {"type": "http_basic", "config": {"hosts": ["a.example"], "username": "a:b", "password": "x"}},
            "config.username",
        ),
        ({"type": "http_bearer", "config": {"hosts": ["a.example"], "token": "x"}, "name": "{{ x }}"}, "name"),
    ],
)
def test_a_wrong_config_is_told_by_its_field_and_without_its_secret(admin: Caller, body: dict[str, Any], path: str):
    refused = admin.request("POST", "/api/integrations", json={"name": "wrong", **body})
    assert refused.status_code == 422, refused.text
    assert refused.json()["error"]["details"][0]["path"] == path
    assert "xxx" not in refused.text


def test_integration_names_are_unique(admin: Caller):
    config = {"hosts": ["a.example"], "token": "x"}
    first = integration(admin, "http_bearer", "only one", config)
    body = {"name": "only one", "type": "http_bearer", "config": config}
    again = admin.request("POST", "/api/integrations", json=body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "name_taken")
    renamed = admin.ok("PATCH", f"/api/integrations/{first['id']}", json={"name": "another one"})
    assert renamed["name"] == "another one"
    assert admin.request("POST", "/api/integrations", json=body).status_code == 201


def test_integration_types_are_described_for_forms(admin: Caller):
    types = admin.ok("GET", "/api/integration-types")["items"]
    assert {"http_basic", "http_bearer", "http_api_key", "oauth2_client_credentials"} <= {one["type"] for one in types}
    for one in types:
        fields = one["config_schema"]["properties"]
        for name in one["secrets"]:
            assert "writeOnly" in json.dumps(fields[name])
        for example in one["examples"]:
            assert set(example) <= set(fields)


# -- OAuth 2 -------------------------------------------------------------------------------------------------


def test_client_credentials_tokens_are_cached_renewed_once_and_replaced_when_refused(admin: Caller):
    provider = Provider(SECRET)
    with peer(provider) as server:
        config = {
            "hosts": [server.netloc],
            "plain_http": True,
            "token_url": f"{server.url}/token",
            "client_id": "we",
            "client_secret": SECRET,
        }
        made = integration(admin, "oauth2_client_credentials", "erp", config)
        assert admin.ok("POST", f"/api/integrations/{made['id']}/test")["ok"] is True
        loop = {
            "nodes": [
                {
                    "id": "each",
                    "type": "for_each",
                    "config": {"items": list(range(12)), "concurrency": 12},
                    "body": call(f"{server.url}/x", "erp"),
                }
            ]
        }
        done = admin.run(loop)
        assert done["status"] == "succeeded", done["error"]
        assert provider.count == 1
        assert "access-1" not in json.dumps(done)
        provider.revoked.add("access-1-of-the-provider")
        retried = {"nodes": [{**call(f"{server.url}/x", "erp")["nodes"][0], "retry": {"interval_seconds": 0}}]}
        assert admin.run(retried)["status"] == "succeeded"
        assert provider.count == 2
        provider.seconds = 60  # sooner than the spare time, so every use renews it; many at once renew it once
        provider.revoked.add("access-2-of-the-provider")
        assert admin.run(retried)["status"] == "succeeded"


def test_an_account_is_connected_by_a_consent_and_its_tokens_are_renewed(admin: Caller, anonymous: httpx2.Client):
    provider = Provider(SECRET)
    provider.seconds = 1
    with peer(provider) as server:
        config = {
            "hosts": [server.netloc],
            "plain_http": True,
            "authorize_url": f"{server.url}/authorize?tenant=1",
            "token_url": f"{server.url}/token",
            "client_id": "we",
            "client_secret": SECRET,
            "scope": "calendar",
        }
        made = integration(admin, "oauth2_authorization_code", "calendar", config)
        assert (made["status"], made["secrets"]) == ("not_connected", ["client_secret"])
        path = f"/api/integrations/{made['id']}"
        workflow_id = admin.workflow(call(f"{server.url}/x", "calendar"))["id"]
        early = admin.wait(admin.start(workflow_id)["id"])
        assert early["error"]["code"] == "not_connected"

        start = admin.ok("POST", f"{path}/consent")["url"]
        page = anonymous.get(start)
        assert (page.status_code, admin.email in page.text, "“calendar”" in page.text) == (200, True, True)
        assert "sandbox" in page.headers["content-security-policy"]
        going = anonymous.get(start.replace("/start?", "/go?"), follow_redirects=False)
        url, cookie = going.headers["location"], going.headers["set-cookie"].partition(";")[0]
        path_of_cookie = urlsplit(start).path.removesuffix("/start")
        assert f"Path={path_of_cookie};" in going.headers["set-cookie"], "or browsers do not send it back"
        other = anonymous.get(start.replace("/start?", "/go?"), headers={"cookie": "mainspring_consent=another"})
        assert other.status_code == 400
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert asked["tenant"] == "1"
        assert asked["redirect_uri"].endswith("/api/oauth/callback")
        forged = anonymous.get("/api/oauth/callback", params={"state": "x" * 43, "code": "c"})
        assert forged.status_code == 400
        agreed = provider.agree(url)
        assert anonymous.get("/api/oauth/callback", params=agreed, headers={"cookie": ""}).status_code == 400
        back = anonymous.get("/api/oauth/callback", params=agreed, headers={"cookie": cookie})
        assert back.status_code == 200, back.text
        assert "sandbox" in back.headers["content-security-policy"]
        exchanged = parse_qs(server.requests[-1]["body"].decode())
        assert (exchanged["grant_type"], exchanged["code"]) == (["authorization_code"], [agreed["code"]])
        assert len(exchanged["code_verifier"][0]) >= 43
        again = anonymous.get("/api/oauth/callback", params=agreed, headers={"cookie": cookie})
        assert again.status_code == 400

        assert admin.ok("GET", path)["status"] == "ready"
        for _ in range(2):  # a token of one second is renewed by each use, with the refresh token of the use before
            done = admin.wait(admin.start(workflow_id)["id"])
            assert done["status"] == "succeeded", done["error"]
            assert "of-the-provider" not in json.dumps(done)
        assert provider.count == 3
        provider.refresh = "the provider has forgotten us"
        lost = admin.wait(admin.start(workflow_id)["id"])
        assert lost["error"]["code"] == "invalid_grant"
        shown = admin.ok("GET", path)
        assert (shown["status"], "invalid_grant" in shown["status_reason"]) == ("not_connected", True), shown
