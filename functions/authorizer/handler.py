"""The authorizer: identifies the caller, in one consistent read.

It never lets API Gateway refuse, which would answer 403 in a shape of its own. An unidentified caller has no `user_id`
in the context, and `functions.http_api` refuses every such call to a route that is not public.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import BotoCoreError, ClientError

from engine.errors import Unauthenticated, Unavailable
from engine.security.tokens import key_id_of, verify_access_token
from functions import container

logger = Logger()
_users = container.users()
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
    keys = container.signing_keys()
    if key_id_of(token) not in keys:
        keys = container.fresh_signing_keys()
    claims = verify_access_token(token, keys)
    identity = _users.identity(claims.user_id, claims.session_id, claims.workspace_id, container.clock.now())
    if identity.user is None or not identity.user.is_active or identity.session is None:
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
        "is_admin": "true" if identity.user.is_admin else "false",
        "email": identity.user.email,
        "name": identity.user.full_name or "",
    }
