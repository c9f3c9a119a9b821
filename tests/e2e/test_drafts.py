"""Drafts, publications and rollbacks on the deployed stack: what its triggers start, and what its people see."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2

from tests.e2e.conftest import Caller
from tests.e2e.triggers import eventually, trigger


def saying(value: Any, **more: Any) -> dict[str, Any]:
    hook = {"id": "in", "type": "webhook", "config": {"answer": "result"}}
    return {"nodes": [{"id": "a", "type": "transform", "config": {"value": value}}], "triggers": [hook], **more}


def delivered(url: str) -> Any:
    return httpx2.post(url, json={}, timeout=60, trust_env=False).json()["a"]


def test_a_live_webhook_runs_what_is_published(admin: Caller):
    """From an empty workflow with a large draft to a rollback, with IAM on."""
    empty = admin.ok("POST", "/api/workflows", json={"name": f"drafted {uuid4()}"})
    path = f"/api/workflows/{empty['id']}"
    start = admin.request("POST", "/api/executions", json={"workflow_id": empty["id"]})
    assert (start.status_code, start.json()["error"]["code"]) == (409, "not_published")
    notes = {"notes": [{"text": str(uuid4())} for _ in range(1_000)]}  # more than an item is to hold: it is in S3
    saved = admin.request("PUT", f"{path}/draft", json={"definition": saying(1, ui=notes)})
    assert saved.status_code == 200, saved.text
    read = admin.request("GET", f"{path}/draft")
    assert (read.json()["definition"]["ui"], read.headers["etag"]) == (notes, saved.headers["etag"])
    again = admin.ok("PUT", f"{path}/draft", json={"definition": saying(1, ui={**notes, "groups": []})},
                     headers={"if-match": saved.headers["etag"]})  # fmt: skip
    assert again["author"]["id"] == admin.ok("GET", "/api/auth/me")["id"]
    done = admin.ok("POST", f"{path}/draft/publish", json={"message": "first"})
    assert (done["version"], done["published_version"], done["definition"]["ui"]["notes"]) == (1, 1, notes["notes"])
    admin.ok("POST", f"{path}/activate")
    url = trigger(admin, empty["id"])["url"]
    assert delivered(url) == 1

    admin.ok("PUT", path, json={"definition": saying(2)}, headers={"if-match": "*"})
    assert delivered(url) == 1, "a version is no publication"
    tried = admin.wait(admin.ok("POST", "/api/executions", json={"workflow_id": empty["id"], "version": 2})["id"])
    assert tried["result"] == {"a": 2}
    found = admin.request("GET", path)
    published = admin.request(
        "POST", f"{path}/publish", json={"message": "go"}, headers={"if-match": found.headers["etag"]}
    )
    assert (published.status_code, delivered(url)) == (200, 2)
    admin.ok("POST", f"{path}/rollback", json={}, headers={"if-match": published.headers["etag"]})
    assert delivered(url) == 1
    assert [one["kind"] for one in admin.ok("GET", f"{path}/publications")["items"]] == [
        "rollback",
        "publish",
        "publish",
    ]
    difference = admin.ok("GET", f"{path}/versions/published/diff/newest")
    assert [(one["kind"], one["id"]) for one in difference["nodes"]] == [("changed", "a")]
    assert admin.ok("POST", f"{path}/versions/1/restore", json={}, headers={"if-match": "*"})["version"] == 3
    assert [one["id"] for one in admin.ok("GET", "/api/workflows", params={"q": empty["name"][8:]})["items"]] == [
        empty["id"]
    ]
    assert admin.request("DELETE", path).status_code == 204


def test_two_publish_at_once_on_the_stack(admin: Caller):
    path = f"/api/workflows/{admin.workflow(saying(0), 'raced')['id']}"
    etag = admin.request("GET", path).headers["etag"]

    def publish(number: int) -> int:
        body = {"definition": saying(number), "publish": True}
        return admin.request("PUT", path, json=body, headers={"if-match": etag}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(publish, range(1, 7))) == [200] + [412] * 5
    found = admin.ok("GET", path)
    assert (found["version"], found["published_version"]) == (2, 2)
    eventually(lambda: admin.ok("GET", f"{path}/publications")["items"][0]["version"] == 2)
