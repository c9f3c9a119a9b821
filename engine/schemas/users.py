"""Bodies of sign-in and users."""

from __future__ import annotations

from typing import Annotated

from pydantic import EmailStr, Field, StringConstraints

from engine.schemas.common import Answer, Body

Password = Annotated[str, StringConstraints(min_length=10, max_length=200)]
FullName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Registration(Body):
    """A new user."""

    email: EmailStr
    password: Password
    full_name: FullName | None = None


class NewUser(Registration):
    """A new user, added by an administrator."""

    is_admin: bool = False


class Credentials(Body):
    """A sign-in."""

    email: Annotated[str, StringConstraints(max_length=320)]
    password: Annotated[str, StringConstraints(max_length=200)]


class RefreshRequest(Body):
    """A refresh token, to be replaced or ended."""

    refresh_token: Annotated[str, StringConstraints(max_length=500)]


class Tokens(Answer):
    """What signing in gives. A refresh token is good once: keep the new one."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - not a secret
    expires_in: int = Field(description="Seconds until the access token expires.")


class UserAnswer(Answer):
    """A user, as others may see them."""

    id: str
    email: str
    full_name: str | None
    is_admin: bool
    is_active: bool
    created_at: str


class MeAnswer(UserAnswer):
    """The caller, and the workspace that the access token is for."""

    workspace_id: str
    role: str


class UserList(Answer):
    """A page of users."""

    items: list[UserAnswer]
    next_cursor: str | None
