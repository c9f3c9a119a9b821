"""The command line's client of the API: signs in, and turns every failure into one sentence."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx2

from engine.ids import is_id
from engine.security.api_keys import KEY_PREFIX
from infrastructure.cli.api_answers import ApiError, answer_of, code_of
from infrastructure.cli.session_file import access_token
from infrastructure.local.stack import LocalStack, LocalStackError

FINAL = frozenset({"succeeded", "failed", "cancelled", "timed_out"})
_FASTEST, _SLOWEST = 0.15, 2.0


class Client:
    """A signed-in caller of one Mainspring. `renew` gives another access token once this one has ended."""

    def __init__(self, api_url: str, token: str, renew: Callable[[], str] | None = None) -> None:
        self._renew = renew
        self._workspace_id: str | None = None
        self.api_url = api_url.rstrip("/")
        self._has_key = token.startswith(KEY_PREFIX)
        self._http = httpx2.Client(
            base_url=self.api_url, headers={"authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    @classmethod
    def local(cls, stack: LocalStack) -> Client:
        """Signed in to the local stack as its administrator, or as whom MAINSPRING_KEY belongs to.

        Raises:
            LocalStackError: it does not run.
            ApiError: it does not let us in.
        """
        running = stack.running()
        if running is None:
            raise LocalStackError("the local stack does not run; `mainspring up` starts it")
        if key := os.environ.get("MAINSPRING_KEY"):
            return cls(running.api_url, key).in_named_workspace()

        def signed_in() -> str:
            return sign_in(running.api_url, *stack.credentials())

        return cls(running.api_url, signed_in(), signed_in).in_named_workspace()

    def in_named_workspace(self) -> Client:
        """This client, in the workspace that MAINSPRING_WORKSPACE names, if it names one.

        Raises:
            ApiError: there is none of that name or id.
        """
        named = os.environ.get("MAINSPRING_WORKSPACE")
        if named:
            self.enter(named)
        return self

    def enter(self, named: str) -> None:
        """Work in another of the caller's workspaces from now on: the one of that id or name.

        Raises:
            ApiError: there is none, or more than one.
        """
        if self._has_key:
            here = self.call("GET", "/api/auth/me")
            if named not in (here["workspace_id"], here["workspace_name"]):
                raise ApiError(f"this API key works in the workspace {here['workspace_name']!r} only, not in {named!r}")
            return
        found = self.call("GET", "/api/workspaces")["items"]
        ids = [one["id"] for one in found if named in (one["id"], one["name"])]
        if not ids:
            raise ApiError(f"you are in no workspace {named!r}; `mainspring workspaces` lists yours")
        self._workspace_id = self._only(ids, named, "workspace")
        self._go_to_workspace()

    def _go_to_workspace(self) -> None:
        answer = self.call("POST", "/api/auth/workspace", json={"workspace_id": self._workspace_id})
        self._http.headers["authorization"] = f"Bearer {answer['access_token']}"

    def workflow_id(self, named: str) -> str:
        """The id of the workflow of that id or name.

        Raises:
            ApiError: there is none, or more than one.
        """
        return self.id_of("/api/workflows", "name", named, "workflow")

    def find_workflow(self, name: str) -> str | None:
        """The id of the workflow of that name; None where there is none.

        Raises:
            ApiError: there is more than one.
        """
        found = [one["id"] for one in self.pages("/api/workflows", limit=100) if one["name"] == name]
        return self._only(found, name, "workflow") if found else None

    def id_of(self, path: str, field: str, named: str, what: str) -> str:
        """The id of the one thing in a list whose `field` has that value; an id is its own.

        Raises:
            ApiError: there is none, or more than one.
        """
        if is_id(named):
            return named
        found = [one["id"] for one in self.pages(path) if one[field] == named]
        if not found:
            raise ApiError(f"there is no {what} {named!r}")
        return self._only(found, named, what)

    def _only(self, found: list[str], named: str, what: str) -> str:
        if len(found) > 1:
            raise ApiError(f"{len(found)} {what}s are called {named!r}; name one by its id: {', '.join(found)}")
        return found[0]

    def start(self, workflow_id: str, value: Any, version: int) -> dict[str, Any]:
        """Start an execution of a version, published or not."""
        return self.post_once("/api/executions", {"workflow_id": workflow_id, "input": value, "version": version})

    def post_once(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post a call that starts something; retries after a lost answer have the same key, so it starts once."""
        headers = {"idempotency-key": str(uuid.uuid4())}
        return dict(self.call("POST", path, json=body, headers=headers))

    def follow(self, execution_id: str) -> Iterator[dict[str, Any]]:
        """Yield the execution repeatedly until it is final, less often the longer nothing changes."""
        pause, last = _FASTEST, None
        while True:
            execution = self.call("GET", f"/api/executions/{execution_id}")
            yield execution
            if execution["status"] in FINAL:
                return
            state = [execution["status"], *(node["status"] for node in execution["nodes"])]
            pause = _FASTEST if state != last else min(pause * 1.3, _SLOWEST)
            last = state
            time.sleep(pause)

    def pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list."""
        cursor = None
        while True:
            page = self.call("GET", path, params={**query, **({"cursor": cursor} if cursor else {})})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """The answer's JSON.

        Raises:
            ApiError: it was refused, or there was no answer.
        """
        return answer_of(self._request(method, path, **arguments))

    def get_with_etag(self, path: str) -> tuple[dict[str, Any], str]:
        """Return a resource, and the `If-Match` value for a change that is based on it.

        Raises:
            ApiError: it was refused, or there was no answer.
        """
        response = self._request("GET", path)
        return dict(answer_of(response)), response.headers.get("etag", "*")

    def _request(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """Return an answer. A token that has ended is renewed once.

        Raises:
            ApiError: there was none.
        """
        answer = self._answered(method, path, **arguments)
        if answer.status_code == 401 and self._renew is not None and code_of(answer) == "token_expired":  # noqa: PLR2004
            self._http.headers["authorization"] = f"Bearer {self._renew()}"
            if self._workspace_id is not None:
                self._go_to_workspace()
            answer = self._answered(method, path, **arguments)
        return answer

    def _answered(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """Return an answer. A call without an answer is retried twice.

        Raises:
            ApiError: there was none.
        """
        for attempt in range(3):
            try:
                return self._http.request(method, path, **arguments)
            except httpx2.TransportError as error:
                if attempt == 2:  # noqa: PLR2004
                    raise ApiError(f"{self.api_url} does not answer: {error}") from error
                time.sleep(0.5 * (attempt + 1))
        raise AssertionError("not reached")


def sign_in(api_url: str, email: str, password: str) -> str:
    """An access token.

    Raises:
        ApiError: the API does not answer, or does not let us in.
    """
    try:
        body = {"email": email, "password": password}
        answer = answer_of(httpx2.post(f"{api_url}/api/auth/login", json=body, timeout=60, trust_env=False))
    except httpx2.HTTPError as error:
        raise ApiError(f"{api_url} does not answer: {error}") from error
    token: str = answer["access_token"]
    return token


def address_of(api_url: str | None) -> str:
    """Return the address of a deployed stack that options or environment name.

    Raises:
        ApiError: they name none.
    """
    found = api_url or os.environ.get("MAINSPRING_API_URL")
    if not found:
        raise ApiError("say which stack: --api-url, or MAINSPRING_API_URL; the local one needs no sign-in")
    return found.rstrip("/")


def remote(api_url: str | None, token: str | None) -> Client | None:
    """A client for a deployed stack, where options or environment name one: with a key or token, or as one signed in.

    Raises:
        ApiError: there is a token without an address, or nobody is signed in.
    """
    api_url = api_url or os.environ.get("MAINSPRING_API_URL")
    token = token or os.environ.get("MAINSPRING_TOKEN")
    if token and not api_url:
        raise ApiError("give --api-url (or MAINSPRING_API_URL) as well")
    if not api_url:
        return None
    url = api_url.rstrip("/")
    given = token or os.environ.get("MAINSPRING_KEY")
    if given:
        return Client(url, given).in_named_workspace()
    return Client(url, access_token(url), lambda: access_token(url, fresh=True)).in_named_workspace()
