"""The authorizer: identifies the caller, by session or by API key, in one consistent read.

It never lets API Gateway refuse, which would answer 403 in a shape of its own. An unidentified caller has no `user_id`
in the context, and `functions.http_api` refuses every such call to a route that is not public.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import BotoCoreError, ClientError

from engine.errors import Unauthenticated, Unavailable
from engine.security.api_keys import KEY_PREFIX, parse_api_key
from engine.security.permissions import Permission, in_order
from engine.security.tokens import key_id_of, verify_access_token
from engine.storage.api_keys import Key, ServiceAccount, today_at
from functions import container

logger = Logger()
_users = container.users()
_keys = container.api_keys()
_MOST_CHARACTERS = 4_096


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A simple response of payload format 2.0."""
    try:
        found = identify((event.get("headers") or {}).get("authorization"))
        logger.info("identified", user_id=found["user_id"])
    except Unauthenticated as error:
        found = {"denied": error.code, "message": error.message}
        logger.info("not identified", code=error.code)
    except (ClientError, BotoCoreError, GetParameterError):
        logger.exception("cannot tell who is calling")
        found = {"denied": Unavailable.default_code, "message": "try again later"}
    return {"isAuthorized": True, "context": found}


def identify(header: str | None) -> dict[str, Any]:
    """Return the context of the caller that an Authorization header identifies.

    Raises:
        Unauthenticated: it names nobody who may call.
    """
    if not header:
        raise Unauthenticated("sign in and send the access token as `Authorization: Bearer …`")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token or len(header) > _MOST_CHARACTERS:
        raise Unauthenticated("send the access token as `Authorization: Bearer …`", code="invalid_token")
    return _by_key(token) if token.startswith(KEY_PREFIX) else _by_session(token)


def _by_session(token: str) -> dict[str, Any]:
    keys = container.signing_keys()
    if key_id_of(token) not in keys:
        keys = container.fresh_signing_keys()
    claims = verify_access_token(token, keys)
    identity = _users.identity(claims.user_id, claims.session_id, claims.workspace_id, container.clock.now())
    user, session = identity.user, identity.session
    if user is None or session is None or not user.is_active or session.epoch != user.epoch:
        raise Unauthenticated("this session is over; sign in again", code="session_ended")
    if identity.role is None:
        raise Unauthenticated("you are no member of this workspace any more; refresh the token", code="no_member")
    own = {} if identity.own_grants is None else {"grants": " ".join(sorted(identity.own_grants))}
    return {
        **own,
        "user_id": claims.user_id,
        "session_id": claims.session_id,
        "workspace_id": claims.workspace_id,
        "role": identity.role,
        "is_admin": "true" if user.is_admin else "false",
        "email": user.email,
        "name": user.full_name or "",
    }


def _by_key(text: str) -> dict[str, Any]:
    """What a key grants is what it was given, as far as its owner's role still grants it."""
    sent = parse_api_key(text)
    found, now = _keys.holder(sent.id), container.clock.now()
    key, owner = found.key, found.owner
    if key is None or not key.is_good(sent.hash, now):
        raise Unauthenticated("this API key was revoked or rotated, or never was one", code="invalid_key")
    if key.has_ended(now):
        raise Unauthenticated("this API key has expired; make a new one, or rotate it", code="key_expired")
    if owner is None or found.role is None or key.since != found.since:
        raise Unauthenticated("the owner of this API key is no member of its workspace any more", code="no_member")
    if isinstance(owner, ServiceAccount):
        about = {"is_service": "true", "email": "", "name": owner.name}
    elif owner.is_active and owner.key_epoch == key.epoch:
        about = {"is_service": "false", "email": owner.email, "name": owner.full_name or ""}
    else:
        raise Unauthenticated("the owner of this API key was kept out since it was made", code="invalid_key")
    if key.last_used_on != today_at(now):
        _note_use(key, today_at(now))
    grants = in_order(found.grants & {Permission(one) for one in key.permissions})
    return {
        **({} if key.workflows is None else {"workflows": " ".join(key.workflows)}),
        "grants": " ".join(grants),
        "user_id": key.owner_id,
        "key_id": key.id,
        "workspace_id": key.workspace_id,
        "role": found.role,
        "is_admin": "false",
        **about,
    }


def _note_use(key: Key, today: str) -> None:
    """Store the day of a use, once a day; it is no reason to refuse a call that it could not be stored.

    The call waits for it: what a thread does after the answer is lost where the process is frozen.
    """
    try:
        _keys.note_use(key, today)
    except Exception:
        logger.exception("the use of a key was not noted", key_id=key.id)
