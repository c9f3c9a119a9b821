"""Callback URLs: each is valid for one node, for every attempt of it, and identifies that node.

The token authenticates itself: it is a MAC of the path under the execution's own secret. So a URL is known before its
node is reached, is the same for every driver and attempt, and costs no write.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256
from secrets import token_urlsafe

_MAC_CHARACTERS = 43


def new_secret() -> str:
    """Create the secret of a new execution: 256 bits."""
    return token_urlsafe(32)


def callback_url(api_url: str, execution_id: str, secret: str, path: str) -> str:
    """Return the URL that receives the callback for a node."""
    return f"{api_url}/api/callbacks/{execution_id}/{make_token(execution_id, secret, path)}"


def make_token(execution_id: str, secret: str, path: str) -> str:
    """Return the last segment of the URL."""
    where = base64.urlsafe_b64encode(path.encode()).decode().rstrip("=")
    return f"{_mac(execution_id, secret, where)}{where}"


def read_token(execution_id: str, secret: str, token: str) -> str | None:
    """Return the path that a token is for; None if it is not a token of this execution."""
    mac, where = token[:_MAC_CHARACTERS], token[_MAC_CHARACTERS:]
    if not secret or not hmac.compare_digest(mac.encode(), _mac(execution_id, secret, where).encode()):
        return None
    try:
        return base64.urlsafe_b64decode(where + "=" * (-len(where) % 4)).decode()
    except (binascii.Error, ValueError):
        return None


def _mac(execution_id: str, secret: str, where: str) -> str:
    digest = hmac.new(secret.encode(), f"{execution_id}/{where}".encode(), sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
