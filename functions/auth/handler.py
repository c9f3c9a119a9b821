"""Sign-in: `/api/auth/…`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

import functions.auth.passwords  # noqa: F401 - its routes
from engine.errors import InvalidInput, Unauthenticated
from engine.schemas.users import (
    Credentials,
    MeAnswer,
    ProfileChange,
    RefreshRequest,
    Registration,
    Tokens,
    UserAnswer,
)
from engine.schemas.workspaces import EnterBody
from engine.security.permissions import Access, in_order
from engine.services.principal import Principal
from engine.storage.users import User
from engine.storage.workspaces import Workspace
from functions import container
from functions.auth import cookies
from functions.auth.app import app
from functions.http_api import allows, caller, errors, make_handler

KeptIn = Annotated[
    Literal["cookie"] | None,
    Query(description="`cookie` keeps the refresh token in a cookie, which no script can read."),
]
_CREATED: dict[int, OpenAPIResponse] = {201: {"description": "Created"}}


@app.post(
    "/api/auth/register",
    status_code=201,
    tags=["auth"],
    summary="Register the first user, or yourself where you are invited or registration is open",
    responses={**_CREATED, **errors(400, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Access.PUBLIC),
)
def register(body: Registration) -> UserAnswer:
    """The first user becomes the administrator."""
    return UserAnswer.model_validate(container.auth_service().register(body), from_attributes=True)


@app.post(
    "/api/auth/login",
    tags=["auth"],
    summary="Sign in",
    responses={200: {"description": "Signed in"}, **errors(400, 401, 403, 413, 415, 429)},
    openapi_extensions=allows(Access.PUBLIC),
)
def login(body: Credentials, session: KeptIn = None) -> Response[Tokens]:
    """Gives an access token for 15 minutes and a refresh token for 30 days, in the answer or in a cookie."""
    address = app.current_event.request_context.http.source_ip or "unknown"
    browser = cookies.browser_of(app.current_event.raw_event) if session else ""
    agent = str(app.current_event.headers.get("user-agent") or "")
    return _answer(container.auth_service().login(body, address, browser, agent), session)


@app.post(
    "/api/auth/refresh",
    tags=["auth"],
    summary="Replace a refresh token",
    responses={200: {"description": "New tokens"}, **errors(400, 401, 403, 413, 415)},
    openapi_extensions=allows(Access.PUBLIC),
)
def refresh(body: RefreshRequest, session: KeptIn = None) -> Response[Tokens]:
    """A refresh token is good once; using one again ends its session.

    In a browser's cookie it is good for half a minute more: its tabs share the session.
    """
    event = app.current_event.raw_event
    browser = cookies.browser_of(event) if session else ""
    if (body.refresh_token is None) != (session is not None):
        problem = "it is in the cookie" if session else "it is missing; with `session=cookie` it is in a cookie"
        raise InvalidInput.at("refresh_token", problem)
    text = body.refresh_token or cookies.kept_token(event, container.settings.api_url)
    try:
        return _answer(container.auth_service().refresh(text, browser, body.workspace_id), session)
    except Unauthenticated as refused:
        if session:  # the cookie is of no use any more
            refused.headers.update(cookies.keeping(event, container.settings.api_url, ""))
        raise


def _answer(tokens: Tokens, session: str | None) -> Response[Tokens]:
    """The tokens, the refresh token in a cookie where that is wanted, and then nowhere else."""
    if session is None:
        return Response(200, "application/json", tokens)
    token = tokens.refresh_token or ""
    headers = cookies.keeping(app.current_event.raw_event, container.settings.api_url, token)
    return Response(200, "application/json", tokens.model_copy(update={"refresh_token": None}), headers=headers)


@app.post(
    "/api/auth/workspace",
    tags=["auth"],
    summary="Go to another of your workspaces",
    responses={200: {"description": "An access token for it"}, **errors(400, 401, 404, 413, 415)},
    openapi_extensions=allows(Access.SESSION),
)
def enter_workspace(body: EnterBody) -> Tokens:
    """The session is there from now on. Its refresh token stays as it was; older access tokens too."""
    return container.auth_service().enter(caller(app), body.workspace_id)


@app.post(
    "/api/auth/logout",
    status_code=204,
    tags=["auth"],
    summary="End this session",
    responses={204: {"description": "Signed out", "content": {}}, **errors(401)},
    openapi_extensions=allows(Access.SESSION),
)
def logout(session: KeptIn = None) -> Response[None]:
    """Its access and refresh tokens are refused from now on; with `session=cookie` the browser forgets its own."""
    container.auth_service().logout(caller(app))
    if session is None:
        return Response(204)
    return Response(204, headers=cookies.keeping(app.current_event.raw_event, container.settings.api_url, ""))


@app.get(
    "/api/auth/me",
    tags=["auth"],
    summary="Who am I",
    responses={200: {"description": "You"}, **errors(401)},
    openapi_extensions=allows(Access.SIGNED_IN),
)
def me() -> MeAnswer:
    """The caller, and the workspace that the access token or API key is for."""
    principal = caller(app)
    if principal.is_service:
        return _me(principal, _service_account(principal), container.auth_service().workspace(principal))
    return _me(principal, *container.auth_service().me(principal))


def _service_account(principal: Principal) -> UserAnswer:
    """A service account as if it were a user.

    Raises:
        Unauthenticated: it was removed just now.
    """
    account = container.api_keys().account(principal.workspace_id, principal.user_id)
    if account is None:
        raise Unauthenticated("this service account does not exist any more", code="no_member")
    return UserAnswer(
        id=account.id, email="", full_name=account.name, is_admin=False, is_active=True, created_at=account.at
    )


@app.patch(
    "/api/auth/me",
    tags=["auth"],
    summary="Change your own name",
    responses={200: {"description": "You"}, **errors(400, 401, 413, 415)},
    openapi_extensions=allows(Access.SESSION),
)
def change_me(body: ProfileChange) -> MeAnswer:
    """Others see the name where you are the author of something. Without one they see your address."""
    principal = caller(app)
    return _me(principal, *container.auth_service().change_profile(principal, body))


def _me(principal: Principal, user: User | UserAnswer, workspace: Workspace) -> MeAnswer:
    answer = UserAnswer.model_validate(user, from_attributes=True)
    return MeAnswer(
        **answer.model_dump(),
        workspace_id=workspace.id,
        workspace_name=workspace.name,
        role=principal.role,
        permissions=in_order(principal.permissions),
        key_id=principal.key_id or None,
    )


handler = make_handler(app)
