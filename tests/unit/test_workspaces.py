"""Workspaces, members, roles and invitations, through the handlers of the API and the authorizer."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from engine.ids import new_id
from engine.security.tokens import AccessClaims, new_refresh_token, sign_access_token
from engine.services.auth import AuthService
from engine.storage.users import Session, User
from functions import container
from functions.authorizer import handler as authorizer
from tests.unit.conftest import Aws, items_with
from tests.unit.invoked import AT, HASH, called

KEYS = {"current": "k1", "k1": "x" * 64}
PASSWORD = "correct horse"


class Person:
    """A user with a session, whom the authorizer identifies at each call."""

    def __init__(self, aws: Aws, name: str, *, first: bool = False) -> None:
        self.aws, self.email, self.id, self.session = aws, f"{name.lower()}@example.com", new_id(), new_id()
        self.home = self.workspace = new_id()
        aws.users.create(User(self.id, self.email, name, HASH, first, True, self.home, AT), first=first)
        aws.users.add_session(Session(self.session, self.id, self.home, "hash", "family", 4_000_000_000))

    def context(self) -> dict[str, Any]:
        claims = AccessClaims(self.id, self.session, self.workspace)
        token = sign_access_token(claims, KEYS, int(time.time()))  # the library looks at the machine's clock
        answer: dict[str, Any] = authorizer.handler({"headers": {"authorization": f"Bearer {token}"}}, None)
        found: dict[str, Any] = answer["context"]
        return found

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        kind = path.split("/")[2]
        return called("workspaces" if kind == "invitations" else kind, method, path, self.context(), body)

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.call(method, path, body)
        assert status in (200, 201, 204), answer
        return answer

    def refused(self, status: int, code: str, method: str, path: str, body: Any = None) -> str:
        found, answer = self.call(method, path, body)
        assert (found, answer["error"]["code"]) == (status, code), answer
        return str(answer["error"]["message"])

    def enter(self, workspace_id: str) -> None:
        self.ok("POST", "/api/auth/workspace", {"workspace_id": workspace_id})
        self.workspace = workspace_id

    def at(self, rest: str = "") -> str:
        return f"/api/workspaces/{self.workspace}{rest}"


@pytest.fixture
def team(seeded: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The services work with the time of the test; tokens are valid at the time of the machine."""
    monkeypatch.setattr(container, "clock", seeded.clock)
    for made in (container.auth_service, container.invitation_service, container.workspaces):
        made.cache_clear()
    return seeded


@pytest.fixture
def ann(team: Aws) -> Person:
    return Person(team, "Ann")


@pytest.fixture
def bob(team: Aws) -> Person:
    return Person(team, "Bob")


def shared(ann: Person, *others: Person, role: str = "editor") -> str:
    """A workspace of Ann's, in which the others are, too."""
    made = ann.ok("POST", "/api/workspaces", {"name": "Accounting"})
    ann.enter(made["id"])
    for other in others:
        token = ann.ok("POST", ann.at("/invitations"), {"email": other.email, "role": role})["token"]
        other.ok("POST", f"/api/invitations/{token}/accept")
        other.enter(made["id"])
    return str(made["id"])


def test_each_user_has_a_workspace_of_their_own_and_makes_others(ann: Person):
    (home,) = ann.ok("GET", "/api/workspaces")["items"]
    assert (home["id"], home["name"], home["is_personal"], home["role"]) == (ann.home, "Ann", True, "owner")
    made = ann.ok("POST", "/api/workspaces", {"name": "  Buchhaltung  "})

    assert [one["name"] for one in ann.ok("GET", "/api/workspaces")["items"]] == ["Ann", "Buchhaltung"]
    ann.refused(404, "not_found", "GET", f"/api/workspaces/{made['id']}")
    ann.enter(made["id"])
    me = ann.ok("GET", "/api/auth/me")
    assert (me["workspace_name"], me["role"], me["permissions"][-1]) == ("Buchhaltung", "owner", "audit")
    ann.ok("PATCH", ann.at(), {"name": "Books"})
    assert ann.ok("GET", ann.at())["name"] == "Books"
    ann.ok("DELETE", ann.at())
    ann.refused(401, "no_member", "GET", "/api/workflows")
    ann.workspace = ann.home
    assert [one["name"] for one in ann.ok("GET", "/api/workspaces")["items"]] == ["Ann"]


def test_a_personal_workspace_stays_and_so_does_its_user(ann: Person, bob: Person):
    ann.refused(409, "personal_workspace", "DELETE", ann.at())
    ann.refused(409, "personal_workspace", "POST", ann.at("/leave"))
    token = ann.ok("POST", ann.at("/invitations"), {"email": bob.email, "role": "owner"})["token"]
    bob.ok("POST", f"/api/invitations/{token}/accept")
    bob.enter(ann.home)

    bob.refused(409, "personal_workspace", "DELETE", bob.at(f"/members/{ann.id}"))


def test_an_invitation_is_for_one_address_once(team: Aws, ann: Person, bob: Person):
    shared(ann)
    eve = Person(team, "Eve")
    made = ann.ok("POST", ann.at("/invitations"), {"email": bob.email.upper(), "role": "operator"})
    path = f"/api/invitations/{made['token']}"
    assert made["url"] == f"https://api.example/console/invitation#{made['token']}"
    status, offer = called("workspaces", "GET", path, None)
    assert (status, offer["workspace_name"], offer["email"], offer["invited_by"]) == (
        200,
        "Accounting",
        bob.email,
        "Ann",
    )
    (listed,) = ann.ok("GET", ann.at("/invitations"))["items"]
    assert "token" not in listed

    eve.refused(403, "not_for_you", "POST", f"{path}/accept")
    ann.refused(403, "not_for_you", "POST", f"{path}/accept")
    eve.refused(404, "not_found", "POST", f"{path[:-1]}x/accept")
    assert bob.ok("POST", f"{path}/accept")["role"] == "operator"
    bob.refused(404, "not_found", "POST", f"{path}/accept")
    assert called("workspaces", "GET", path, None)[0] == 404
    assert ann.ok("GET", ann.at("/invitations"))["items"] == []
    listed = ann.ok("GET", ann.at("/members"))["items"]
    assert {(one["email"], one["role"]) for one in listed} == {(ann.email, "owner"), (bob.email, "operator")}
    again = ann.ok("POST", ann.at("/invitations"), {"email": bob.email, "role": "editor"})["token"]
    bob.refused(409, "already_member", "POST", f"/api/invitations/{again}/accept")


def test_an_invitation_ends_after_a_week_when_withdrawn_and_with_who_made_it(team: Aws, ann: Person, bob: Person):
    workspace = shared(ann, bob, role="owner")
    carol = Person(team, "Carol")
    offers = [bob.ok("POST", ann.at("/invitations"), {"email": carol.email, "role": "editor"}) for _ in range(3)]
    ann.ok("DELETE", ann.at(f"/invitations/{offers[0]['id']}"))
    ann.refused(404, "not_found", "DELETE", ann.at(f"/invitations/{offers[0]['id']}"))
    carol.refused(404, "not_found", "POST", f"/api/invitations/{offers[0]['token']}/accept")
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "editor"})
    carol.refused(404, "not_found", "POST", f"/api/invitations/{offers[1]['token']}/accept")
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "owner"})
    team.clock.pass_time(days=7)
    carol.refused(404, "not_found", "POST", f"/api/invitations/{offers[2]['token']}/accept")

    assert team.workspaces.invitations(workspace, team.clock.now()) == []


def test_an_invitation_is_mailed_where_the_workspace_can_and_its_token_is_stored_nowhere(
    team: Aws, ann: Person, monkeypatch: pytest.MonkeyPatch
):
    workspace = shared(ann)
    guest = {"email": "guest@example.com", "role": "viewer"}
    assert ann.ok("POST", ann.at("/invitations"), guest)["is_mailed"] is False
    assert items_with(team, "to", "subject") == []
    monkeypatch.setattr(container, "settings", replace(container.settings, mail_sender="mail@example.com"))
    container.outbox.cache_clear()

    made = ann.ok("POST", ann.at("/invitations"), guest)

    container.outbox.cache_clear()
    (mail,) = items_with(team, "to", "subject")
    assert made["is_mailed"] is True
    said = {name: mail[name]["S"] for name in ("PK", "to", "subject", "text")}
    assert said.pop("text").count("{{link}}") == 1
    assert said == {"PK": f"MAIL#{workspace}", "to": guest["email"], "subject": "Ann invites you to Accounting"}
    assert made["token"].rpartition(".")[2] not in str(mail)


def test_whoever_is_invited_registers_where_registration_is_closed(team: Aws, ann: Person):
    workspace = shared(ann)
    token = ann.ok("POST", ann.at("/invitations"), {"email": "new@example.com", "role": "viewer"})["token"]
    new = {"email": "new@example.com", "password": PASSWORD, "full_name": "New"}
    assert called("auth", "POST", "/api/auth/register", None, new)[1]["error"]["code"] == "registration_closed"
    other = {**new, "email": "else@example.com", "invitation": token}
    assert called("auth", "POST", "/api/auth/register", None, other)[1]["error"]["code"] == "not_for_you"

    status, made = called("auth", "POST", "/api/auth/register", None, {**new, "invitation": token})

    assert (status, made["is_admin"]) == (201, False)
    assert {(one.name, member.role) for one, member in team.workspaces.of_user(made["id"])} == {
        ("New", "owner"), ("Accounting", "viewer"),
    }  # fmt: skip
    again = {**new, "email": "new@example.com", "invitation": token}
    assert called("auth", "POST", "/api/auth/register", None, again)[0] == 404
    assert team.workspaces.invitations(workspace, team.clock.now()) == []


def test_a_demoted_or_removed_member_is_so_at_the_next_request(ann: Person, bob: Person):
    shared(ann, bob)
    assert bob.call("GET", "/api/workflows")[0] == 200
    new = {"name": "W", "definition": {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}}
    assert bob.call("POST", "/api/workflows", new)[0] == 201
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "viewer"})
    assert bob.call("POST", "/api/workflows", new)[0] == 403
    ann.ok("DELETE", ann.at(f"/members/{bob.id}"))

    bob.refused(401, "no_member", "GET", "/api/workflows")
    assert ann.call("GET", "/api/workflows")[1]["items"][0]["name"] == "W", "what he made stays"
    ann.refused(404, "not_found", "DELETE", ann.at(f"/members/{bob.id}"))
    bob.workspace = bob.home
    bob.refused(404, "not_found", "POST", "/api/auth/workspace", {"workspace_id": ann.workspace})


def test_a_refreshed_token_is_for_the_workspace_that_is_asked_for_if_one_is_a_member(
    team: Aws, ann: Person, bob: Person
):
    workspace = shared(ann, bob)
    service = AuthService(
        team.users, team.workspaces, team.invitations, lambda: KEYS, team.clock, open_registration=False
    )
    session = Session(new_id(), bob.id, bob.home, "", "", 4_000_000_000)
    token = new_refresh_token(bob.id, session.id)
    team.users.add_session(replace(session, refresh_hash=token.hash, family_hash=token.family_hash))
    found = service.refresh(token.text, workspace_id=workspace)
    assert found.workspace_id == workspace
    found = service.refresh(found.refresh_token or "")
    assert found.workspace_id == bob.home
    ann.ok("DELETE", ann.at(f"/members/{bob.id}"))

    assert service.refresh(found.refresh_token or "", workspace_id=workspace).workspace_id == bob.home


def test_a_workspace_has_an_owner_at_any_time(ann: Person, bob: Person):
    shared(ann, bob)
    assert "owner" in ann.refused(409, "last_owner", "POST", ann.at("/leave"))
    ann.refused(409, "last_owner", "PUT", ann.at(f"/members/{ann.id}"), {"role": "editor"})
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "owner"})
    ann.ok("POST", ann.at("/leave"))

    bob.refused(409, "last_owner", "PUT", bob.at(f"/members/{bob.id}"), {"role": "viewer"})
    assert [one["email"] for one in bob.ok("GET", bob.at("/members"))["items"]] == [bob.email]


def test_a_role_of_ones_own_grants_what_it_names(ann: Person, bob: Person):
    shared(ann, bob)
    role = {"permissions": ["edit"]}
    made = ann.ok("PUT", ann.at("/roles/drafter"), role)
    assert made["roles"][-1] == {"name": "drafter", "permissions": ["read", "edit"], "is_own": True}
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "drafter"})
    new = {"name": "W", "definition": {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}}

    assert bob.call("POST", "/api/workflows", new)[0] == 403, "it would be published"
    assert bob.call("POST", "/api/workflows", {**new, "publish": False})[0] == 201
    assert bob.ok("GET", "/api/auth/me")["permissions"] == ["read", "edit"]
    ann.refused(409, "role_in_use", "DELETE", ann.at("/roles/drafter"))
    ann.ok("PUT", ann.at("/roles/drafter"), {"permissions": []})
    assert bob.call("POST", "/api/workflows", {**new, "publish": False})[0] == 403
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "viewer"})
    ann.ok("DELETE", ann.at("/roles/drafter"))
    assert "`drafter`" in ann.refused(422, "invalid_input", "PUT", ann.at(f"/members/{bob.id}"), {"role": "drafter"})
    ann.refused(422, "invalid_input", "PUT", ann.at("/roles/owner"), role)


def test_nobody_gives_or_takes_more_than_they_have(team: Aws, ann: Person, bob: Person):
    shared(ann, bob)
    carol = Person(team, "Carol")
    ann.ok("PUT", ann.at("/roles/people"), {"permissions": ["manage"]})
    ann.ok("PUT", ann.at(f"/members/{bob.id}"), {"role": "people"})

    bob.refused(403, "grants_more", "PUT", bob.at(f"/members/{bob.id}"), {"role": "owner"})
    bob.refused(403, "grants_more", "PUT", bob.at("/roles/people"), {"permissions": ["manage", "audit"]})
    bob.refused(403, "grants_more", "POST", bob.at("/invitations"), {"email": carol.email, "role": "owner"})
    bob.refused(403, "grants_more", "DELETE", bob.at(f"/members/{ann.id}"))
    bob.ok("POST", bob.at("/invitations"), {"email": carol.email, "role": "viewer"})


def test_a_workspace_with_something_in_it_is_not_deleted(ann: Person):
    shared(ann)
    new = {"name": "W", "definition": {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}}
    workflow = ann.ok("POST", "/api/workflows", new)
    assert "workflows" in ann.refused(409, "not_empty", "DELETE", ann.at())
    path = f"/api/workflows/{workflow['id']}"
    assert called("workflows", "DELETE", path, ann.context())[0] == 204
    ann.ok("DELETE", ann.at())
