"""Each route of the API, called by each role: what is refused is what the role does not grant, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.ids import new_id
from engine.security.permissions import GRANTS, Access, Permission
from functions.openapi import API_FUNCTIONS, document_of
from tests.unit.conftest import Aws
from tests.unit.invoked import SESSION, USER, WORKSPACE, called

NEEDED = "x-mainspring-permission"
OPERATIONS = [
    (function, method.upper(), path, operation.get(NEEDED))
    for function in API_FUNCTIONS
    for path, methods in document_of(function)["paths"].items()
    for method, operation in methods.items()
]
VALUES = {"workspace_id": WORKSPACE, "user_id": USER, "version": "1", "other": "1", "sha256": "0" * 64, "name": "own"}


def filled(path: str) -> str:
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        path = path.replace("{" + name + "}", VALUES.get(name, new_id()))
    return path


def who(role: str, **more: str) -> dict[str, str]:
    caller = {"user_id": USER, "session_id": SESSION, "workspace_id": WORKSPACE, "email": "ada@example.com"}
    return {**caller, "role": role, "is_admin": "false", "name": "Ada", **more}


@pytest.mark.parametrize(("function", "method", "path", "needed"), OPERATIONS, ids=str)
def test_a_route_is_for_those_whose_role_grants_what_it_names(
    seeded: Aws, function: str, method: str, path: str, needed: str | None
):
    assert needed in {*Permission, *Access}, "a route says what its callers need"
    if needed not in set(Permission):
        return
    body: Any = {} if method in ("POST", "PUT", "PATCH") else None

    refused = {role: called(function, method, filled(path), who(role), body)[0] == 403 for role in GRANTS}
    own = {
        one: called(function, method, filled(path), who("own", grants=str(one)), body)[0] == 403 for one in Permission
    }

    assert refused == {role: needed not in grants for role, grants in GRANTS.items()}
    assert own == {one: one != needed for one in Permission}
    assert called(function, method, filled(path), who("gone", grants=""), body)[0] == 403
    assert called(function, method, filled(path), None, body)[0] == 401


KEY = {"key_id": new_id(), "session_id": ""}


@pytest.mark.parametrize(("function", "method", "path", "needed"), OPERATIONS, ids=str)
def test_a_key_for_one_workflow_calls_what_names_this_one_and_a_key_never_what_needs_a_session(
    seeded: Aws, function: str, method: str, path: str, needed: str
):
    body: Any = {} if method in ("POST", "PUT", "PATCH") else None
    grants = " ".join(Permission)
    key, narrow = who("own", grants=grants, **KEY), who("own", grants=grants, workflows=new_id(), **KEY)

    whole, narrowed = (called(function, method, filled(path), one, body) for one in (key, narrow))

    if needed == Access.SESSION:
        assert [answer["error"]["code"] for _, answer in (whole, narrowed)] == ["session_needed"] * 2
    elif needed in set(Permission):
        assert whole[0] != 403, whole
        if "{execution_id}" in path or f"{method} {path}" == "POST /api/executions":
            assert narrowed[0] in (403, 404, 422), narrowed
        else:
            assert (narrowed[0], narrowed[1]["error"]["code"]) == (403, "other_workflow")


def test_what_is_the_platforms_is_for_administrators(seeded: Aws):
    routes = [(function, method, path) for function, method, path, needed in OPERATIONS if needed == Access.ADMIN]

    assert routes
    for function, method, path in routes:
        status, answer = called(function, method, filled(path), who("owner"), {})
        assert (status, answer["error"]["code"]) == (403, "forbidden"), path
        assert called(function, method, filled(path), who("viewer", is_admin="true"), {})[0] != 403, path
