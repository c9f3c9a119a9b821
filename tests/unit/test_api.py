"""The HTTP API, called with the events of API Gateway: access, bounds, the OpenAPI document."""

from __future__ import annotations

import base64
import json
import unicodedata
from typing import Any

import boto3
import jsonschema_rs
import pytest

from engine import limits
from engine.history.model import Status
from engine.security.tokens import AccessClaims, sign_access_token
from tests.unit.conftest import NOW, Aws
from tests.unit.invoked import API, EVENTS, EXECUTION, SESSION, USER, WORKSPACE, called, event, invoke

PASSWORD = "correct horse battery staple"
CATALOGUES = ("integrations_types", "platform_node_types", "triggers_types")


@pytest.mark.parametrize("name", API)
def test_api_event(seeded: Aws, name: str):
    function, status = API[name]
    answer = invoke(function, event(f"api/{name}"))

    assert answer["statusCode"] == status, answer["body"]
    assert answer["headers"]["content-type"] == "application/json"
    kept = "private, no-cache" if name in CATALOGUES else "no-store"
    assert answer["headers"]["cache-control"] == kept
    if status != 204:
        json.loads(answer["body"])


PUBLIC = ("auth", "platform", "callbacks", "webhooks", "answers")


@pytest.mark.parametrize("name", [name for name in API if name.split("_")[0] not in PUBLIC])
def test_request_without_identity_is_refused(seeded: Aws, name: str):
    stranger = event(f"api/{name}")
    del stranger["requestContext"]["authorizer"]
    answer = invoke(API[name][0], stranger)

    assert answer["statusCode"] == 401
    assert answer["headers"]["www-authenticate"] == "Bearer"


def test_people_change_their_own_name_and_see_it_at_once(seeded: Aws):
    asked = event("api/profile_change")
    changed = json.loads(invoke("auth", asked)["body"])
    blank = invoke("auth", {**asked, "body": json.dumps({"full_name": "  "})})
    other = invoke("auth", {**asked, "body": json.dumps({"full_name": "Eve", "is_admin": True})})

    assert (changed["full_name"], changed["email"], changed["workspace_id"]) == (
        "Ada Lovelace",
        "ada@example.com",
        WORKSPACE,
    )
    assert seeded.users.by_id(USER).full_name == "Ada Lovelace"
    assert (blank["statusCode"], other["statusCode"]) == (422, 422)
    assert json.loads(blank["body"])["error"]["details"][0]["path"] == "full_name"
    assert json.loads(invoke("auth", {**asked, "body": '{"full_name": null}'})["body"])["full_name"] is None


def test_roles_allow_what_they_say(seeded: Aws):
    statuses = {}
    for role in ("owner", "editor", "operator", "viewer", "nobody"):
        for name in ("workflows_create", "executions_start", "workflows_list"):
            asked = event(f"api/{name}")
            asked["requestContext"]["authorizer"]["lambda"]["role"] = role
            statuses[role, name] = invoke(API[name][0], asked)["statusCode"]

    assert statuses == {
        ("owner", "workflows_create"): 201,
        ("owner", "executions_start"): 202,
        ("owner", "workflows_list"): 200,
        ("editor", "workflows_create"): 201,
        ("editor", "executions_start"): 202,
        ("editor", "workflows_list"): 200,
        ("operator", "workflows_create"): 403,
        ("operator", "executions_start"): 202,
        ("operator", "workflows_list"): 200,
        ("viewer", "workflows_create"): 403,
        ("viewer", "executions_start"): 403,
        ("viewer", "workflows_list"): 200,
        ("nobody", "workflows_create"): 403,
        ("nobody", "executions_start"): 403,
        ("nobody", "workflows_list"): 403,
    }


def test_the_authorizer_finds_the_caller(seeded: Aws):
    now = int(__import__("time").time())
    token = sign_access_token(AccessClaims(USER, SESSION, WORKSPACE), {"current": "k1", "k1": "x" * 64}, now)
    asked = event("api/authorizer")
    asked["headers"]["authorization"] = f"Bearer {token}"

    assert invoke("authorizer", asked) == {
        "isAuthorized": True,
        "context": {
            "user_id": USER,
            "session_id": SESSION,
            "workspace_id": WORKSPACE,
            "role": "owner",
            "is_admin": "true",
            "name": "",
            "email": "ada@example.com",
        },
    }


def test_authorizer_denies_invalid_tokens(seeded: Aws):
    asked = event("api/authorizer")
    for header in ("Bearer …", "", "Bearer", "Basic x", "Bearer a.b.c"):
        asked["headers"]["authorization"] = header
        context = invoke("authorizer", asked)["context"]
        assert set(context) == {"denied", "message"}


def test_authorizer_is_unavailable_when_storage_is(aws: Aws):
    """No secret can be read under this name: neither let in, nor told that the token is bad."""
    from functions import container

    boto3.client("secretsmanager").delete_secret(SecretId="signing", ForceDeleteWithoutRecovery=True)
    container._secrets().store.clear()
    asked = event("api/authorizer")
    context = invoke("authorizer", asked)["context"]
    refused = event("api/workflows_list")
    refused["requestContext"]["authorizer"]["lambda"] = context

    assert context["denied"] == "unavailable"
    assert invoke("workflows", refused)["statusCode"] == 503


def test_openapi_document_is_complete_and_names_no_host():
    from functions.openapi import API_FUNCTIONS, build, routes_of
    from functions.public_routes import PUBLIC_ROUTES

    document = build()
    routes = [route for name in API_FUNCTIONS for route in routes_of(name)]
    operations = [
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if not path.startswith("/hooks/")
    ]
    greedy = ["ANY /hooks/{token}", "ANY /hooks/{token}/{path+}"]

    assert sorted(routes) == sorted([*set(operations), *greedy])
    assert document["paths"]["/hooks/{token}"].keys() == {"get", "post", "put", "patch", "delete"}
    assert set(routes) > PUBLIC_ROUTES
    assert "servers" not in document
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            public = f"{method.upper()} {path}" in PUBLIC_ROUTES or path == "/hooks/{token}"
            assert (operation.get("security") == []) == public, path
            assert operation["summary"]


def test_the_schema_of_definitions_is_published_and_takes_the_examples():
    path = "/api/workflow-schema"
    asked = {**event("api/platform_node_types"), "routeKey": f"GET {path}", "rawPath": path}
    asked["requestContext"]["http"]["path"] = path
    schema = jsonschema_rs.validator_for(json.loads(invoke("platform", asked)["body"]))

    for example in (EVENTS / "workflows").glob("*.json"):
        assert schema.is_valid(json.loads(example.read_text())["definition"]), example
    assert not schema.is_valid({"nodes": [{"id": "a", "type": "x"}], "colour": 1})
    assert not schema.is_valid({"nodes": []})


@pytest.mark.parametrize(
    ("value", "omitted"),
    [("x" * 3_000_000, []), ("x" * 5_000_000, ["result"]), ("ж" * 700_000, ["result"]), (["a"] * 900_000, ["result"])],
)
def test_an_answer_fits_what_lambda_gives_back(seeded: Aws, value: Any, omitted: list[str]):
    seeded.executions.finish(EXECUTION, Status.SUCCEEDED, NOW, started_at=NOW, result=value)
    answer = invoke("executions", event("api/executions_get"))

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["omitted"] == omitted
    assert len(json.dumps(answer)) < 6 * 1024 * 1024


@pytest.mark.parametrize(
    "email", ["ada@example.com", "ada@corp.local", "ada@team.test", "zoë@exämple.com", "A.B+c@Example.COM"]
)
def test_addresses_of_every_kind_of_network_register_and_sign_in(aws: Aws, email: str):
    register = event("api/auth_register")
    register["body"] = json.dumps({"email": email, "password": PASSWORD})
    login = event("api/auth_login")
    login["body"] = json.dumps({"email": unicodedata.normalize("NFD", email).upper(), "password": PASSWORD})

    assert invoke("auth", register)["statusCode"] == 201
    assert invoke("auth", login)["statusCode"] == 200


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@exa mple.com", "x" * 300 + "@example.com"]
)
def test_invalid_email_address_is_reported(aws: Aws, email: str):
    register = event("api/auth_register")
    register["body"] = json.dumps({"email": email, "password": PASSWORD})
    answer = invoke("auth", register)

    assert answer["statusCode"] == 422
    assert [problem["path"] for problem in json.loads(answer["body"])["error"]["details"]] == ["email"]


def delivered(body: str, *, is_base64: bool) -> dict[str, Any]:
    return {**event("api/webhooks_deliver"), "body": body, "isBase64Encoded": is_base64}


def test_text_that_lambda_cannot_encode_is_refused_as_an_error_answer(seeded: Aws):
    """Locally too, where nothing else refuses it. Line ends are two bytes each in what a function is called with."""
    refused = invoke("webhooks", delivered('{"a": 1}' + "\n" * 3_300_000, is_base64=False))
    taken = invoke("webhooks", delivered('{"a": 1}' + " " * 3_300_000, is_base64=False))

    assert (refused["statusCode"], json.loads(refused["body"])["error"]["code"]) == (413, "too_large")
    assert taken["statusCode"] == 404, "no address of ours"


def test_the_largest_delivery_and_the_largest_answer_fit_into_what_lambda_takes():
    spare = limits.LAMBDA_BYTES - limits.LAMBDA_SPARE_BYTES
    for most in (limits.MAX_HOOK_BYTES + 64 * 1024, limits.MAX_ANSWER_BYTES):  # a delivery that is refused, too
        assert len(base64.b64encode(bytes(most))) <= spare
    assert limits.MAX_HOOK_HEADER_BYTES * 2 < limits.LAMBDA_SPARE_BYTES


@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_is_bounded_in_bytes_not_in_characters(seeded: Aws, is_base64: bool):
    text = json.dumps({"name": "\N{GRINNING FACE}" * (limits.MAX_BODY_BYTES // 4)}, ensure_ascii=False)
    assert len(text) < limits.MAX_BODY_BYTES < len(text.encode())
    body = base64.b64encode(text.encode()).decode() if is_base64 else text
    asked = {**event("api/workflows_create"), "body": body, "isBase64Encoded": is_base64}

    assert invoke("workflows", asked)["statusCode"] == 413


def test_a_wrong_text_beside_a_secret_is_told_by_its_field(seeded: Aws):
    """What was given is not looked at, since it may be the secret."""
    who = event("api/integrations_create")["requestContext"]["authorizer"]["lambda"]
    config = {"hosts": ["a.example"], "username": "a:b", "password": "x"}
    body = {"name": "wrong", "type": "http_basic", "config": config}
    status, answer = called("integrations", "POST", "/api/integrations", who, body)

    assert (status, answer["error"]["details"][0]["path"]) == (422, "config.username")
