"""Refresh tokens: each is good once, and only one that was given out can end its session."""

from __future__ import annotations

import pytest

from engine.errors import Unauthenticated
from engine.schemas.users import Credentials, Registration
from engine.security.tokens import parse_refresh_token
from engine.services.auth import AuthService
from tests.unit.conftest import Aws

ADA = {"email": "ada@example.com", "password": "correct horse battery"}
KEYS = {"current": "k", "k": "0" * 64}


@pytest.fixture
def auth(aws: Aws) -> AuthService:
    service = AuthService(aws.users, lambda: KEYS, aws.clock, open_registration=False)
    service.register(Registration.model_validate({**ADA, "full_name": "Ada"}))
    return service


def signed_in(auth: AuthService) -> str:
    return auth.login(Credentials.model_validate(ADA), "127.0.0.1").refresh_token


def is_refused(auth: AuthService, token: str) -> bool:
    try:
        auth.refresh(token)
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
    second = auth.refresh(first).refresh_token
    third = auth.refresh(second).refresh_token
    assert is_refused(auth, first)
    assert is_refused(auth, third)


def test_a_token_of_one_session_ends_no_other(auth: AuthService):
    one, other = signed_in(auth), signed_in(auth)
    ids, family = other.split(".")[:2], parse_refresh_token(one).family
    assert is_refused(auth, ".".join([*ids, family, "x"]))
    assert not is_refused(auth, other)
