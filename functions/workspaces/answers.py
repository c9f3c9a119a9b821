"""What the routes of workspaces and invitations share: the resolver, and the shapes of their answers."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from engine.clock import format_time
from engine.schemas.workspaces import (
    InvitationAnswer,
    MemberAnswer,
    NewInvitation,
    RoleAnswer,
    WorkspaceAnswer,
    WorkspaceDetails,
)
from engine.security.permissions import GRANTS, in_order, permissions_of
from engine.storage.users import User
from engine.storage.workspaces import Invitation, Member, Workspace
from functions import container
from functions.http_api import make_app

app = make_app()


def workspace_answer(workspace: Workspace, role: str) -> WorkspaceAnswer:
    """A workspace, and the caller's role in it."""
    return WorkspaceAnswer(
        id=workspace.id, name=workspace.name, is_personal=workspace.is_personal, role=role,
        created_at=workspace.created_at,
    )  # fmt: skip


def workspace_details(workspace: Workspace, role: str) -> WorkspaceDetails:
    """A workspace with its roles: first those that each has."""
    roles = [
        RoleAnswer(name=name, permissions=in_order(permissions_of(name, workspace.roles)), is_own=name not in GRANTS)
        for name in [*GRANTS, *sorted(workspace.roles)]
    ]
    sender = container.outbox().sender(workspace.id)
    return WorkspaceDetails(
        **workspace_answer(workspace, role).model_dump(),
        roles=roles,
        mail_integration=sender.integration_name,
        can_send_mail=sender.can_send,
    )


def member_answer(member: Member, user: User) -> MemberAnswer:
    """A member."""
    return MemberAnswer(
        user_id=user.id, email=user.email, full_name=user.full_name, is_active=user.is_active, role=member.role,
        added_by=member.by, added_at=member.at,
    )  # fmt: skip


def invitation_answer(invitation: Invitation) -> InvitationAnswer:
    """An invitation, without its token, which nobody knows any more."""
    return InvitationAnswer(
        id=invitation.id, email=invitation.email, role=invitation.role, invited_by=invitation.by,
        invited_at=invitation.at, expires_at=end_of(invitation),
    )  # fmt: skip


def link_of(token: str) -> str:
    """The page of an invitation. The token is behind `#`, which browsers send to no server and no log has."""
    return f"{container.settings.api_url}/console/invitation#{quote(token)}"


def new_invitation(invitation: Invitation, token: str, *, is_mailed: bool) -> NewInvitation:
    """An invitation with its link."""
    shown = invitation_answer(invitation).model_dump()
    return NewInvitation(**shown, token=token, url=link_of(token), is_mailed=is_mailed)


def end_of(invitation: Invitation) -> str:
    """When an invitation ends."""
    return format_time(datetime.fromtimestamp(invitation.expires_at, UTC))
