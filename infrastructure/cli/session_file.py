"""Where the command line keeps what `login` got: a file of the user's, which nobody else may read.

A refresh token is good once, so whoever uses one holds a lock until the next one is in the file: two commands at once
would end the session. If a command dies in between, one signs in again.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

from infrastructure.cli.api_answers import ApiError, answer_of

_AHEAD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class StoredLogin:
    """An API key, or a session: its refresh token, and its access token until then (epoch seconds).

    `workspace_id` is where it began: a command that worked in another workspace does not move those after it.
    """

    key: str | None = None
    refresh_token: str = ""
    access_token: str = ""
    workspace_id: str = ""
    until: float = 0


def kept(api_url: str) -> StoredLogin | None:
    """Return what is kept for a stack."""
    found = _read().get(api_url.rstrip("/"))
    return StoredLogin(**found) if found else None


def keep(api_url: str, login: StoredLogin) -> None:
    """Keep it, instead of what was kept before for this stack."""
    with _locked():
        _write({**_read(), api_url.rstrip("/"): asdict(login)})


def forget(api_url: str) -> None:
    """Forget what is kept for a stack."""
    with _locked():
        _write({url: login for url, login in _read().items() if url != api_url.rstrip("/")})


def sign_in_and_keep(api_url: str, email: str, password: str) -> str:
    """Return an access token, and keep the session.

    Raises:
        ApiError: the API does not answer, or does not let us in.
    """
    login = _session(api_url, "/api/auth/login", {"email": email, "password": password})
    keep(api_url, login)
    return login.access_token


def access_token(api_url: str, *, fresh: bool = False) -> str:
    """Return the key, or an access token of the session, which is refreshed when it is about to end or `fresh` is set.

    Raises:
        ApiError: nobody is signed in there, or the session is over.
    """
    url = api_url.rstrip("/")
    with _locked():
        stored = kept(url)
        if stored is None:
            raise ApiError(
                f"you are not signed in to {url}; `mainspring login` does it, or give an API key in MAINSPRING_KEY"
            )
        if stored.key is not None:
            return stored.key
        if fresh or stored.until - _AHEAD_SECONDS < time.time():
            stored = _session(
                url, "/api/auth/refresh", {"refresh_token": stored.refresh_token, "workspace_id": stored.workspace_id}
            )
            _write({**_read(), url: asdict(stored)})
        return stored.access_token


def _session(api_url: str, path: str, body: dict[str, str]) -> StoredLogin:
    try:
        answer = answer_of(httpx2.post(f"{api_url}{path}", json=body, timeout=60, trust_env=False))
    except httpx2.HTTPError as error:
        raise ApiError(f"{api_url} does not answer: {error}") from error
    until = time.time() + answer["expires_in"]
    return StoredLogin(None, answer["refresh_token"], answer["access_token"], answer["workspace_id"], until)


def _file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base, "mainspring", "sessions.json")


@contextmanager
def _locked() -> Iterator[None]:
    path = _file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read() -> dict[str, Any]:
    try:
        return dict(json.loads(_file().read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def _write(content: dict[str, Any]) -> None:
    """Write the file whole, or not at all."""
    path = _file()
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
