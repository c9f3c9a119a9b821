"""Serves the console: its page at any address below `/console`, and the files that the page is made of.

Nothing but Python's standard library is imported, nothing is read but the files beside this one, and the function may
do nothing but write its log. One address for the console and the API means one origin: no CORS, and a session's cookie
that no other site sees.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Event = dict[str, Any]

ROUTE_KEYS = ("GET /", "GET /console", "GET /console/{path+}")
_WEB = Path(__file__).parent / "web"
_PAGE = "index.html"
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
"""What a browser may accept, and how such a file is called; the smallest first."""
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
_NEVER_KEPT, _A_DAY, _FOREVER = "no-cache", "public, max-age=86400", "public, max-age=31536000, immutable"
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'{files}; worker-src 'self' blob:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default"
)


@dataclass(frozen=True)
class Files:
    """The built console: its page, and its other files with what of them is compressed."""

    page: str
    names: frozenset[str]
    folder: Path

    def variant(self, name: str, accepted: str) -> tuple[str, str | None]:
        """The name of what is sent for a file, and its encoding."""
        for encoding, suffix in _ENCODINGS:
            if name + suffix in self.names and _accepts(accepted, encoding):
                return name + suffix, encoding
        return name, None


def handler(event: Event, _context: object) -> dict[str, Any]:
    """Answer one request of the HTTP API."""
    path = str(event.get("rawPath") or "/")
    headers = {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    prefix = _prefix(path, headers.get("host", ""))
    if event.get("routeKey") == "GET /":
        return _answer(302, "", {"location": f"{prefix}/console", "cache-control": _NEVER_KEPT})
    name = path.partition("/console")[2].strip("/")
    files = built(_WEB)
    if name != _PAGE and name in files.names and not name.endswith((".br", ".gz")):
        return _file(files, name, headers.get("accept-encoding", ""))
    if name.startswith("assets/"):  # of an older version: the page is told, and says so
        return _answer(404, "this file is not of this version", {"cache-control": _NEVER_KEPT})
    return _page(files.page, prefix)


@cache
def built(folder: Path) -> Files:
    """Return the files that can be served. No other name is ever opened."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    names = frozenset(path.relative_to(folder).as_posix() for path in paths)
    return Files((folder / _PAGE).read_text(), names, folder)


def _prefix(path: str, host: str) -> str:
    """The path before `/console` as the browser has it.

    An emulator's API, or one behind a proxy, is below a path that the event may not have; the API's own address has it
    then. For other hosts, such as a domain of the company's own, the event's path is the browser's.
    """
    own = urlsplit(os.environ.get("MAINSPRING_API_URL", ""))
    before = own.path.rstrip("/") if host and host == own.netloc else path.partition("/console")[0].rstrip("/")
    return before if _PREFIX.fullmatch(before) else ""


def _page(page: str, prefix: str) -> dict[str, Any]:
    nonce = secrets.token_urlsafe(16)
    shown = (
        page.replace('="./', f'="{html.escape(prefix)}/console/')
        .replace('name="console-base" content=""', f'name="console-base" content="{html.escape(prefix)}"')
        .replace('name="console-nonce" content=""', f'name="console-nonce" content="{nonce}"')
    )
    headers = {"content-type": _TYPES[".html"], "cache-control": _NEVER_KEPT, "content-security-policy": _policy(nonce)}
    return _answer(200, shown, headers)


def _file(files: Files, name: str, accepted: str) -> dict[str, Any]:
    sent, encoding = files.variant(name, accepted)
    headers = {
        "content-type": _TYPES.get(Path(name).suffix, "application/octet-stream"),
        "cache-control": _FOREVER if name.startswith("assets/") else _A_DAY,
        "vary": "accept-encoding",
        # A worker has the policy of its own file, not that of the page.
        "content-security-policy": _policy(secrets.token_urlsafe(16)),
    }
    if encoding:
        headers["content-encoding"] = encoding
    content = (files.folder / sent).read_bytes()
    answer = _answer(200, base64.b64encode(content).decode(), headers)
    return {**answer, "isBase64Encoded": True}


def _policy(nonce: str) -> str:
    """The content security policy. Files go to the bucket and come from it without passing the API."""
    origin = os.environ.get("MAINSPRING_FILES_ORIGIN", "")
    return _POLICY.format(nonce=nonce, files=f" {origin}" if _ORIGIN.fullmatch(origin) else "")


def _accepts(header: str, encoding: str) -> bool:
    """Whether an `Accept-Encoding` header includes it with a weight above zero."""
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == encoding:
            return not re.fullmatch(r"q=0(\.0*)?", weight.replace(" ", ""))
    return False


def _answer(status: int, body: str, headers: dict[str, str]) -> dict[str, Any]:
    if status != 200:  # noqa: PLR2004
        print(json.dumps({"level": "INFO", "message": "answered", "status": status}))  # noqa: T201 - the log
    return {"statusCode": status, "headers": {**_HEADERS, **headers}, "body": body}
