"""The cookie with a browser's session: no script can read it, and no other site can have it sent.

It holds the refresh token. Its caller must send a header of ours, which a page of another site cannot without
permission, and the cookie is for the sign-in routes only; all others require the access token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from engine.errors import Forbidden, Unauthenticated
from engine.security.tokens import REFRESH_SECONDS

OWN_HEADER = "x-mainspring-console"
_ROUTES = "/api/auth/"
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_LONGEST_BROWSER = 1_000


def browser_of(event: Mapping[str, Any]) -> str:
    """What the calling browser says of itself.

    Raises:
        Forbidden: the header is missing that pages of other sites cannot send.
    """
    headers = _headers(event)
    if not headers.get(OWN_HEADER):
        raise Forbidden(f"with `session=cookie` the header `{OWN_HEADER}: 1` is sent, too", code="own_header_missing")
    return headers.get("user-agent", "unknown")[:_LONGEST_BROWSER]


def kept_token(event: Mapping[str, Any], api_url: str) -> str:
    """Return the browser's refresh token. API Gateway passes cookies apart from the headers, emulators within them.

    Raises:
        Unauthenticated: it has none.
    """
    name = _name(api_url)
    pairs = [*(event.get("cookies") or []), *_headers(event).get("cookie", "").split(";")]
    for pair in pairs:
        found, _, value = pair.strip().partition("=")
        if found == name and value:
            return str(value)
    raise Unauthenticated("this browser has no session; sign in", code="no_session")


def keeping(event: Mapping[str, Any], api_url: str, token: str) -> dict[str, str]:
    """Return the header that makes the browser keep the token, or forget it if the token is empty."""
    age = REFRESH_SECONDS if token else 0
    path = f"{_prefix(event, api_url)}{_ROUTES}"
    kept = f"{_name(api_url)}={token}; Path={path}; Max-Age={age}; HttpOnly; Secure; SameSite=Strict"
    return {"set-cookie": kept}


def _name(api_url: str) -> str:
    """Cookies do not tell ports apart: two local stacks would take each other's."""
    return f"mainspring_{sha256(api_url.encode()).hexdigest()[:12]}"


def _prefix(event: Mapping[str, Any], api_url: str) -> str:
    """The path before `/api` as the browser has it: see `functions.console.handler`."""
    own = urlsplit(api_url)
    if _headers(event).get("host", "") == own.netloc:
        before = own.path.rstrip("/")
    else:
        before = str(event.get("rawPath") or "").partition(_ROUTES)[0].rstrip("/")
    return before if _PREFIX.fullmatch(before) else ""


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}
