"""What the API makes of drafts, versions and publications, through its Lambda handler."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from engine import limits
from engine.ids import new_id
from engine.nodes.registry import NodeExecutorFactory
from engine.services.workflows.api import WorkflowService
from engine.services.workflows.drafts import DraftService
from engine.services.workflows.publishing import PublishingService
from engine.storage.integrations import Integration
from functions import api_services
from tests.unit.conftest import Aws
from tests.unit.invoked import route_key

ADA, BOB = new_id(), new_id()
NAMES = {ADA: "Ada Lovelace", BOB: ""}
WORKSPACE = new_id()


def saying(value: Any, **more: Any) -> dict[str, Any]:
    return {"nodes": [{"id": "a", "type": "transform", "config": {"value": value}}], **more}


@dataclass
class Api:
    """The routes of workflows, as somebody calls them."""

    user: str = ADA
    admin: bool = True
    etags: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, *, match: str | None = None, **query: str) -> Any:
        """Status and JSON of an answer; its ETag is remembered by the path."""
        who = {"user_id": self.user, "session_id": "s", "workspace_id": WORKSPACE, "role": "owner"}
        who |= {"is_admin": "true" if self.admin else "false", "email": "b@example.com", "name": NAMES[self.user]}
        headers = {"content-type": "application/json", **({"if-match": match} if match else {})}
        context = {"http": {"method": method, "path": path}, "stage": "$default", "authorizer": {"lambda": who}}
        event = {
            "version": "2.0", "routeKey": route_key("workflows", method, path), "rawPath": path, "headers": headers,
            "rawQueryString": "", "queryStringParameters": query, "requestContext": context, "isBase64Encoded": False,
            "body": None if body is None else json.dumps(body),
        }  # fmt: skip
        handler = import_module("functions.workflows.handler").handler
        answer = handler(event, SimpleNamespace(aws_request_id="r"))
        self.etags[path] = answer["headers"].get("etag", "")
        return answer["statusCode"], json.loads(answer["body"] or "null")

    def ok(self, method: str, path: str, body: Any = None, **named: Any) -> Any:
        status, found = self.call(method, path, body, **named)
        assert status in (200, 201, 204), found
        return found

    def refused(self, status: int, code: str, method: str, path: str, body: Any = None, **named: Any) -> Any:
        found = self.call(method, path, body, **named)
        assert (found[0], found[1]["error"]["code"]) == (status, code), found
        return found[1]["error"]


@pytest.fixture
def api(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Api:
    factory = NodeExecutorFactory()
    for name, service in (
        ("workflow_service", WorkflowService),
        ("publishing_service", PublishingService),
        ("draft_service", DraftService),
    ):
        made = service(aws.repositories, factory, aws.clock)
        monkeypatch.setattr(api_services, name, lambda made=made: made)
    return Api()


def made(api: Api, **more: Any) -> str:
    return f"/api/workflows/{api.ok('POST', '/api/workflows', {'name': 'W', 'definition': saying(1), **more})['id']}"


def test_a_workflow_without_a_definition_is_drafted_and_published(api: Api):
    empty = api.ok("POST", "/api/workflows", {"name": "Empty"})
    path = f"/api/workflows/{empty['id']}"
    assert (empty["version"], empty["published_version"], empty["definition"]) == (None, None, None)
    api.refused(409, "not_published", "POST", f"{path}/activate")
    api.refused(409, "not_published", "POST", f"{path}/publish", {}, match="*")
    api.refused(404, "no_draft", "GET", f"{path}/draft")
    saved = api.ok("PUT", f"{path}/draft", {"definition": {"nodes": "unfinished"}})
    assert (saved["base_version"], saved["author"]) == (None, {"id": ADA, "name": "Ada Lovelace"})
    assert api.etags[f"{path}/draft"] == f'"{saved["etag"]}"'
    wrong = api.refused(422, "invalid_definition", "POST", f"{path}/draft/publish", {})
    assert wrong["details"][0]["path"] == "definition.nodes"
    drawn = saying(1, ui={"positions": {"a": {"x": 1}}})
    api.ok("PUT", f"{path}/draft", {"definition": drawn}, match=f'"{saved["etag"]}"')
    tag = api.etags[f"{path}/draft"]
    assert api.ok("GET", path)["drafts"][0]["is_mine"] is True

    done = api.ok("POST", f"{path}/draft/publish", {"message": "first"}, match=tag)

    assert (done["version"], done["published_version"], done["drafts"]) == (1, 1, [])
    assert done["definition"] == drawn
    assert done["published_by"]["name"] == "Ada Lovelace"
    again = api.ok("POST", f"{path}/draft/publish", {"message": "first"}, match=tag)
    assert again["version"] == 1, "the answer was lost and it was asked for again"
    api.refused(404, "no_draft", "POST", f"{path}/draft/publish", {})
    (version,) = api.ok("GET", f"{path}/versions")["items"]
    assert (version["message"], version["is_published"], version["restored_from"]) == ("first", True, None)


def test_pins_of_a_draft_are_in_no_version(api: Api):
    places = {"positions": {"a": {"x": 1}}}
    tried = {**places, "pins": {"a": {"output": {"email": "ada@example.com"}}}, "testInput": {"secret": "s"}}
    path = made(api, definition=saying(1, ui=tried))
    assert api.ok("GET", path)["definition"]["ui"] == places
    saved = api.ok("PUT", f"{path}/draft", {"definition": saying(2, ui=tried)})
    assert api.ok("GET", f"{path}/draft")["definition"]["ui"] == tried

    published = api.ok("POST", f"{path}/draft/publish", {}, match=f'"{saved["etag"]}"')
    put = api.ok("PUT", path, {"definition": saying(3, ui=tried)}, match="*")
    same = api.ok("PUT", path, {"definition": saying(3, ui={"pins": {}})}, match="*")

    assert [one["definition"]["ui"] for one in (published, put, same)] == [places] * 3
    assert same["version"] == 3
    for version in (2, 3):
        assert api.ok("GET", f"{path}/versions/{version}")["definition"]["ui"] == places


def test_saving_a_version_publishes_nothing(api: Api):
    path = made(api)
    assert api.ok("GET", path)["published_version"] == 1
    etag = api.etags[path]
    assert etag == '"v1.p1.r1"'
    api.refused(428, "precondition_required", "PUT", path, {"definition": saying(2)})
    two = api.ok("PUT", path, {"definition": saying(2), "message": "two"}, match=etag)
    assert (two["version"], two["published_version"], two["name"]) == (2, 1, "W")
    late = api.refused(412, "version_conflict", "PUT", path, {"definition": saying(3)}, match=etag)
    assert late["details"] == {"based_on": 1, "version": 2, "published_version": 1}
    api.refused(412, "version_conflict", "POST", f"{path}/publish", {}, match=etag)
    api.refused(422, "invalid_input", "POST", f"{path}/publish", {}, match='"2"')
    live = api.ok("POST", f"{path}/publish", {"message": "go"}, match='"v2.p1.r2"')
    assert live["published_version"] == 2
    three = api.ok("PUT", path, {"definition": saying(3), "publish": True}, match='"2"')
    assert (three["version"], three["published_version"]) == (3, 3)

    back = api.ok("POST", f"{path}/rollback", {"message": "oh"}, match="*")
    assert (back["version"], back["published_version"]) == (3, 2)
    assert api.ok("POST", f"{path}/rollback", {}, match="*")["published_version"] == 1
    api.refused(409, "nothing_to_roll_back_to", "POST", f"{path}/rollback", {}, match="*")
    told = api.ok("GET", f"{path}/publications")["items"]
    assert [(one["number"], one["version"], one["kind"]) for one in told] == [
        (5, 1, "rollback"), (4, 2, "rollback"), (3, 3, "publish"), (2, 2, "publish"), (1, 1, "publish"),
    ]  # fmt: skip
    restored = api.ok("POST", f"{path}/versions/2/restore", {}, match="*")
    assert (restored["version"], restored["published_version"], restored["definition"]) == (4, 1, saying(2))
    assert api.ok("GET", f"{path}/versions/4")["restored_from"] == 2
    assert api.ok("POST", f"{path}/versions/2/restore", {}, match="*")["version"] == 4, "it says the same"


def test_unchanged_definition_makes_no_version_and_keeps_its_layout(api: Api):
    path = made(api)
    loop = {"id": "each", "type": "for_each", "config": {"items": [1]}}
    body = {**saying(1)["nodes"][0], "id": "b"}
    drawn = {
        "nodes": [{**loop, "body": {"nodes": [body], "ui": {"notes": ["inside"]}}}],
        "ui": {"positions": {"each": {"x": 1}}, "groups": []},
    }
    two = api.ok("PUT", path, {"definition": drawn}, match="*")
    assert (two["version"], two["definition"]) == (2, drawn)
    bare = {"nodes": [{**loop, "body": {"nodes": [body]}}]}
    assert api.ok("PUT", path, {"definition": bare}, match="*")["definition"] == drawn
    moved = {**drawn, "ui": {"positions": {"each": {"x": 2}}}}
    again = api.ok("PUT", path, {"definition": moved}, match="*")
    assert (again["version"], again["definition"]["ui"]) == (2, moved["ui"])
    longer = {"nodes": [*bare["nodes"], *saying(5)["nodes"]]}
    three = api.ok("PUT", path, {"definition": longer}, match="*")
    assert (three["version"], three["definition"]["ui"]) == (3, moved["ui"]), "who knows nothing of it loses nothing"
    assert api.ok("GET", f"{path}/versions/newest/diff/2")["from"] == 3
    assert api.ok("PUT", path, {"definition": {**longer, "ui": {}}}, match="*")["definition"]["ui"] == {}
    huge = {**longer, "ui": {"notes": ["x" * limits.MAX_UI_BYTES]}}
    assert api.refused(413, "too_large", "PUT", path, {"definition": huge}, match="*")["details"][0]["path"].endswith(
        "ui"
    )
    assert api.ok("POST", "/api/workflows/validate", {"definition": {**saying(1), "ui": 7}})["valid"] is False


def test_two_people_publish_and_the_later_one_merges(api: Api):
    path, bob = made(api), Api(BOB)
    api.ok("PUT", f"{path}/draft", {"definition": saying("Ada")})
    bob.ok("PUT", f"{path}/draft", {"definition": saying("Bob")})
    assert {one["author"]["name"] for one in api.ok("GET", path)["drafts"]} == {"Ada Lovelace", "b@example.com"}
    bob.ok("POST", f"{path}/draft/publish", {"message": "Bob's"})

    late = api.refused(412, "version_conflict", "POST", f"{path}/draft/publish", {})["details"]

    assert (late["based_on"], late["version"], late["published_version"]) == (1, 2, 2)
    assert late["base"]["definition"] == saying(1)
    assert (late["theirs"]["definition"], late["theirs"]["message"]) == (saying("Bob"), "Bob's")
    assert late["theirs"]["author"]["id"] == BOB
    assert late["changes"]["nodes"][0]["changes"][0]["value"] == "Bob"
    assert api.ok("GET", f"{path}/draft")["definition"] == saying("Ada"), "nothing is lost"
    merged = {"definition": saying("both"), "base_version": 2}
    api.ok("PUT", f"{path}/draft", merged, match="*")
    assert api.ok("POST", f"{path}/draft/publish", {})["published_version"] == 3


def test_two_windows_do_not_overwrite_each_other_s_draft(api: Api):
    path = made(api)
    first = api.ok("PUT", f"{path}/draft", {"definition": {"n": 1}})
    assert api.ok("PUT", f"{path}/draft", {"definition": {"n": 1}}) == first, "a lost answer is asked for again"
    api.refused(428, "precondition_required", "PUT", f"{path}/draft", {"definition": {"n": 2}})
    second = api.ok("PUT", f"{path}/draft", {"definition": {"n": 2}}, match=f'"{first["etag"]}"')
    late = api.refused(
        412, "draft_conflict", "PUT", f"{path}/draft", {"definition": {"n": 3}}, match=f'"{first["etag"]}"'
    )
    assert late["details"]["etag"] == second["etag"]
    api.refused(412, "draft_conflict", "DELETE", f"{path}/draft", match=f'"{first["etag"]}"')
    api.refused(422, "invalid_input", "PUT", f"{path}/draft", {"definition": {}, "base_version": 9}, match="*")
    api.refused(422, "invalid_input", "PUT", f"{path}/draft", {"definition": {}}, match="nonsense")
    api.ok("DELETE", f"{path}/draft")
    api.ok("DELETE", f"{path}/draft")
    api.refused(412, "draft_conflict", "PUT", f"{path}/draft", {"definition": {}}, match=f'"{second["etag"]}"')


def test_large_drafts_are_in_s3_and_go_when_they_are_replaced(api: Api, aws: Aws):
    path = made(api)

    def objects() -> int:
        return aws.s3.list_objects_v2(Bucket="payloads", Prefix="drafts/")["KeyCount"]

    for number in range(3):
        noise = {"text": "".join(new_id() for _ in range(2_000)), "n": number}
        api.ok("PUT", f"{path}/draft", {"definition": noise}, match="*")
        assert api.ok("GET", f"{path}/draft")["definition"] == noise
        assert objects() == 1
    aws.s3.put_object(Bucket="payloads", Key=f"drafts/{path[-36:]}~{ADA}/lost.json", Body=b"{}")
    aws.clock.pass_time(days=30 * 365)
    assert aws.repositories.drafts.remove_orphans(aws.clock.now()) == 1
    assert api.ok("GET", f"{path}/draft")["definition"] == noise
    api.refused(
        413, "too_large", "PUT", f"{path}/draft", {"definition": {"x": "y" * limits.MAX_DRAFT_BYTES}}, match="*"
    )
    api.ok("PUT", f"{path}/draft", {"definition": saying(2, ui={"notes": ["x" * 70_000]})}, match="*")
    api.ok("POST", f"{path}/draft/publish", {})
    assert objects() == 0


def test_renaming_checks_names_like_creating(api: Api, aws: Aws):
    path = made(api)
    web = Integration(new_id(), WORKSPACE, "web", "http_bearer", None, {}, (), None, 1, "t", "t")
    aws.repositories.integrations.create(web)
    empty = api.ok("POST", "/api/workflows", {"name": "Empty"})
    nodes = [
        {
            "id": "mail",
            "type": "email",
            "config": {"integration": "smtp", "to": ["a@b.de"], "subject": "s", "text": "t"},
        },
        {"id": "sub", "type": "sub_workflow", "config": {"workflow": "Nobody"}},
        {"id": "later", "type": "sub_workflow", "config": {"workflow": "Empty"}},
        {
            "id": "wrong",
            "type": "email",
            "config": {"integration": "web", "to": ["a@b.de"], "subject": "s", "text": "t"},
        },
    ]
    definition = {"nodes": nodes, "edges": [{"from": "mail", "to": "gone"}], "on_failure": {"workflow": empty["id"]}}
    found = api.ok("POST", "/api/workflows/validate", {"definition": definition})
    assert found["valid"] is False
    told = {(one["path"], one["code"], one["node"], one["severity"]) for one in found["problems"]}
    assert told == {
        ("nodes[0].config.integration", "unknown_integration", "mail", "error"),
        ("nodes[1].config.workflow", "unknown_workflow", "sub", "error"),
        ("nodes[2].config.workflow", "not_published", "later", "warning"),
        ("nodes[3].config.integration", "wrong_integration_type", "wrong", "error"),
        ("on_failure.workflow", "not_published", None, "warning"),
        ("edges[0].to", "unknown_node", None, "error"),
    }
    (edge,) = (one["edge"] for one in found["problems"] if one["edge"])
    assert edge == {"from": "mail", "port": "main", "to": "gone"}
    for method, address, body in (("POST", "/api/workflows", {"name": "X"}), ("PUT", path, {})):
        error = api.refused(422, "invalid_definition", method, address, {**body, "definition": definition}, match="*")
        assert {(f"{one['path']}".removeprefix("definition."), one["node"]) for one in error["details"]} == {
            (path, node) for path, _, node, severity in told if severity == "error"
        }


def test_workflow_list_pages_are_filtered_and_full(api: Api):
    for number in range(7):
        more = {"labels": ["Odd"], "folder": "Finance/In"} if number % 2 else {"folder": "Finance"}
        made(api, name=f"Invoice {number}", **more)
    made(api, name="Other", description="about INVOICES", labels=["even"])
    first = api.ok("GET", "/api/workflows", q="invoice", limit="5")
    rest = api.ok("GET", "/api/workflows", q="invoice", limit="5", cursor=first["next_cursor"])
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (5, 3, None)
    assert len(api.ok("GET", "/api/workflows", label="odd")["items"]) == 3
    assert len(api.ok("GET", "/api/workflows", folder="Finance")["items"]) == 7
    assert len(api.ok("GET", "/api/workflows", folder="Finance/In")["items"]) == 3
    assert [one["name"] for one in api.ok("GET", "/api/workflows", folder="")["items"]] == ["Other"]
    assert api.ok("GET", "/api/workflows", is_active="true")["items"] == []
    assert api.call("GET", "/api/workflows", tag="odd")[0] in (400, 422)


def test_a_name_changes_without_a_version(api: Api):
    path = made(api)
    done = api.ok("PATCH", path, {"name": "New", "labels": [" a ", "b"], "folder": "/Finance/In/"})
    assert (done["name"], done["labels"], done["folder"], done["version"]) == ("New", ["a", "b"], "Finance/In", 1)
    etag = api.etags[path]
    assert api.ok("PATCH", path, {"name": "New"})["updated_at"] == done["updated_at"]
    assert api.etags[path] == etag, "nothing has changed"
    api.ok("PATCH", path, {"folder": None, "description": "d"}, match=etag)
    api.refused(412, "version_conflict", "PATCH", path, {"name": "Late"}, match=etag)
    for wrong in ({"labels": ["a", "A"]}, {"folder": "a//b"}, {"name": ""}, {"labels": ["x"] * 21}):
        api.refused(422, "invalid_input", "PATCH", path, wrong)


def test_workflow_that_others_reference_is_not_deleted_without_force(api: Api):
    path = made(api, name="Named")
    caller = made(api, name="Caller", definition={"nodes": [
        {"id": "s", "type": "sub_workflow", "config": {"workflow": "Named"}}]})  # fmt: skip
    api.ok("PUT", caller, {"definition": saying(1)}, match="*")
    (usage,) = api.ok("GET", f"{path}/usages")["items"]
    assert (usage["name"], usage["in"]) == ("Caller", ["published"])
    assert api.refused(409, "in_use", "DELETE", path)["details"] == [usage]
    api.ok("POST", f"{caller}/publish", {}, match="*")
    assert api.ok("GET", f"{path}/usages")["items"] == []
    api.ok("POST", f"{caller}/rollback", {}, match="*")
    assert api.ok("GET", f"{path}/usages")["items"] == [usage]
    api.ok("PUT", f"{path}/draft", {"definition": {}})
    api.ok("DELETE", path, force="true")
    assert api.call("GET", f"{path}/draft")[0] == 404


def test_only_administrators_publish_triggers_on_the_account_bus(api: Api):
    hearing = saying(1, triggers=[
        {"id": "t", "type": "event", "config": {"bus": "account", "pattern": {"source": ["aws.s3"]}}}])  # fmt: skip
    path, bob = made(api, definition=hearing), Api(BOB, admin=False)
    api.ok("PUT", path, {"definition": saying(2), "publish": True}, match="*")
    bob.refused(403, "forbidden", "POST", "/api/workflows", {"name": "X", "definition": hearing})
    bob.refused(403, "forbidden", "POST", f"{path}/rollback", {}, match="*")
    bob.refused(403, "forbidden", "POST", f"{path}/publish", {"version": 1}, match="*")
    bob.refused(403, "forbidden", "POST", f"{path}/versions/1/restore", {}, match="*")
    assert api.ok("POST", f"{path}/rollback", {}, match="*")["published_version"] == 1
