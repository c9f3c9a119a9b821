"""Nothing that a client sends gives a 500. Runs last: it makes many failed sign-ins."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from functions.openapi import build
from tests.e2e.conftest import PASSWORD, Caller, caller

DOCUMENT = build()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = [
    (method, path)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if path != "/api/auth/logout"  # it would end the session of the others
]


@pytest.fixture(scope="session")
def fuzzer(admin: Caller, api_url: str) -> Caller:
    """A user of its own, an administrator so that every route is reached."""
    admin.ok("POST", "/api/users", json={"email": "fuzz@example.com", "password": PASSWORD, "is_admin": True})
    return caller(api_url, "fuzz@example.com", PASSWORD)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_gives_a_500(method: str, path: str, fuzzer: Caller, api_url: str):
    statuses: dict[int, int] = {}

    @given(case=SCHEMA[path][method].as_strategy())
    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def fuzz(case: schemathesis.Case) -> None:
        headers = {"authorization": fuzzer.authorization}
        response = case.call(base_url=api_url, headers=headers)
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
        assert response.status_code < 500, (case.as_curl_command(), response.text)

    fuzz()
    assert statuses
