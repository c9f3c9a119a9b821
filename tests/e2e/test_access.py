"""Who may do what: no identity, a bad one, another workspace's, a user's, an administrator's."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import jwt
import pytest

from functions.public_routes import PUBLIC_ROUTES
from infrastructure.cli.client import sign_in
from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of
from tests.e2e.conftest import PASSWORD, Caller

SIMPLE = {"nodes": [{"id": "a", "type": "delay", "config": {"seconds": 600}}]}
BODIES = {
    "{workflow_id}": {"name": "x", "definition": SIMPLE},
    "{node}": {"decision": "approved"},
    "{token}": {"decision": "approved"},
    "/secret": {"secret": "x"},
    "/draft": {"definition": SIMPLE},
    "/validate": {"definition": SIMPLE},
    "/backfill": {"from": "2026-05-01T00:00:00Z", "to": "2026-05-01T00:00:00Z"},
}
UNKNOWN = "01900000-0000-7000-8000-000000000000"


def operations(document: dict) -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]


def filled(path: str, value: str = UNKNOWN) -> str:
    for name in (
        "workflow_id",
        "execution_id",
        "user_id",
        "subscription_id",
        "delivery_id",
        "integration_id",
        "workspace_id",
        "invitation_id",
    ):
        path = path.replace("{" + name + "}", value)
    return (
        path.replace("{version}", "1")
        .replace("{other}", "1")
        .replace("{trigger_id}", "in")
        .replace("{sha256}", "0" * 64)
        .replace("{name}", "own")
    )


def is_public(method: str, path: str) -> bool:
    return bool({f"{method} {path}", f"ANY {path}"} & PUBLIC_ROUTES)


@pytest.fixture(scope="module")
def document(anonymous: httpx2.Client) -> dict:
    return anonymous.get("/api/openapi.json").json()


def test_every_route_but_the_public_ones_refuses_strangers(anonymous: httpx2.Client, document: dict):
    answered = {}
    for method, path in operations(document):
        if not is_public(method, path):
            response = anonymous.request(method, filled(path), json={} if method in ("POST", "PUT") else None)
            answered[method, path] = (response.status_code, response.json()["error"]["code"])

    assert len(answered) > 20
    assert set(answered.values()) == {(401, "unauthenticated")}


@pytest.mark.parametrize(
    "path",
    [
        "/api/health/",
        "/api/health/x",
        "//api/health",
        "/API/health",
        "/api/HEALTH",
        "/api/workflows/api/health",
        "/api/%68ealth/..",
        "/api/auth/login/extra",
        "/api/users/openapi.json",
        "/x",
        "/api",
    ],
)
def test_odd_paths_make_no_route_public(anonymous: httpx2.Client, path: str):
    response = anonymous.get(path)

    assert response.status_code == 401


def test_health_and_openapi_document_are_public(anonymous: httpx2.Client, document: dict):
    assert anonymous.get("/api/health").json() == {"status": "ok"}
    assert document["openapi"].startswith("3.1")
    public = {path for method, path in operations(document) if is_public(method, path)}
    assert public == {route.partition(" ")[2] for route in PUBLIC_ROUTES} - {"/hooks/{token}/{path+}"}


def test_resources_of_another_workspace_are_not_found(admin: Caller, other: Caller, document: dict):
    hook = {"id": "in", "type": "webhook", "config": {"auth": {"type": "header", "header": "X-Token"}}}
    workflow = admin.workflow({**SIMPLE, "triggers": [hook]}, "secret")
    execution = admin.start(workflow["id"])
    for method, path in operations(document):
        if "{workflow_id}" in path or "{execution_id}" in path:
            address = filled(path, workflow["id"] if "{workflow_id}" in path else execution["id"])
            bodies = {**BODIES, "{workflow_id}": {"name": "x"}} if method == "PATCH" else BODIES
            takes_one = method in ("PUT", "POST", "PATCH")
            body = next((body for end, body in bodies.items() if path.endswith(end) and takes_one), None)
            response = other.request(method, address, headers={"if-match": "*"}, json=body)
            assert response.status_code == 404, (method, path, response.text)
    started = other.request("POST", "/api/executions", json={"workflow_id": workflow["id"]})

    assert started.status_code == 404
    assert other.ok("GET", "/api/executions", params={"workflow_id": workflow["id"]})["items"] == []
    assert workflow["id"] not in str(other.ok("GET", "/api/workflows"))
    assert admin.ok("GET", f"/api/workflows/{workflow['id']}")["version"] == 1
    assert admin.ok("POST", f"/api/executions/{execution['id']}/cancel")["status"] == "cancelled"


def test_only_administrators_see_and_change_users(admin: Caller, other: Caller):
    mine = other.ok("GET", "/api/auth/me")

    assert mine["is_admin"] is False
    assert other.request("GET", "/api/users").status_code == 403
    new = {"email": "x@example.com", "password": PASSWORD}
    assert other.request("POST", "/api/users", json=new).status_code == 403
    assert other.request("POST", f"/api/users/{mine['id']}/deactivate").status_code == 403
    users: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next_cursor": None}
    while not users or page["next_cursor"]:
        page = admin.ok("GET", "/api/users", params={"cursor": page["next_cursor"]} if page["next_cursor"] else {})
        users += page["items"]
    assert {"other@example.com", admin.email} <= {user["email"] for user in users}
    assert "password" not in json.dumps(users)


def test_registration_is_closed_after_the_first_user(anonymous: httpx2.Client):
    response = anonymous.post("/api/auth/register", json={"email": "late@example.com", "password": PASSWORD})

    assert (response.status_code, response.json()["error"]["code"]) == (403, "registration_closed")


def test_email_address_belongs_to_one_user(admin: Caller, other: Caller):
    body = {"email": other.email.upper(), "password": PASSWORD}
    response = admin.request("POST", "/api/users", json=body)

    assert (response.status_code, response.json()["error"]["code"]) == (409, "email_taken")


def test_deactivated_user_loses_access_at_once(admin: Caller, api_url: str, anonymous: httpx2.Client):
    user = admin.ok("POST", "/api/users", json={"email": "leaver@example.com", "password": PASSWORD})
    headers = {"authorization": f"Bearer {sign_in(api_url, 'leaver@example.com', PASSWORD)}"}
    assert anonymous.get("/api/workflows", headers=headers).status_code == 200
    admin.ok("POST", f"/api/users/{user['id']}/deactivate")

    assert anonymous.get("/api/workflows", headers=headers).status_code == 401
    credentials = {"email": "leaver@example.com", "password": PASSWORD}
    assert anonymous.post("/api/auth/login", json=credentials).status_code == 401
    admin.ok("POST", f"/api/users/{user['id']}/activate")
    assert anonymous.post("/api/auth/login", json=credentials).status_code == 200
    me = admin.ok("GET", "/api/auth/me")
    assert admin.request("POST", f"/api/users/{me['id']}/deactivate").json()["error"]["code"] == "own_account"


def test_signing_out_ends_the_session_at_once(anonymous: httpx2.Client, other: Caller, api_url: str):
    headers = {"authorization": f"Bearer {sign_in(api_url, other.email, PASSWORD)}"}
    assert anonymous.post("/api/auth/logout", headers=headers).status_code == 204

    assert anonymous.get("/api/auth/me", headers=headers).json()["error"]["code"] == "session_ended"
    assert other.request("GET", "/api/auth/me").status_code == 200


def test_refresh_token_works_once_and_reuse_ends_the_session(anonymous: httpx2.Client, other: Caller):
    first = anonymous.post("/api/auth/login", json={"email": other.email, "password": PASSWORD}).json()
    second = anonymous.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]}).json()
    header = {"authorization": f"Bearer {second['access_token']}"}
    assert anonymous.get("/api/auth/me", headers=header).status_code == 200
    reused = anonymous.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})

    assert reused.status_code == 401
    assert anonymous.get("/api/auth/me", headers=header).status_code == 401
    assert anonymous.post("/api/auth/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401


def test_parallel_refreshes_give_at_most_one_success(anonymous: httpx2.Client, other: Caller):
    tokens = anonymous.post("/api/auth/login", json={"email": other.email, "password": PASSWORD}).json()
    body = {"refresh_token": tokens["refresh_token"]}
    with ThreadPoolExecutor(5) as pool:
        statuses = list(pool.map(lambda _: anonymous.post("/api/auth/refresh", json=body).status_code, range(5)))

    assert statuses.count(200) <= 1
    assert set(statuses) <= {200, 401}


def signing_key(stack: LocalStack) -> str:
    secrets = client_of(stack, "secretsmanager")
    arn = secrets.list_secrets()["SecretList"][0]["ARN"]
    return json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["k1"]


def test_forged_and_expired_tokens_are_refused(anonymous: httpx2.Client, other: Caller, stack: LocalStack):
    genuine = other.authorization.removeprefix("Bearer ")
    claims = jwt.decode(genuine, options={"verify_signature": False})
    key, now = signing_key(stack), int(time.time())
    head, body, signature = genuine.split(".")
    promoted = base64.urlsafe_b64encode(json.dumps({**claims, "sub": UNKNOWN}).encode()).decode().rstrip("=")

    def made(changes: dict, secret: str = key, algorithm: str = "HS256", kid: str = "k1") -> str:
        content = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(content, secret, algorithm=algorithm, headers={"kid": kid})

    assert anonymous.get("/api/auth/me", headers={"authorization": f"Bearer {made({})}"}).status_code == 200
    bad = {
        "expired": made({"exp": now - 1}),
        "not yet": made({"nbf": now + 100}),
        "wrong key": made({}, "x" * 64),
        "other algorithm": made({}, algorithm="HS512"),
        "none": made({}, "", "none"),
        "key named current": made({}, "k1" * 32, kid="current"),
        "unknown key": made({}, kid="k9"),
        "wrong audience": made({"aud": "somebody"}),
        "wrong issuer": made({"iss": "somebody"}),
        "no expiry": made({"exp": None}),
        "refresh as access": made({"use": "refresh"}),
        "somebody else's workspace": made({"ws": UNKNOWN}),
        "unknown session": made({"sid": UNKNOWN}),
        "changed": f"{head}.{promoted}.{signature}",
        "cut": f"{head}.{body}",
        "noise": "x" * 5000,
    }
    codes = {}
    for name, token in bad.items():
        response = anonymous.get("/api/auth/me", headers={"authorization": f"Bearer {token}"})
        assert response.status_code == 401, (name, response.text)
        codes[name] = response.json()["error"]["code"]
    assert codes["expired"] == "token_expired"
    assert anonymous.get("/api/auth/me", headers={"authorization": f"Basic {genuine}"}).status_code == 401
