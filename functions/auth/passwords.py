"""Passwords and sessions: `/api/auth/password` and `/api/auth/sessions`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from engine.schemas.users import PasswordChange, PasswordReset, SessionAnswer, SessionList
from engine.security.permissions import Access
from functions import container
from functions.auth import cookies
from functions.auth.app import app
from functions.http_api import IdInPath, allows, caller, errors

KeptIn = Annotated[Literal["cookie"] | None, Query(description="`cookie` makes the browser forget its session, too.")]


@app.post(
    "/api/auth/password",
    status_code=204,
    tags=["auth"],
    summary="Change your password",
    responses={204: {"description": "Changed", "content": {}}, **errors(400, 401, 403, 409, 413, 415, 429)},
    openapi_extensions=allows(Access.SESSION),
)
def change_password(body: PasswordChange) -> Response[None]:
    """Your other sessions end. API keys stay."""
    address = app.current_event.request_context.http.source_ip or "unknown"
    container.password_service().change(caller(app), body, address)
    return Response(204)


@app.post(
    "/api/auth/password/reset",
    status_code=204,
    tags=["auth"],
    summary="Choose another password with a link",
    responses={204: {"description": "Changed", "content": {}}, **errors(400, 404, 409, 413, 415)},
    openapi_extensions=allows(Access.PUBLIC),
)
def reset_password(body: PasswordReset) -> Response[None]:
    """The link is good once, for a day; an administrator makes it. All sessions end."""
    container.password_service().reset(body)
    return Response(204)


@app.get(
    "/api/auth/sessions",
    tags=["auth"],
    summary="List your sessions",
    responses={200: {"description": "All sessions"}, **errors(401, 403)},
    openapi_extensions=allows(Access.SESSION),
)
def list_sessions() -> SessionList:
    """Where you are signed in, the newest first."""
    principal = caller(app)
    return SessionList(
        items=[
            SessionAnswer(
                id=one.id, is_current=one.id == principal.session_id, started_at=one.started_at, used_at=one.used_at,
                agent=one.agent,
            )
            for one in container.password_service().sessions(principal)
        ]
    )  # fmt: skip


@app.delete(
    "/api/auth/sessions",
    status_code=204,
    tags=["auth"],
    summary="Sign out everywhere",
    responses={204: {"description": "Signed out", "content": {}}, **errors(401, 403)},
    openapi_extensions=allows(Access.SESSION),
)
def end_sessions(session: KeptIn = None) -> Response[None]:
    """All sessions end at once, this one too."""
    container.password_service().end_sessions(caller(app))
    if session is None:
        return Response(204)
    return Response(204, headers=cookies.keeping(app.current_event.raw_event, container.settings.api_url, ""))


@app.delete(
    "/api/auth/sessions/<session_id>",
    status_code=204,
    tags=["auth"],
    summary="End one of your sessions",
    responses={204: {"description": "Ended", "content": {}}, **errors(401, 403, 404)},
    openapi_extensions=allows(Access.SESSION),
)
def end_session(session_id: IdInPath) -> Response[None]:
    """Its tokens are refused from now on."""
    container.password_service().end_session(caller(app), session_id)
    return Response(204)
