"""Bodies of sign-in and users."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from engine.schemas.common import Answer, Body
from engine.security.permissions import Permission


def _email_address(text: str) -> str:
    """The address in its normal form. Addresses of a company's own network (`@corp.local`) are addresses too."""
    from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

    SPECIAL_USE_DOMAIN_NAMES.clear()  # the library's own way to allow them
    try:
        return validate_email(text, check_deliverability=False, globally_deliverable=False).normalized
    except EmailNotValidError as error:
        raise ValueError(f"this is not an e-mail address: {error}") from None


EmailAddress = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(_email_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
]


def _uncommon(password: str) -> str:
    from engine.security.passwords import is_common

    if is_common(password):
        raise ValueError("this password is one of the first that are guessed; choose another one")
    return password


Password = Annotated[str, StringConstraints(min_length=8, max_length=200), AfterValidator(_uncommon)]
_Given = Annotated[str, StringConstraints(max_length=200)]
FullName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Person(Body):
    """What is said of a new user."""

    email: EmailAddress
    password: Password
    full_name: FullName | None = None


class Registration(Person):
    """A new user, who registers."""

    invitation: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        default=None, description="The token of an invitation to a workspace, for this e-mail address."
    )


class NewUser(Person):
    """A new user, added by an administrator."""

    is_admin: bool = False


class Credentials(Body):
    """A sign-in."""

    email: Annotated[str, StringConstraints(max_length=320)]
    password: _Given


class PasswordChange(Body):
    """Another password, by whoever knows the present one."""

    old_password: _Given
    new_password: Password


class PasswordReset(Body):
    """Another password, by whoever has got a link for it."""

    token: Annotated[str, StringConstraints(max_length=500)] = Field(description="What is behind `#` in the link.")
    new_password: Password


class ProfileChange(Body):
    """What people may change of themselves."""

    full_name: FullName | None = Field(description="null for none.")


class RefreshRequest(Body):
    """A refresh token, to be replaced; without one where it is in a cookie."""

    refresh_token: Annotated[str, StringConstraints(max_length=500)] | None = None
    workspace_id: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        default=None, description="The workspace that the access token is to be for; else where the session is."
    )


class Tokens(Answer):
    """What signing in gives. A refresh token is good once: keep the new one."""

    access_token: str
    refresh_token: str | None = Field(description="null where it is in a cookie, or stays as it was.")
    token_type: str = "Bearer"  # noqa: S105 - not a secret
    expires_in: int = Field(description="Seconds until the access token expires.")
    workspace_id: str = Field(description="The workspace that the access token is for.")


class UserAnswer(Answer):
    """A user, as others may see them."""

    id: str
    email: str
    full_name: str | None
    is_admin: bool
    is_active: bool
    created_at: str


class MeAnswer(UserAnswer):
    """The caller, and the workspace that the access token or API key is for. A service account has no address."""

    workspace_id: str
    workspace_name: str
    role: str
    permissions: list[Permission] = Field(description="What the role grants; with an API key, what is left of it.")
    key_id: str | None = Field(default=None, description="The API key that the call was made with.")


class SessionAnswer(Answer):
    """A place where somebody is signed in."""

    id: str
    is_current: bool = Field(description="Whether the call was made with it.")
    started_at: str
    used_at: str = Field(description="When its token was last refreshed, which happens every few minutes of use.")
    agent: str = Field(description="What the browser or program says of itself.")


class SessionList(Answer):
    """All sessions, the newest first."""

    items: list[SessionAnswer]


class ResetLink(Answer):
    """A link with which somebody chooses another password; shown only here."""

    url: str = Field(description="The page of the console where it is used; give it to them on a safe way.")
    token: str
    expires_at: str


class UserList(Answer):
    """A page of users."""

    items: list[UserAnswer]
    next_cursor: str | None
