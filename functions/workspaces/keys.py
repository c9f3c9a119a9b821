"""API keys and service accounts: `/api/keys` and `/api/service-accounts`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.event_handler import Response

from engine.clock import format_time
from engine.schemas.api_keys import (
    KeyAnswer,
    KeyBody,
    KeyList,
    NewKey,
    RotateBody,
    ServiceAccountAnswer,
    ServiceAccountBody,
    ServiceAccountList,
)
from engine.security.permissions import Access, Permission
from engine.services.api_keys import KeyView
from engine.storage.api_keys import ServiceAccount
from functions import api_services, container
from functions.http_api import IdInPath, allows, caller, errors
from functions.workspaces.answers import app


@app.post(
    "/api/keys",
    status_code=201,
    tags=["keys"],
    summary="Make an API key",
    responses={201: {"description": "The key, shown only now"}, **errors(400, 401, 403, 409, 413, 415)},
    openapi_extensions=allows(Access.SESSION),
)
def create_key(body: KeyBody) -> NewKey:
    """For yourself, or for a service account if you may `manage` the workspace. It works in this workspace only."""
    view, text = api_services.api_key_service().create(caller(app), body)
    return NewKey(**_parts(view), key=text)


@app.get(
    "/api/keys",
    tags=["keys"],
    summary="List API keys",
    responses={200: {"description": "The keys"}, **errors(401, 403)},
    openapi_extensions=allows(Access.SESSION),
)
def list_keys() -> KeyList:
    """Yours in this workspace; all of them if you may `manage` it. Expired ones for 90 days more."""
    return KeyList(items=[KeyAnswer(**_parts(view)) for view in api_services.api_key_service().page(caller(app))])


@app.post(
    "/api/keys/<key_id>/rotate",
    tags=["keys"],
    summary="Give an API key another secret",
    responses={200: {"description": "The key, shown only now"}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Access.SESSION),
)
def rotate_key(key_id: IdInPath, body: RotateBody) -> NewKey:
    """The present secret is good for a while, so that nothing stops. If the answer was lost, do it again."""
    view, text = api_services.api_key_service().rotate(caller(app), key_id, body)
    return NewKey(**_parts(view), key=text)


@app.delete(
    "/api/keys/<key_id>",
    status_code=204,
    tags=["keys"],
    summary="Revoke an API key",
    responses={204: {"description": "Revoked", "content": {}}, **errors(401, 403, 404)},
    openapi_extensions=allows(Access.SESSION),
)
def revoke_key(key_id: IdInPath) -> Response[None]:
    """At its next call it is good for nothing. Your own, or any if you may `manage` the workspace."""
    api_services.api_key_service().revoke(caller(app), key_id)
    return Response(204)


@app.get(
    "/api/service-accounts",
    tags=["keys"],
    summary="List service accounts",
    responses={200: {"description": "All of them"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.MANAGE),
)
def list_accounts() -> ServiceAccountList:
    """Members that are no people: they stay when people go."""
    return ServiceAccountList(items=[_account(one) for one in api_services.api_key_service().accounts(caller(app))])


@app.post(
    "/api/service-accounts",
    status_code=201,
    tags=["keys"],
    summary="Make a service account",
    responses={201: {"description": "The account"}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Permission.MANAGE),
)
def add_account(body: ServiceAccountBody) -> ServiceAccountAnswer:
    """It cannot sign in; make API keys for it."""
    return _account(api_services.api_key_service().add_account(caller(app), body))


@app.put(
    "/api/service-accounts/<account_id>",
    tags=["keys"],
    summary="Give a service account another name or role",
    responses={200: {"description": "The account"}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Permission.MANAGE),
)
def change_account(account_id: IdInPath, body: ServiceAccountBody) -> ServiceAccountAnswer:
    """At the next call of each of its keys it is so."""
    return _account(api_services.api_key_service().change_account(caller(app), account_id, body))


@app.delete(
    "/api/service-accounts/<account_id>",
    status_code=204,
    tags=["keys"],
    summary="Remove a service account with its keys",
    responses={204: {"description": "Removed", "content": {}}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.MANAGE),
)
def remove_account(account_id: IdInPath) -> Response[None]:
    """Its keys are good for nothing at their next call. What it made stays."""
    api_services.api_key_service().remove_account(caller(app), account_id)
    return Response(204)


def _parts(view: KeyView) -> dict[str, Any]:
    key, now = view.key, container.clock.now()
    older = [until for until in key.earlier.values() if until > now.timestamp()]
    return {
        "id": key.id,
        "name": key.name,
        "owner_id": key.owner_id,
        "owner_name": view.owner_name,
        "owner_type": "service_account" if key.is_service else "person",
        "permissions": key.permissions,
        "workflows": key.workflows,
        "state": "expired" if key.has_ended(now) else "active" if view.has_owner else "without_owner",
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": None if key.ends_at is None else _time(key.ends_at),
        "last_used_on": key.last_used_on,
        "older_secret_until": _time(max(older)) if older else None,
    }


def _account(account: ServiceAccount) -> ServiceAccountAnswer:
    return ServiceAccountAnswer(
        id=account.id, name=account.name, role=account.role, added_by=account.by, added_at=account.at
    )


def _time(moment: int) -> str:
    return format_time(datetime.fromtimestamp(moment, UTC))
