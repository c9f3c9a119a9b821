"""Passwords and sessions, through the handlers of the API and the authorizer."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any

import pytest

from engine.errors import TooManyRequests
from engine.security.passwords import hash_password
from engine.security.tokens import AccessClaims, sign_access_token
from functions import container
from functions.authorizer import handler as authorizer
from tests.unit.conftest import Aws
from tests.unit.invoked import called

KEYS = {"current": "k1", "k1": "x" * 64}
OLD, NEW = "correct horse", "battery staple"


class Signed:
    """Somebody who has signed in."""

    def __init__(self, email: str, password: str = OLD) -> None:
        status, tokens = called("auth", "POST", "/api/auth/login", None, {"email": email, "password": password})
        assert status == 200, tokens
        self.refresh_token = tokens["refresh_token"]
        self.user_id, self.session_id = self.refresh_token.split(".")[:2]
        self.workspace_id = tokens["workspace_id"]

    def context(self) -> dict[str, Any]:
        claims = AccessClaims(self.user_id, self.session_id, self.workspace_id)
        token = sign_access_token(claims, KEYS, int(time.time()))  # the library looks at the machine's clock
        found: dict[str, Any] = authorizer.handler({"headers": {"authorization": f"Bearer {token}"}}, None)["context"]
        return found

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return called("auth", method, path, self.context(), body)

    @property
    def is_in(self) -> bool:
        return "denied" not in self.context()

    def may_refresh(self) -> bool:
        status, tokens = called("auth", "POST", "/api/auth/refresh", None, {"refresh_token": self.refresh_token})
        if status == 200:
            self.refresh_token = tokens["refresh_token"]
        return status == 200


@pytest.fixture
def ann(seeded: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a user."""
    monkeypatch.setattr(container, "clock", seeded.clock)
    for made in (container.auth_service, container.password_service, container.invitation_service):
        made.cache_clear()
    made = {"email": "ann@example.com", "password": OLD, "full_name": "Ann"}
    admin = {"user_id": "u", "workspace_id": "w", "role": "owner", "is_admin": "true"}
    assert called("users", "POST", "/api/users", admin, made)[0] == 201
    return "ann@example.com"


ADMIN = {"user_id": "u", "workspace_id": "w", "role": "owner", "is_admin": "true"}


def signs_in(email: str, password: str) -> int:
    return called("auth", "POST", "/api/auth/login", None, {"email": email, "password": password})[0]


def test_a_changed_password_ends_all_other_sessions(ann: str):
    here, there = Signed(ann), Signed(ann)
    body = {"old_password": "wrong horse", "new_password": NEW}
    status, refused = here.call("POST", "/api/auth/password", body)
    assert (status, refused["error"]["code"]) == (403, "wrong_password")
    assert there.is_in

    assert here.call("POST", "/api/auth/password", {**body, "old_password": OLD})[0] == 204

    assert (here.is_in, here.may_refresh(), there.is_in, there.may_refresh()) == (True, True, False, False)
    assert (signs_in(ann, OLD), signs_in(ann, NEW)) == (401, 200)
    assert [one["is_current"] for one in here.call("GET", "/api/auth/sessions")[1]["items"]].count(True) == 1


def test_whoever_signs_in_with_the_old_password_while_it_is_changed_is_out(ann: str, monkeypatch: pytest.MonkeyPatch):
    """The password is looked at before the change, the session written after it."""
    here = Signed(ann)
    repository = type(container.users())
    add = repository.add_session

    def late(self: Any, session: Any) -> None:
        monkeypatch.setattr(repository, "add_session", add)
        assert here.call("POST", "/api/auth/password", {"old_password": OLD, "new_password": NEW})[0] == 204
        add(self, session)

    monkeypatch.setattr(repository, "add_session", late)
    late_one = Signed(ann)

    assert (late_one.is_in, late_one.may_refresh()) == (False, False)


def test_a_stronger_hash_does_not_bring_an_old_password_back(ann: str):
    users = container.users()
    user = users.by_email(ann)
    assert user is not None
    changed = hash_password(NEW)
    users.set_password(user, changed, None)
    users.set_password_hash(user, hash_password(OLD))

    found = users.by_email(ann)
    assert found is not None
    assert found.password_hash == changed


def test_of_two_changes_at_once_one_is_made(ann: str, monkeypatch: pytest.MonkeyPatch):
    one, other = Signed(ann), Signed(ann)
    users = container.users()
    stale = users.by_id(one.user_id)
    assert one.call("POST", "/api/auth/password", {"old_password": OLD, "new_password": NEW})[0] == 204
    context = Signed(ann, NEW).context()
    monkeypatch.setattr(type(users), "by_id", lambda *_: stale)

    status, answer = called(
        "auth", "POST", "/api/auth/password", context, {"old_password": OLD, "new_password": "x" * 9}
    )
    assert (status, answer["error"]["code"]) == (409, "changed_meanwhile")
    assert not other.is_in


def test_sessions_are_listed_and_ended_one_by_one_and_all_together(seeded: Aws, ann: str):
    here, there, third = Signed(ann), Signed(ann), Signed(ann)
    listed = here.call("GET", "/api/auth/sessions")[1]["items"]
    assert {one["id"] for one in listed} == {here.session_id, there.session_id, third.session_id}
    assert [one["id"] for one in listed if one["is_current"]] == [here.session_id]
    assert here.call("DELETE", f"/api/auth/sessions/{there.session_id}")[0] == 204
    assert here.call("DELETE", f"/api/auth/sessions/{there.session_id}")[0] == 404
    assert (there.is_in, third.is_in) == (False, True)

    assert third.call("DELETE", "/api/auth/sessions")[0] == 204
    assert (here.is_in, third.is_in, here.may_refresh()) == (False, False, False)
    assert len(Signed(ann).call("GET", "/api/auth/sessions")[1]["items"]) == 1


def test_who_is_kept_out_and_let_in_again_signs_in_again(seeded: Aws, ann: str):
    here = Signed(ann)
    for verb, is_in in (("deactivate", False), ("activate", False)):
        assert called("users", "POST", f"/api/users/{here.user_id}/{verb}", ADMIN)[0] == 200
        assert here.is_in is is_in, verb

    assert not here.may_refresh()
    assert Signed(ann).is_in


def test_a_link_sets_a_password_once_for_a_day(seeded: Aws, ann: str):
    here = Signed(ann)

    def link() -> dict[str, Any]:
        status, made = called("users", "POST", f"/api/users/{here.user_id}/password-link", ADMIN)
        assert status == 201, made
        return dict(made)

    def reset(token: str, password: str = NEW) -> int:
        body = {"token": token, "new_password": password}
        return called("auth", "POST", "/api/auth/password/reset", None, body)[0]

    first, second = link(), link()
    assert first["url"] == f"https://api.example/console/reset#{first['token']}"
    assert reset(first["token"]) == 404, "another link ends it"
    assert reset(f"{here.user_id}.guess") == 404
    assert reset("x") == 404
    assert reset(second["token"], "12345678") == 422
    assert here.is_in
    assert reset(second["token"]) == 204
    assert (here.is_in, signs_in(ann, OLD), signs_in(ann, NEW)) == (False, 401, 200)
    assert reset(second["token"]) == 404
    late = link()
    seeded.clock.pass_time(hours=24)
    assert reset(late["token"]) == 404


def test_a_link_is_not_used_up_by_what_happens_at_the_same_moment(
    seeded: Aws, ann: str, monkeypatch: pytest.MonkeyPatch
):
    here = Signed(ann)
    _, link = called("users", "POST", f"/api/users/{here.user_id}/password-link", ADMIN)
    stale = seeded.users.by_id(here.user_id)
    body = {"token": link["token"], "new_password": NEW}
    seeded.users.end_sessions(here.user_id)
    with monkeypatch.context() as patch:
        patch.setattr(type(seeded.users), "by_id", lambda *_: stale)
        status, answer = called("auth", "POST", "/api/auth/password/reset", None, body)
    assert (status, answer["error"]["code"], signs_in(ann, NEW)) == (409, "changed_meanwhile", 401)

    assert called("auth", "POST", "/api/auth/password/reset", None, body)[0] == 204
    with monkeypatch.context() as patch:  # somebody else has used it since it was looked at
        patch.setattr(type(seeded.users), "has_reset", lambda *_: True)
        status, _ = called("auth", "POST", "/api/auth/password/reset", None, {**body, "new_password": OLD})
    assert (status, signs_in(ann, OLD), signs_in(ann, NEW)) == (404, 401, 200)


@pytest.mark.parametrize("password", ["password", "12345678", "Password", "QWERTYUIOP", "1qaz2wsx"])
def test_passwords_that_are_guessed_first_are_refused(ann: str, password: str):
    status, answer = called("users", "POST", "/api/users", ADMIN, {"email": "b@example.com", "password": password})

    assert (status, answer["error"]["details"][0]["path"]) == (422, "password")
    assert "guessed" in answer["error"]["message"]
    assert signs_in("b@example.com", password) == 401


def test_parallel_guesses_are_counted_before_they_are_tried(seeded: Aws, ann: str, monkeypatch: pytest.MonkeyPatch):
    tried: list[str] = []
    monkeypatch.setattr("engine.services.auth.verify_password", lambda guess, _: tried.append(guess) or False)
    threads = [Thread(target=signs_in, args=(ann, f"guess {n}")) for n in range(26)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tried) == 20


def test_a_stranger_who_guesses_locks_out_themselves_and_not_the_owner(seeded: Aws, ann: str):
    from engine.schemas.users import Credentials

    service = container.auth_service()
    wrong, right = (Credentials(email=ann, password=one) for one in ("wrong", OLD))
    for _ in range(21):
        with pytest.raises(Exception) as refused:  # noqa: PT011 - the last one is of another kind
            service.login(wrong, "203.0.113.9")
    assert isinstance(refused.value, TooManyRequests)
    assert 0 < refused.value.retry_after <= 900
    with pytest.raises(TooManyRequests):
        service.login(right, "203.0.113.9")

    assert service.login(right, "198.51.100.1").access_token
    seeded.clock.pass_time(seconds=900)
    assert service.login(right, "203.0.113.9").access_token


def test_signing_in_often_is_no_guessing(seeded: Aws, ann: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.services.auth.verify_password", lambda *_: True)
    for _ in range(110):
        assert signs_in(ann, OLD) == 200
