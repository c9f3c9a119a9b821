"""Refresh tokens: each is good once, and only one that was given out can end its session."""

from __future__ import annotations

import pytest

from engine.errors import Unauthenticated
from engine.schemas.users import Credentials, Registration
from engine.security.tokens import GRACE_SECONDS, next_refresh_token, parse_refresh_token
from engine.services.auth import AuthService
from tests.unit.conftest import Aws

ADA = {"email": "ada@example.com", "password": "correct horse battery"}
BROWSER = "Mozilla/5.0"
KEYS = {"current": "k", "k": "0" * 64}


@pytest.fixture
def auth(aws: Aws) -> AuthService:
    service = AuthService(aws.users, aws.workspaces, aws.invitations, lambda: KEYS, aws.clock, open_registration=False)
    service.register(Registration.model_validate({**ADA, "full_name": "Ada"}))
    return service


def signed_in(auth: AuthService) -> str:
    return auth.login(Credentials.model_validate(ADA), "127.0.0.1").refresh_token or ""


def is_refused(auth: AuthService, token: str, browser: str = "") -> bool:
    try:
        auth.refresh(token, browser)
    except Unauthenticated:
        return True
    return False


@pytest.mark.parametrize(
    "made_up", ["{0}.{1}.x", "{0}.{1}.x.y", "{0}.{1}." + "a" * 32 + "." + "b" * 43, "{0}.{1}..{3}"]
)
def test_a_token_that_was_never_given_out_ends_nothing(auth: AuthService, made_up: str):
    token = signed_in(auth)
    assert is_refused(auth, made_up.format(*token.split(".")))
    assert not is_refused(auth, token)


def test_any_token_that_was_given_out_before_ends_the_session(auth: AuthService):
    first = signed_in(auth)
    second = auth.refresh(first).refresh_token or ""
    third = auth.refresh(second).refresh_token or ""
    assert is_refused(auth, first)
    assert is_refused(auth, third)


def test_a_token_of_one_session_ends_no_other(auth: AuthService):
    one, other = signed_in(auth), signed_in(auth)
    ids, family = other.split(".")[:2], parse_refresh_token(one).family
    assert is_refused(auth, ".".join([*ids, family, "x"]))
    assert not is_refused(auth, other)


def in_browser(auth: AuthService) -> str:
    return auth.login(Credentials.model_validate(ADA), "127.0.0.1", BROWSER).refresh_token or ""


def test_two_tabs_that_refresh_at_once_get_the_same_token_and_keep_the_session(auth: AuthService):
    """Whichever answer the browser takes last, its cookie is good."""
    first = in_browser(auth)
    one = auth.refresh(first, BROWSER).refresh_token or ""
    other = auth.refresh(first, BROWSER).refresh_token or ""

    assert one == other != first
    assert not is_refused(auth, one, BROWSER)


def test_refresh_can_be_repeated_after_a_lost_response(auth: AuthService, aws: Aws):
    first = in_browser(auth)
    auth.refresh(first, BROWSER)  # the process dies, or the connection, before the answer is there
    aws.clock.pass_time(seconds=GRACE_SECONDS - 1)

    again = auth.refresh(first, BROWSER).refresh_token or ""

    assert not is_refused(auth, again, BROWSER)


def test_previous_token_after_the_grace_period_is_theft(auth: AuthService, aws: Aws):
    first = in_browser(auth)
    second = auth.refresh(first, BROWSER).refresh_token or ""
    aws.clock.pass_time(seconds=GRACE_SECONDS)

    assert is_refused(auth, first, BROWSER)
    assert is_refused(auth, second, BROWSER)


def test_previous_token_from_another_browser_is_theft(auth: AuthService):
    first = in_browser(auth)
    second = auth.refresh(first, BROWSER).refresh_token or ""

    assert is_refused(auth, first, "curl/8")
    assert is_refused(auth, second, BROWSER)


def test_token_older_than_the_previous_one_is_theft(auth: AuthService):
    first = in_browser(auth)
    third = auth.refresh(auth.refresh(first, BROWSER).refresh_token or "", BROWSER).refresh_token or ""

    assert is_refused(auth, first, BROWSER)
    assert is_refused(auth, third, BROWSER)


def test_session_outside_a_browser_has_no_grace_period(auth: AuthService):
    first = signed_in(auth)
    auth.refresh(first)

    assert is_refused(auth, first)


def test_the_next_token_cannot_be_computed_without_the_signing_key(auth: AuthService):
    first = in_browser(auth)
    guess = next_refresh_token(parse_refresh_token(first), {"current": "k", "k": "1" * 64}).text

    assert guess != auth.refresh(first, BROWSER).refresh_token
