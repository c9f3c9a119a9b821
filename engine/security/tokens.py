"""Access tokens (JWT, 15 minutes) and refresh tokens (opaque, stored as hashes, usable once).

The signing secret is `{"current": <key id>, <key id>: <key>, …}`: to rotate it, add a key, then make it the current
one, and remove the old one after 15 minutes.
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
"""How long a browser may present a refresh token again that another of its tabs has just replaced."""
_ALGORITHM = "HS256"
_ISSUER = "mainspring"
_AUDIENCE = "mainspring-api"
_CLAIMS = ["exp", "iat", "nbf", "sub", "jti", "iss", "aud"]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The user, session and workspace that an access token names."""

    user_id: str
    session_id: str
    workspace_id: str


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A parsed refresh token; `hash` is what is stored of it.

    `family` is contained in all tokens of a session and in nothing else, so whoever presents it holds, or held, one of
    them.
    """

    user_id: str
    session_id: str
    family: str
    text: str

    @property
    def hash(self) -> str:
        """The stored hash; SHA-256 is enough for 256 random bits."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def family_hash(self) -> str:
        """The stored hash of the family."""
        return sha256(self.family.encode()).hexdigest()


def sign_access_token(claims: AccessClaims, keys: Mapping[str, str], now: int) -> str:
    """Sign a token for API calls that is valid for ACCESS_SECONDS from `now` (epoch seconds)."""
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
    """Return the id of the key that a token says it is signed with.

    Raises:
        Unauthenticated: the token is not a JWT.
    """
    try:
        return str(jwt.get_unverified_header(token).get("kid"))
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Unauthenticated("the access token is not valid", code="invalid_token") from None


def verify_access_token(token: str, keys: Mapping[str, str]) -> AccessClaims:
    """Verify an access token and return its claims.

    Raises:
        Unauthenticated: code `token_expired`, or `invalid_token` for every other defect.
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
    """Create the first refresh token of a session."""
    return _refresh_token(user_id, session_id, secrets.token_urlsafe(24), secrets.token_urlsafe(32))


def next_refresh_token(old: RefreshToken, keys: Mapping[str, str]) -> RefreshToken:
    """Return the token that replaces another.

    It is derived, so that two requests that replace the same token, such as two tabs of a browser, get the same one;
    and derived with the signing key, so that nobody else can compute it.
    """
    digest = hmac.digest(keys[keys["current"]].encode(), old.text.encode(), "sha256")
    return _refresh_token(old.user_id, old.session_id, old.family, urlsafe_b64encode(digest).decode().rstrip("="))


def _refresh_token(user_id: str, session_id: str, family: str, secret: str) -> RefreshToken:
    return RefreshToken(user_id, session_id, family, f"{user_id}.{session_id}.{family}.{secret}")


def parse_refresh_token(text: str) -> RefreshToken:
    """Parse a refresh token that a client sent.

    Raises:
        Unauthenticated: the text does not have the form of a refresh token.
    """
    user_id, _, rest = text.partition(".")
    session_id, _, rest = rest.partition(".")
    family, _, secret = rest.partition(".")
    if not (is_id(user_id) and is_id(session_id) and family and secret):
        raise Unauthenticated("the refresh token is not valid; sign in again", code="invalid_token")
    return RefreshToken(user_id, session_id, family, text)
