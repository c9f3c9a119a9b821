"""Links that approvers get by mail: each is good for one approval, one attempt, and one address.

A token authenticates itself: it is a MAC under the execution's own secret, so it is known to whoever has the mail and
is stored nowhere. What it is worth is looked up when it is used: an answer counts once, and until the deadline.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from hashlib import sha256

from engine.ids import is_id
from engine.json_value import dumps

_MAC_CHARACTERS = 43


@dataclass(frozen=True, slots=True)
class Link:
    """What a token is for; `address` is in lower case."""

    execution_id: str
    path: str
    attempt: int
    address: str


def answer_url(api_url: str, secret: str, link: Link) -> str:
    """Return the page of the console that asks. The token is behind `#`, which browsers send to no server."""
    return f"{api_url}/console/answer#{make_link_token(secret, link)}"


def make_link_token(secret: str, link: Link) -> str:
    """Return the token of a link."""
    where = _encoded(dumps([link.path, link.attempt, link.address]).encode())
    return f"{link.execution_id}.{_mac(secret, link.execution_id, where)}{where}"


def execution_of(token: str) -> str | None:
    """Return the execution that a token says it is for; None if it has not the form of a token."""
    execution_id = token.partition(".")[0]
    return execution_id if is_id(execution_id) else None


def read_link_token(secret: str, token: str) -> Link | None:
    """Return what a token is for; None if it is none of this execution."""
    execution_id, _, rest = token.partition(".")
    mac, where = rest[:_MAC_CHARACTERS], rest[_MAC_CHARACTERS:]
    if not secret or not hmac.compare_digest(mac.encode(), _mac(secret, execution_id, where).encode()):
        return None
    try:
        path, attempt, address = json.loads(base64.urlsafe_b64decode(where + "=" * (-len(where) % 4)))
    except (binascii.Error, ValueError):
        return None
    return Link(execution_id, path, attempt, address)


def _mac(secret: str, execution_id: str, where: str) -> str:
    digest = hmac.new(secret.encode(), f"approval/{execution_id}/{where}".encode(), sha256).digest()
    return _encoded(digest)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
