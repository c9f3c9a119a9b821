"""Bad input gets a clear 4xx that names the field; nothing is a 500."""

from __future__ import annotations

import json

import httpx2
import pytest

from tests.e2e.conftest import PASSWORD, Caller

GOOD = {"name": "x", "definition": {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}}


def refused(response: httpx2.Response) -> tuple[int, str]:
    error = response.json()["error"]
    assert set(error) == {"code", "message", "details"}
    assert error["message"]
    return response.status_code, error["code"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "malformed_json")),
        (b'{"name": NaN}', (400, "malformed_json")),
        (b"[1]", (400, "malformed_json")),
        (b'"text"', (400, "malformed_json")),
        (b"\xff\xfe", (400, "malformed_json")),
        (b'{"name": "\\ud800"}', (400, "malformed_json")),
        (b'{"a":' * 500 + b"1" + b"}" * 500, (400, "malformed_json")),
        (b'{"n": 1' + b"0" * 5000 + b"}", (400, "malformed_json")),
        (b"{}", (422, "invalid_input")),
        (b"", (422, "invalid_input")),
    ],
)
def test_malformed_bodies_are_refused(admin: Caller, body: bytes, expected: tuple[int, str]):
    response = admin.request("POST", "/api/workflows", content=body, headers={"content-type": "application/json"})

    assert refused(response) == expected


def test_each_wrong_field_is_named(admin: Caller):
    body = {"name": "", "description": 5, "definition": {}, "extra": 1}
    details = admin.request("POST", "/api/workflows", json=body).json()["error"]["details"]

    assert {problem["path"] for problem in details} == {"name", "description", "extra"}


def test_all_problems_of_a_definition_come_at_once(admin: Caller):
    definition = {
        "nodes": [{"id": "1a", "type": "transform", "config": {"value": 1}}, {"id": "b", "type": "nope"}],
        "edges": [{"from": "b", "to": "gone"}],
    }
    response = admin.request("POST", "/api/workflows", json={"name": "x", "definition": definition})
    error = response.json()["error"]

    assert (response.status_code, error["code"]) == (422, "invalid_definition")
    assert [problem["code"] for problem in error["details"]] == ["malformed_id", "unknown_type", "unknown_node"]
    assert error["details"][0]["path"] == "definition.nodes[0].id"


def test_other_media_types_are_refused(admin: Caller):
    response = admin.request("POST", "/api/workflows", content="a=b", headers={"content-type": "text/plain"})

    assert refused(response) == (415, "unsupported_media_type")


def test_values_over_a_limit_are_refused(admin: Caller):
    huge = json.dumps({"name": "x", "definition": {"x": "y" * 3_000_000}})
    large = {
        "name": "x",
        "definition": {"nodes": [{"id": "a", "type": "transform", "config": {"value": "y" * 300_000}}]},
    }
    workflow = admin.workflow(GOOD["definition"])

    assert refused(admin.request("POST", "/api/workflows", content=huge)) == (413, "too_large")
    assert refused(admin.request("POST", "/api/workflows", json=large)) == (413, "too_large")
    start = {"workflow_id": workflow["id"], "input": "y" * 1_500_000}
    assert refused(admin.request("POST", "/api/executions", json=start)) == (413, "too_large")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1000}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"status": "done"}, "status"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": "2026-01-01T00:00:00"}, "created_after"),
        ({"cursor": "nonsense"}, "cursor"),
    ],
)
def test_bad_queries_name_the_parameter(admin: Caller, query: dict, field: str):
    response = admin.request("GET", "/api/executions", params=query)

    assert response.status_code == 422
    assert [problem["path"] for problem in response.json()["error"]["details"]] == [field]


@pytest.mark.parametrize(
    "identifier", ["x", "%00", "..%2f..", "a" * 3000, "🌍", "01900000-0000-7000-8000-000000000000"]
)
def test_ids_that_name_nothing_are_not_found(admin: Caller, identifier: str):
    for path in (f"/api/workflows/{identifier}", f"/api/executions/{identifier}"):
        assert admin.request("GET", path).status_code == 404


def test_unknown_addresses_and_methods_are_not_found(admin: Caller):
    assert refused(admin.request("GET", "/api/nothing")) == (404, "not_found")
    assert refused(admin.request("PATCH", "/api/workflows")) == (404, "not_found")


@pytest.mark.parametrize(
    "change",
    [{"email": "no-address"}, {"email": ""}, {"password": "short"}, {"password": "x" * 300}, {"full_name": ""}],
)
def test_a_new_user_must_be_well_described(admin: Caller, change: dict):
    body = {"email": "new@example.com", "password": PASSWORD, "full_name": "New"} | change
    response = admin.request("POST", "/api/users", json=body)

    assert response.status_code == 422
    assert [problem["path"] for problem in response.json()["error"]["details"]] == list(change)


@pytest.mark.parametrize("value", ["", "abc", '"0x1"', '"1", "2"', "W/", "-1"])
def test_if_match_must_be_a_version(admin: Caller, value: str):
    workflow = admin.workflow(GOOD["definition"])
    response = admin.request("PUT", f"/api/workflows/{workflow['id']}", json=GOOD, headers={"if-match": value})

    assert response.status_code in (412, 422, 428)


def test_data_is_never_a_template(admin: Caller):
    definition = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "{{ trigger.body }}"}}]}
    hostile = {"x": "{{ $eval('1+1') }}", "{{ y }}": "{{ nodes }}"}
    execution = admin.run(definition, hostile)

    assert execution["result"] == {"a": hostile}


def test_too_many_wrong_passwords_lock_out_for_a_while(anonymous: httpx2.Client):
    body = {"email": "victim@example.com", "password": "wrong"}
    responses = [anonymous.post("/api/auth/login", json=body) for _ in range(22)]

    assert {response.status_code for response in responses[:20]} == {401}, [one.text for one in responses]
    assert responses[-1].status_code == 429
    assert 0 < int(responses[-1].headers["retry-after"]) <= 900


NOWHERE = "01920000-0000-7000-8000-000000000099"
BODY = {"nodes": [{"id": "x", "type": "transform", "config": {"value": 1}}]}


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        ({"nodes": BODY["nodes"], "on_failure": {"workflow": NOWHERE}}, "definition.on_failure.workflow"),
        (
            {"nodes": [{"id": "s", "type": "sub_workflow", "config": {"workflow": NOWHERE}}]},
            "definition.nodes[0].config.workflow",
        ),
        ({"nodes": [{"id": "w", "type": "while", "config": {"condition": True}, "body": BODY}]}, "max_iterations"),
        ({"nodes": [{"id": "f", "type": "for_each", "config": {"items": []}}]}, "definition.nodes[0].body"),
        ({"nodes": BODY["nodes"], "concurrency": {"limit": 0}}, "definition.concurrency.limit"),
        ({"nodes": BODY["nodes"], "concurrency": {"limit": 1, "key": "{{ nodes.x }}"}}, "definition.concurrency.key"),
        ({"nodes": BODY["nodes"], "timeout_seconds": -1}, "definition.timeout_seconds"),
    ],
)
def test_what_is_wrong_with_loops_limits_and_references_is_named(admin: Caller, definition: dict, path: str):
    answer = admin.request("POST", "/api/workflows", json={"name": "x", "definition": definition})

    assert answer.status_code == 422
    assert path in answer.text


def test_null_field_counts_as_missing(admin: Caller):
    definition = {"nodes": BODY["nodes"], "on_failure": None, "concurrency": None, "timeout_seconds": None}

    assert admin.run(definition)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from": ""}, "from"),
        ({"from": 5}, "from"),
        ({"version": "newest"}, "version"),
        ({"version": 0}, "version"),
        ({"x": 1}, "x"),
    ],
)
def test_contradictory_retry_request_is_refused(admin: Caller, body: dict, field: str):
    done = admin.run(BODY)
    answer = admin.request("POST", f"/api/executions/{done['id']}/retry", json=body)

    assert answer.status_code == 422
    assert field in answer.text
