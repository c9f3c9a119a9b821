"""API keys and service accounts, through the handlers of the API and the authorizer."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import Unauthenticated
from engine.ids import new_id
from engine.security.api_keys import KeyId, new_api_key, parse_api_key
from engine.storage.users import Session
from functions import container
from functions.authorizer import handler as authorizer
from tests.unit.conftest import Aws
from tests.unit.invoked import called
from tests.unit.test_workspaces import Person, shared

QUICK = {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}


def who(text: str) -> dict[str, Any]:
    """What the authorizer finds out about a key."""
    answer = authorizer.handler({"headers": {"authorization": f"Bearer {text}"}}, None)
    found: dict[str, Any] = answer["context"]
    return found


def by_key(text: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    kind = path.split("/")[2]
    function = {"keys": "workspaces", "files": "data"}.get(kind, kind)
    return called(function, method, path, who(text), body)


def code_of(answer: tuple[int, Any]) -> tuple[int, str]:
    status, content = answer
    return status, content["error"]["code"]


def make(person: Person, **body: Any) -> dict[str, Any]:
    status, made = called("workspaces", "POST", "/api/keys", person.context(), {"name": "CI", **body})
    assert status == 201, made
    return dict(made)


def account(person: Person, role: str, name: str = "Deploy") -> str:
    body = {"name": name, "role": role}
    status, made = called("workspaces", "POST", "/api/service-accounts", person.context(), body)
    assert status == 201, made
    return str(made["id"])


def keys_of(person: Person) -> list[dict[str, Any]]:
    return list(called("workspaces", "GET", "/api/keys", person.context())[1]["items"])


@pytest.fixture
def team(seeded: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setattr(container, "clock", seeded.clock)
    for made in (container.auth_service, container.invitation_service, container.workspaces):
        made.cache_clear()
    from functions import api_services

    api_services.api_key_service.cache_clear()
    api_services.workspace_service.cache_clear()
    return seeded


@pytest.fixture
def ann(team: Aws) -> Person:
    return Person(team, "Ann")


@pytest.fixture
def bob(team: Aws) -> Person:
    return Person(team, "Bob")


def test_the_text_of_a_key_names_what_is_read_and_is_checked_without_reading():
    ids = KeyId(new_id(), new_id(), new_id(), is_service=False)
    key = new_api_key(ids)
    begin, id_part, secret, checksum = key.text.split("_")
    assert (begin, parse_api_key(key.text).id, parse_api_key(key.text).hash) == ("ms", ids, key.hash)

    wrong = [
        key.text[:-1], key.text + "0", f"ms_{id_part}_{secret[:-1]}0_{checksum}", f"ms_{id_part}_{secret}", "ms_",
        f"ms_p{'z' * 65}_{secret}_{checksum}", key.text.replace("ms_p", "ms_s"),
        f"ms_{id_part}_{secret}_é{checksum[1:]}",
    ]  # fmt: skip
    for text in wrong:
        with pytest.raises(Unauthenticated) as refused:
            parse_api_key(text)
        assert refused.value.code == "invalid_key"


def test_a_key_does_what_it_was_given_and_no_more(ann: Person):
    made = make(ann, permissions=["execute", "read"])
    text = made["key"]
    assert made["permissions"] == ["read", "execute"]
    assert "key" not in keys_of(ann)[0]

    assert by_key(text, "GET", "/api/workflows")[0] == 200
    assert code_of(by_key(text, "POST", "/api/workflows", {"name": "W", "definition": QUICK})) == (403, "forbidden")
    me = by_key(text, "GET", "/api/auth/me")[1]
    assert (me["email"], me["permissions"], me["key_id"]) == (ann.email, ["read", "execute"], made["id"])
    for method, path, body in [
        ("POST", "/api/auth/workspace", {"workspace_id": ann.home}), ("GET", "/api/workspaces", None),
        ("POST", "/api/keys", {"name": "More", "permissions": ["read"]}), ("POST", "/api/auth/logout", None),
        ("DELETE", f"/api/keys/{made['id']}", None), ("PATCH", "/api/auth/me", {"full_name": "Eve"}),
    ]:  # fmt: skip
        assert code_of(by_key(text, method, path, body)) == (403, "session_needed"), path
    assert code_of(by_key(text, "GET", "/api/users")) == (403, "forbidden")


def test_no_hash_no_secret_and_no_text_of_a_key_is_stored(team: Aws, ann: Person):
    text = make(ann, permissions=["read"])["key"]
    stored = str(team.dynamodb.scan(TableName="Identity")["Items"])

    assert parse_api_key(text).secret not in stored
    assert parse_api_key(text).hash in stored


def test_the_key_of_somebody_without_rights_is_refused_at_the_next_request(team: Aws, ann: Person, bob: Person):
    shared(ann, bob)
    text = make(bob, permissions=["read", "edit", "publish"])["key"]
    new = {"name": "W", "definition": QUICK}
    assert by_key(text, "POST", "/api/workflows", new)[0] == 201
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "viewer"})
    assert code_of(by_key(text, "POST", "/api/workflows", new)) == (403, "forbidden")
    assert by_key(text, "GET", "/api/workflows")[0] == 200
    ann.ok("DELETE", ann.at(f"/members/{bob.id}"))

    assert code_of(by_key(text, "GET", "/api/workflows")) == (401, "no_member")
    assert keys_of(ann)[0]["state"] == "without_owner"


def test_who_is_invited_again_or_let_in_again_does_not_get_old_keys_back(team: Aws, ann: Person, bob: Person):
    shared(ann, bob)
    text = make(bob, permissions=["read"])["key"]
    ann.ok("DELETE", ann.at(f"/members/{bob.id}"))
    team.clock.pass_time(minutes=1)
    token = ann.ok("POST", ann.at("/invitations"), {"email": bob.email, "role": "editor"})["token"]
    bob.workspace = bob.home
    bob.ok("POST", f"/api/invitations/{token}/accept")
    bob.workspace = ann.workspace
    assert code_of(by_key(text, "GET", "/api/workflows")) == (401, "no_member")
    again = make(bob, permissions=["read"])
    team.users.set_active(bob.id, active=False)
    assert code_of(by_key(again["key"], "GET", "/api/workflows")) == (401, "invalid_key")
    team.users.set_active(bob.id, active=True)
    bob.session = new_id()
    team.users.add_session(Session(bob.session, bob.id, bob.workspace, "h", "f", 4_000_000_000, epoch=1))

    assert code_of(by_key(again["key"], "GET", "/api/workflows")) == (401, "invalid_key")
    assert [one["state"] for one in keys_of(bob)] == ["without_owner", "without_owner"]
    refused = called("workspaces", "POST", f"/api/keys/{again['id']}/rotate", bob.context(), {})
    assert code_of(refused) == (409, "key_over")
    assert by_key(make(bob, permissions=["read"])["key"], "GET", "/api/workflows")[0] == 200


def test_a_key_is_good_in_its_workspace_and_for_its_owner_only(ann: Person, bob: Person):
    home = ann.workspace
    text = make(ann, permissions=["read"])["key"]
    shared(ann, bob)
    ann_here = make(ann, permissions=["read", "manage"])
    key = parse_api_key(text)
    assert who(text)["workspace_id"] == home
    for forged in (
        KeyId(ann.workspace, ann.id, key.id.key_id, is_service=False),
        KeyId(home, bob.id, key.id.key_id, is_service=False),
        KeyId(home, ann.id, key.id.key_id, is_service=True),
        KeyId(home, ann.id, ann_here["id"], is_service=False),
    ):
        assert who(type(key)(forged, key.secret).text)["denied"] == "invalid_key", forged
    other = new_api_key(key.id)
    assert who(other.text)["denied"] == "invalid_key"


def test_a_service_account_stays_when_who_made_it_goes(team: Aws, ann: Person, bob: Person):
    workspace = shared(ann, bob, role="owner")
    deploy = account(bob, "editor")
    made = make(bob, permissions=["read", "edit", "publish"], service_account_id=deploy, expires_in_days=30)
    ann.ok("DELETE", ann.at(f"/members/{bob.id}"))
    status, workflow = by_key(made["key"], "POST", "/api/workflows", {"name": "W", "definition": QUICK})
    assert (status, workflow["author"]["name"] if "author" in workflow else "Deploy") == (201, "Deploy")
    me = by_key(made["key"], "GET", "/api/auth/me")[1]
    assert (me["email"], me["full_name"], me["role"], me["workspace_id"]) == ("", "Deploy", "editor", workspace)
    path = f"/api/service-accounts/{deploy}"
    assert called("workspaces", "PUT", path, ann.context(), {"name": "D", "role": "viewer"})[0] == 200
    assert code_of(by_key(made["key"], "POST", "/api/workflows", {"name": "V", "definition": QUICK}))[0] == 403
    assert by_key(made["key"], "GET", "/api/workflows")[0] == 200

    assert called("workspaces", "DELETE", path, ann.context())[0] == 204
    assert who(made["key"])["denied"] == "invalid_key"
    assert keys_of(ann) == []
    assert called("workspaces", "DELETE", path, ann.context())[0] == 404


def test_a_removal_that_died_after_the_account_is_finished_by_the_next(team: Aws, ann: Person):
    shared(ann)
    deploy = account(ann, "viewer")
    text = make(ann, permissions=["read"], service_account_id=deploy)["key"]
    team.identity.delete(f"WORKSPACE#{ann.workspace}", f"SERVICE#{deploy}")
    assert who(text)["denied"] == "no_member"
    assert keys_of(ann)[0]["state"] == "without_owner"

    assert called("workspaces", "DELETE", f"/api/service-accounts/{deploy}", ann.context())[0] == 404
    assert keys_of(ann) == []


def test_nobody_makes_a_key_that_does_more_than_they_or_its_owner(ann: Person, bob: Person):
    shared(ann, bob, role="operator")

    def refused(person: Person, path: str, body: Any) -> tuple[int, str]:
        return code_of(called("workspaces", "POST", path, person.context(), body))

    key = {"name": "CI", "permissions": ["read", "publish"]}
    assert refused(bob, "/api/keys", key) == (403, "grants_more")
    ann.ok("PUT", ann.at("/roles/people"), {"permissions": ["manage"]})
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "people"})
    assert refused(bob, "/api/service-accounts", {"name": "X", "role": "editor"}) == (403, "grants_more")
    strong, weak = account(ann, "editor"), account(ann, "viewer", "Reader")
    assert refused(bob, "/api/keys", {**key, "permissions": ["read"], "service_account_id": strong}) == (
        403, "grants_more",
    )  # fmt: skip
    assert refused(ann, "/api/keys", {**key, "service_account_id": weak}) == (422, "invalid_input")
    assert refused(ann, "/api/keys", {**key, "service_account_id": ann.id}) == (422, "invalid_input")
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "viewer"})
    assert refused(bob, "/api/keys", {**key, "permissions": ["read"], "service_account_id": weak}) == (403, "forbidden")
    ann.ok("PUT", ann.at("/roles/keyed"), {"permissions": ["read"]})
    account(ann, "keyed", "Third")
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "viewer"})
    ann.refused(409, "role_in_use", "DELETE", ann.at("/roles/keyed"))


def test_managers_revoke_keys_of_others_and_never_see_or_rotate_them(ann: Person, bob: Person):
    shared(ann, bob)
    bobs, anns = make(bob, permissions=["read"]), make(ann, permissions=["read"])
    assert [one["id"] for one in keys_of(bob)] == [bobs["id"]]
    assert {one["id"] for one in keys_of(ann)} == {bobs["id"], anns["id"]}

    def done(person: Person, method: str, key: dict[str, Any], rest: str = "", body: Any = None) -> int:
        return called("workspaces", method, f"/api/keys/{key['id']}{rest}", person.context(), body)[0]

    assert done(ann, "POST", bobs, "/rotate", {}) == 404
    assert done(bob, "DELETE", anns) == 404
    assert done(ann, "DELETE", bobs) == 204
    assert done(ann, "DELETE", bobs) == 404
    assert who(bobs["key"])["denied"] == "invalid_key"


def rotated(person: Person, key_id: str, **body: Any) -> dict[str, Any]:
    status, answer = called("workspaces", "POST", f"/api/keys/{key_id}/rotate", person.context(), body)
    assert status == 200, answer
    return dict(answer)


def test_a_rotation_leaves_the_old_secret_good_for_a_while_even_if_its_answer_is_lost(team: Aws, ann: Person):
    first = make(ann, permissions=["read"], expires_in_days=10)
    rotated(ann, first["id"], grace_hours=48)  # nobody has got this answer
    third = rotated(ann, first["id"], grace_hours=1)
    assert [who(one["key"]).get("denied") for one in (first, third)] == [None, None]
    team.clock.pass_time(hours=47)
    assert who(first["key"]).get("denied") is None
    team.clock.pass_time(hours=1)
    assert who(first["key"])["denied"] == "invalid_key"
    fourth = rotated(ann, first["id"], grace_hours=0)
    assert [who(one["key"]).get("denied") for one in (third, fourth)] == ["invalid_key", None]
    assert fourth["expires_at"] == first["expires_at"]
    team.clock.pass_time(days=9)

    assert who(fourth["key"])["denied"] == "key_expired"
    assert keys_of(ann)[0]["state"] == "expired"
    over = called("workspaces", "POST", f"/api/keys/{first['id']}/rotate", ann.context(), {})
    assert code_of(over) == (409, "key_over")
    fifth = rotated(ann, first["id"], expires_in_days=5)
    assert who(fifth["key"]).get("denied") is None


def test_of_two_rotations_at_once_one_is_refused(team: Aws, ann: Person, monkeypatch: pytest.MonkeyPatch):
    made = make(ann, permissions=["read"])
    repository = container.api_keys()
    stale = repository.get(ann.workspace, made["id"])
    rotated(ann, made["id"])
    monkeypatch.setattr(type(repository), "get", lambda *_: stale)

    over = called("workspaces", "POST", f"/api/keys/{made['id']}/rotate", ann.context(), {})
    assert code_of(over) == (409, "changed_meanwhile")


def test_the_use_of_a_key_is_stored_once_a_day(team: Aws, ann: Person):
    text = make(ann, permissions=["read"])["key"]
    calls: list[str] = []
    team.dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    hook = lambda model, **_: calls.append(model.name)  # noqa: E731
    container.client("dynamodb").meta.events.register("before-call.dynamodb", hook)
    try:
        who(text)
        who(text)
        assert calls == ["BatchGetItem", "UpdateItem", "BatchGetItem"]
        team.clock.pass_time(days=1)
        who(text)
    finally:
        container.client("dynamodb").meta.events.unregister("before-call.dynamodb", hook)

    assert calls[-2:] == ["BatchGetItem", "UpdateItem"]
    assert keys_of(ann)[0]["last_used_on"] == "2026-05-02"


def test_a_key_for_some_workflows_does_nothing_else(team: Aws, ann: Person):
    shared(ann)
    new = {"name": "W", "definition": QUICK}
    mine, other = (
        called("workflows", "POST", "/api/workflows", ann.context(), {**new, "name": n})[1]["id"] for n in "AB"
    )
    text = make(ann, permissions=["read", "execute", "edit", "publish"], workflows=[mine, mine])["key"]

    def status(method: str, path: str, body: Any = None) -> int:
        return by_key(text, method, path, body)[0]

    assert status("GET", f"/api/workflows/{mine}") == 200
    assert code_of(by_key(text, "GET", f"/api/workflows/{other}")) == (403, "other_workflow")
    started = by_key(text, "POST", "/api/executions", {"workflow_id": mine})[1]
    assert status("GET", f"/api/executions/{started['id']}") == 200
    assert status("POST", "/api/executions", {"workflow_id": other}) == 403
    theirs = called("executions", "POST", "/api/executions", ann.context(), {"workflow_id": other})[1]["id"]
    for path in ("", "/definition", "/logs"):
        assert code_of(by_key(text, "GET", f"/api/executions/{theirs}{path}")) == (403, "other_workflow")
    assert status("POST", f"/api/executions/{theirs}/cancel") == 403
    for path in ("/api/executions", "/api/workflows", "/api/files"):
        assert code_of(by_key(text, "GET", path)) == (403, "other_workflow"), path
    assert status("POST", "/api/workflows", new) == 403
    assert status("GET", "/api/auth/me") == 200
    refused = called(
        "workspaces",
        "POST",
        "/api/keys",
        ann.context(),
        {"name": "x", "permissions": ["read"], "workflows": [new_id()]},
    )
    assert "workflows[0]" in refused[1]["error"]["message"]


def test_a_key_answers_for_its_owner_only_with_the_permission(ann: Person):
    from functions.http_api import principal_of

    def is_named(*permissions: str) -> bool:
        text = make(ann, permissions=list(permissions))["key"]
        principal = principal_of({"requestContext": {"authorizer": {"lambda": who(text)}}})
        assert principal is not None
        return principal.is_one_of([ann.email])

    assert [is_named("read", "execute"), is_named("answer")] == [False, True]
