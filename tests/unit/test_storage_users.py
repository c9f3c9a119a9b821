"""Users and sessions as they are stored: what is taken once, and what is forgotten."""

from __future__ import annotations

import pytest

from engine.errors import Conflict
from engine.ids import new_id
from engine.security.tokens import RefreshToken
from engine.storage.dynamodb.table import ConditionFailed
from engine.storage.users import Session
from tests.unit.conftest import Aws
from tests.unit.test_storage import user

USER, SESSION = "01920000-0000-7000-8000-000000000001", "01920000-0000-7000-8000-000000000002"


def test_an_address_is_taken_once_and_nothing_else_is_written(aws: Aws):
    aws.users.create(user("a@example.com"), first=True)
    before = len(aws.dynamodb.scan(TableName="Identity")["Items"])
    with pytest.raises(Conflict) as caught:
        aws.users.create(user("a@example.com"), first=False)

    assert caught.value.code == "email_taken"
    assert len(aws.dynamodb.scan(TableName="Identity")["Items"]) == before


def test_there_is_one_first_user(aws: Aws):
    assert aws.users.is_empty()
    aws.users.create(user("a@example.com"), first=True)

    assert not aws.users.is_empty()
    with pytest.raises(Conflict) as caught:
        aws.users.create(user("b@example.com"), first=True)
    assert caught.value.code == "not_first"


def test_users_are_listed_in_pages(aws: Aws):
    made = [user(f"{n}@example.com") for n in range(5)]
    for one in made:
        aws.users.create(one, first=False)
    first = aws.users.page(None, 3)
    rest = aws.users.page(first.next_cursor, 3)

    assert [u.email for u in first.items + rest.items] == [u.email for u in made]
    assert rest.next_cursor is None


def test_a_session_is_rotated_once(aws: Aws):
    old, new, other = (RefreshToken(USER, SESSION, "f", name) for name in ("old", "new", "other"))
    aws.users.add_session(Session(SESSION, USER, new_id(), old.hash, "family", 2_000))
    rotated = aws.users.rotate_session(old, new, "", 1_000)

    assert rotated.refresh_hash == new.hash
    for stale, now in ((old, 1_000), (new, 3_000)):
        with pytest.raises(ConditionFailed):
            aws.users.rotate_session(stale, other, "", now)


def test_attempts_are_forgotten_after_a_while_and_forgiven(aws: Aws):
    counted = [aws.users.count_attempt("s", 1_000, 900) for _ in range(3)]
    aws.users.forgive_attempt("s", 1_001)

    assert counted == [(1, 1_900), (2, 1_900), (3, 1_900)]
    assert aws.users.count_attempt("s", 1_899, 900) == (3, 1_900)
    aws.users.forgive_attempt("s", 1_900)
    assert aws.users.count_attempt("s", 1_900, 900) == (1, 2_800)
