"""Access tokens (JWT, 15 minutes) and refresh tokens (opaque, stored hashed, good once).

The signing secret is `{"current": <key id>, <key id>: <key>, …}`: to rotate it add a key, then name it as
current, and after 15 minutes remove the old one.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import jwt

from engine.errors import Unauthenticated
from engine.ids import is_id, new_id

ACCESS_SECONDS = 15 * 60
REFRESH_SECONDS = 30 * 24 * 3600
GRACE_SECONDS = 30
"""How long a browser may show a refresh token again that another of its tabs has just replaced."""
_ALGORITHM = "HS256"
_ISSUER = "mainspring"
_AUDIENCE = "mainspring-api"
_CLAIMS = ["exp", "iat", "nbf", "sub", "jti", "iss", "aud"]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Whom an access token names, in which session and workspace."""

    user_id: str
    session_id: str
    workspace_id: str


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token taken apart; `hash` is what is stored of it.

    `family` is in all tokens of a session and in nothing else, so whoever shows it holds, or held, one of them.
    """

    user_id: str
    session_id: str
    family: str
    text: str

    @property
    def hash(self) -> str:
        """SHA-256 is enough for 256 random bits."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def family_hash(self) -> str:
        """What is stored of the family."""
        return sha256(self.family.encode()).hexdigest()


def sign_access_token(claims: AccessClaims, keys: Mapping[str, str], now: int) -> str:
    """A token for API calls, good for ACCESS_SECONDS from `now` (epoch seconds)."""
    key_id = keys["current"]
    payload = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": claims.user_id,
        "sid": claims.session_id,
        "ws": claims.workspace_id,
        "use": "access",
        "jti": new_id(),
        "iat": now,
        "nbf": now,
        "exp": now + ACCESS_SECONDS,
    }
    return jwt.encode(payload, keys[key_id], algorithm=_ALGORITHM, headers={"kid": key_id})


def key_id_of(token: str) -> str:
    """The id of the key that a token says it is signed with.

    Raises:
        Unauthenticated: it is not a JWT.
    """
    try:
        return str(jwt.get_unverified_header(token).get("kid"))
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Unauthenticated("the access token is not valid", code="invalid_token") from None


def verify_access_token(token: str, keys: Mapping[str, str]) -> AccessClaims:
    """Whom the token names.

    Raises:
        Unauthenticated: code `token_expired`, or `invalid_token` for all else.
    """
    key_id = key_id_of(token)
    if key_id == "current" or key_id not in keys:
        raise Unauthenticated("the access token is not valid", code="invalid_token")
    try:
        claims = jwt.decode(
            token,
            keys[key_id],
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            audience=_AUDIENCE,
            options={"require": _CLAIMS},
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("the access token has expired; refresh it", code="token_expired") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Unauthenticated("the access token is not valid", code="invalid_token") from None
    user_id, session_id, workspace_id = (str(claims.get(name)) for name in ("sub", "sid", "ws"))
    if claims.get("use") != "access" or not (is_id(user_id) and is_id(session_id) and is_id(workspace_id)):
        raise Unauthenticated("the access token is not valid", code="invalid_token")
    return AccessClaims(user_id, session_id, workspace_id)


def new_refresh_token(user_id: str, session_id: str) -> RefreshToken:
    """The first one of a session."""
    return _refresh_token(user_id, session_id, secrets.token_urlsafe(24), secrets.token_urlsafe(32))


def next_refresh_token(old: RefreshToken, keys: Mapping[str, str]) -> RefreshToken:
    """The one that replaces another.

    It is computed, so that whoever replaces the same token twice, such as two tabs of a browser, gets the same one;
    and by the signing key, so that nobody else can.
    """
    digest = hmac.digest(keys[keys["current"]].encode(), old.text.encode(), "sha256")
    return _refresh_token(old.user_id, old.session_id, old.family, urlsafe_b64encode(digest).decode().rstrip("="))


def _refresh_token(user_id: str, session_id: str, family: str, secret: str) -> RefreshToken:
    return RefreshToken(user_id, session_id, family, f"{user_id}.{session_id}.{family}.{secret}")


def parse_refresh_token(text: str) -> RefreshToken:
    """A refresh token that somebody sent.

    Raises:
        Unauthenticated: it has not the form of one.
    """
    user_id, _, rest = text.partition(".")
    session_id, _, rest = rest.partition(".")
    family, _, secret = rest.partition(".")
    if not (is_id(user_id) and is_id(session_id) and family and secret):
        raise Unauthenticated("the refresh token is not valid; sign in again", code="invalid_token")
    return RefreshToken(user_id, session_id, family, text)
