"""Bodies of workspaces, members, roles and invitations."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from engine.schemas.common import Answer, Body
from engine.schemas.users import EmailAddress
from engine.security.permissions import Permission, in_order

WorkspaceName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


def _with_read(permissions: list[Permission]) -> list[Permission]:
    """Whoever may do something may look."""
    return in_order({*permissions, Permission.READ})


class WorkspaceBody(Body):
    """A workspace to be created."""

    name: WorkspaceName = Field(description="What members see; it need not be unique.")


class WorkspaceChange(Body):
    """What is to change; what is left out stays."""

    name: WorkspaceName | None = Field(default=None, description="What members see; it need not be unique.")
    mail_integration: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="The integration that sends mail to people, by its name or id; an `smtp`. Null: the deployment's "
        "own sender, if it has one.",
    )


class RoleBody(Body):
    """A role of the workspace's own."""

    permissions: Annotated[list[Permission], AfterValidator(_with_read)] = Field(
        description="What it grants; `read` always."
    )


class MemberBody(Body):
    """The role that a member is to have."""

    role: RoleName = Field(description="`owner`, `editor`, `operator`, `viewer`, or a role of the workspace's own.")


class InvitationBody(MemberBody):
    """An invitation."""

    email: EmailAddress = Field(description="Whoever signs in with this address can accept.")


class EnterBody(Body):
    """The workspace that the session is to be in."""

    workspace_id: Annotated[str, StringConstraints(max_length=100)]


class RoleAnswer(Answer):
    """A role, and what it grants."""

    name: str
    permissions: list[Permission]
    is_own: bool = Field(description="Whether the workspace has added it.")


class WorkspaceAnswer(Answer):
    """A workspace of the caller's, and their role there."""

    id: str
    name: str
    is_personal: bool
    role: str
    created_at: str


class WorkspaceDetails(WorkspaceAnswer):
    """A workspace with its roles and settings."""

    roles: list[RoleAnswer]
    mail_integration: str | None = Field(description="The name of the integration that sends mail to people.")
    can_send_mail: bool = Field(description="Whether there is one, or the deployment has a sender of its own.")


class WorkspaceList(Answer):
    """All workspaces of the caller."""

    items: list[WorkspaceAnswer]


class MemberAnswer(Answer):
    """A member."""

    user_id: str
    email: str
    full_name: str | None
    is_active: bool = Field(description="false: an administrator keeps them out of the platform.")
    role: str
    added_by: str = Field(description="The id of the user who gave them their role.")
    added_at: str


class MemberList(Answer):
    """All members."""

    items: list[MemberAnswer]


class InvitationAnswer(Answer):
    """An open invitation."""

    id: str
    email: str
    role: str
    invited_by: str
    invited_at: str
    expires_at: str


class NewInvitation(InvitationAnswer):
    """An invitation that was just made: its token is shown only here."""

    token: str
    url: str = Field(description="The page of the console where it is accepted; send it to them.")
    is_mailed: bool = Field(description="Whether it goes to them by mail: the workspace has a way to send some.")


class InvitationList(Answer):
    """All open invitations."""

    items: list[InvitationAnswer]


class OfferAnswer(Answer):
    """An invitation, as whoever has its link sees it."""

    workspace_id: str
    workspace_name: str
    email: str
    role: str
    invited_by: str = Field(description="Their name, or their address.")
    expires_at: str
