"""Users, for administrators: `/api/users`."""

from __future__ import annotations

from datetime import UTC, datetime

from engine import limits
from engine.clock import format_time
from engine.schemas.users import NewUser, ResetLink, UserAnswer, UserList
from engine.security.permissions import Access
from functions import container
from functions.http_api import Cursor, IdInPath, Limit, allows, caller, errors, make_app, make_handler

app = make_app()


@app.post(
    "/api/users",
    status_code=201,
    tags=["users"],
    summary="Add a user",
    responses={201: {"description": "Created"}, **errors(400, 401, 403, 409, 413, 415)},
    openapi_extensions=allows(Access.ADMIN),
)
def add_user(body: NewUser) -> UserAnswer:
    """Only administrators may."""
    return UserAnswer.model_validate(container.auth_service().add_user(body), from_attributes=True)


@app.get(
    "/api/users",
    tags=["users"],
    summary="List users",
    responses={200: {"description": "A page of users"}, **errors(401, 403)},
    openapi_extensions=allows(Access.ADMIN),
)
def list_users(limit: Limit = limits.PAGE_SIZE, cursor: Cursor = None) -> UserList:
    """In the order in which they were added."""
    page = container.auth_service().list_users(cursor, limit)
    items = [UserAnswer.model_validate(user, from_attributes=True) for user in page.items]
    return UserList(items=items, next_cursor=page.next_cursor)


@app.post(
    "/api/users/<user_id>/deactivate",
    tags=["users"],
    summary="Keep a user out, at once",
    responses={200: {"description": "The user"}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Access.ADMIN),
)
def deactivate(user_id: IdInPath) -> UserAnswer:
    """Their access tokens are refused from now on."""
    user = container.auth_service().set_active(caller(app), user_id, active=False)
    return UserAnswer.model_validate(user, from_attributes=True)


@app.post(
    "/api/users/<user_id>/activate",
    tags=["users"],
    summary="Let a deactivated user in again",
    responses={200: {"description": "The user"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Access.ADMIN),
)
def activate(user_id: IdInPath) -> UserAnswer:
    """They can sign in again."""
    user = container.auth_service().set_active(caller(app), user_id, active=True)
    return UserAnswer.model_validate(user, from_attributes=True)


@app.post(
    "/api/users/<user_id>/password-link",
    status_code=201,
    tags=["users"],
    summary="Make a link with which a user chooses another password",
    responses={201: {"description": "The link, shown only now"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Access.ADMIN),
)
def make_password_link(user_id: IdInPath) -> ResetLink:
    """For somebody who has forgotten theirs. It is good once, for a day; another one ends it."""
    token, ends_at = container.password_service().link(caller(app), user_id)
    return ResetLink(
        url=f"{container.settings.api_url}/console/reset#{token}",
        token=token,
        expires_at=format_time(datetime.fromtimestamp(ends_at, UTC)),
    )


handler = make_handler(app)
