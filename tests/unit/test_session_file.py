"""The session that the command line keeps: renewed by one command at a time, readable by its owner only."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest

from infrastructure.cli import session_file
from infrastructure.cli.api_answers import ApiError
from infrastructure.cli.client import Client, remote
from infrastructure.cli.session_file import StoredLogin, access_token, forget, keep, kept, sign_in_and_keep

URL = "https://api.example"


class Platform:
    """Gives tokens as the API does: a refresh token that comes twice ends the session."""

    def __init__(self) -> None:
        self.number, self.is_over, self.bodies = 0, False, []

    def post(self, url: str, json: dict[str, Any], **_: Any) -> httpx2.Response:
        self.bodies.append(json)
        if url.endswith("/refresh") and (self.is_over or json["refresh_token"] != f"refresh {self.number}"):
            self.is_over = True
            error = {
                "code": "invalid_token",
                "message": "the refresh token is not valid; sign in again",
                "details": None,
            }
            return httpx2.Response(401, json={"error": error})
        time.sleep(0.001)  # others come meanwhile
        self.number += 1
        tokens = {"access_token": f"access {self.number}", "refresh_token": f"refresh {self.number}"}
        return httpx2.Response(200, json={**tokens, "expires_in": 900, "workspace_id": "w"})


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    found = Platform()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(session_file.httpx2, "post", found.post)
    for name in ("MAINSPRING_API_URL", "MAINSPRING_TOKEN", "MAINSPRING_KEY", "MAINSPRING_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    return found


def test_a_session_is_kept_for_its_owner_only(platform: Platform, tmp_path: Path):
    assert sign_in_and_keep(f"{URL}/", "ada@example.com", "secret") == "access 1"

    path = tmp_path / "mainspring" / "sessions.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "secret" not in path.read_text()
    assert access_token(URL) == "access 1"
    forget(URL)
    assert kept(URL) is None
    with pytest.raises(ApiError, match="mainspring login"):
        access_token(URL)


def test_commands_at_once_refresh_one_after_the_other(platform: Platform):
    sign_in_and_keep(URL, "ada@example.com", "secret")
    threads = [Thread(target=access_token, args=(URL,), kwargs={"fresh": True}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not platform.is_over
    assert access_token(URL) == "access 9"
    assert {one["workspace_id"] for one in platform.bodies[1:]} == {"w"}


def test_a_token_that_is_about_to_end_is_refreshed_before_it_is_used(platform: Platform):
    sign_in_and_keep(URL, "ada@example.com", "secret")
    stored = kept(URL)
    assert stored is not None
    keep(URL, StoredLogin(None, stored.refresh_token, stored.access_token, "w", time.time() + 30))

    assert access_token(URL) == "access 2"


def test_a_token_that_ends_while_a_command_works_is_renewed_and_the_call_repeated(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
):
    sign_in_and_keep(URL, "ada@example.com", "secret")
    client = remote(URL, None)
    assert client is not None
    sent: list[str] = []

    def request(self: Any, _method: str, _path: str, **_: Any) -> httpx2.Response:
        sent.append(self.headers["authorization"])
        if sent[-1] == "Bearer access 1":
            return httpx2.Response(401, json={"error": {"code": "token_expired", "message": "…", "details": None}})
        return httpx2.Response(200, json={"ok": True})

    monkeypatch.setattr(httpx2.Client, "request", request)
    assert client.call("GET", "/api/workflows") == {"ok": True}
    assert sent == ["Bearer access 1", "Bearer access 2"]
    with pytest.raises(ApiError):
        Client(URL, "access 1").call("GET", "/api/workflows")


def test_a_key_is_kept_and_one_from_the_environment_goes_first(platform: Platform, monkeypatch: pytest.MonkeyPatch):
    keep(URL, StoredLogin(key="ms_kept"))
    assert access_token(URL, fresh=True) == "ms_kept"
    monkeypatch.setenv("MAINSPRING_KEY", "ms_given")
    client = remote(URL, None)

    assert client is not None
    assert client._http.headers["authorization"] == "Bearer ms_given"
    assert platform.bodies == []
