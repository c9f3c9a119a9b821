"""Sign-in: `/api/auth/…`."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from engine.schemas.users import Credentials, MeAnswer, RefreshRequest, Registration, Tokens, UserAnswer
from functions import container
from functions.http_api import caller, errors, make_app, make_handler

app = make_app()
_PUBLIC: dict[str, Any] = {"security": []}
_CREATED: dict[int, OpenAPIResponse] = {201: {"description": "Created"}}


@app.post(
    "/api/auth/register",
    status_code=201,
    tags=["auth"],
    summary="Register the first user, or yourself where registration is open",
    responses={**_CREATED, **errors(400, 403, 409, 413, 415)},
    openapi_extensions=_PUBLIC,
)
def register(body: Registration) -> UserAnswer:
    """The first user becomes the administrator."""
    return UserAnswer.model_validate(container.auth_service().register(body), from_attributes=True)


@app.post(
    "/api/auth/login",
    tags=["auth"],
    summary="Sign in",
    responses={200: {"description": "Signed in"}, **errors(400, 401, 413, 415, 429)},
    openapi_extensions=_PUBLIC,
)
def login(body: Credentials) -> Tokens:
    """Gives an access token for 15 minutes and a refresh token for 30 days."""
    address = app.current_event.request_context.http.source_ip or "unknown"
    return container.auth_service().login(body, address)


@app.post(
    "/api/auth/refresh",
    tags=["auth"],
    summary="Replace a refresh token",
    responses={200: {"description": "New tokens"}, **errors(400, 401, 413, 415)},
    openapi_extensions=_PUBLIC,
)
def refresh(body: RefreshRequest) -> Tokens:
    """A refresh token is good once; using one again ends its session."""
    return container.auth_service().refresh(body.refresh_token)


@app.post(
    "/api/auth/logout",
    status_code=204,
    tags=["auth"],
    summary="End this session",
    responses={204: {"description": "Signed out", "content": {}}, **errors(401)},
)
def logout() -> Response[None]:
    """Its access and refresh tokens are refused from now on."""
    container.auth_service().logout(caller(app))
    return Response(204)


@app.get("/api/auth/me", tags=["auth"], summary="Who am I", responses={200: {"description": "You"}, **errors(401)})
def me() -> MeAnswer:
    """The caller, and the workspace that the access token is for."""
    principal = caller(app)
    user = container.auth_service().me(principal)
    answer = UserAnswer.model_validate(user, from_attributes=True)
    return MeAnswer(**answer.model_dump(), workspace_id=principal.workspace_id, role=principal.role)


handler = make_handler(app)
