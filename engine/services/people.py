"""The people of a workspace, for approvals: who has an address, a role, or both, at this moment."""

from __future__ import annotations

from collections.abc import Iterable

from engine.security.permissions import Permission, permissions_of
from engine.services.principal import Principal
from engine.storage.users import User, UserRepository
from engine.storage.workspaces import Member, Workspace, WorkspaceRepository


class People:
    """Looks up members and users in the Identity table."""

    def __init__(self, users: UserRepository, workspaces: WorkspaceRepository) -> None:
        self._users = users
        self._workspaces = workspaces

    def address_of(self, user_id: str | None) -> str | None:
        """Return the address of a user."""
        user = self._users.by_id(user_id) if user_id else None
        return user.email.lower() if user else None

    def principal(self, workspace_id: str, address: str) -> Principal | None:
        """Return whoever has an address as a caller in a workspace; None if they are kept out of the platform.

        Who has no account, or is no member, may do nothing but what is for their address.
        """
        user = self._users.by_email(address)
        if user is None:
            return Principal("", "", workspace_id, "", is_admin=False, email=address)
        if not user.is_active:
            return None
        member = self._workspaces.member(workspace_id, user.id)
        if member is None:
            return Principal(user.id, "", workspace_id, "", is_admin=False, email=address)
        workspace = self._workspaces.find(workspace_id)
        return _as_member(user, member, workspace)

    def members(self, workspace_id: str) -> list[Principal]:
        """Return all members who may sign in, as callers in the workspace."""
        members = self._workspaces.members(workspace_id)
        users = self._users.many([one.user_id for one in members])
        workspace = self._workspaces.find(workspace_id)
        found = ((users[one.user_id], one) for one in members if one.user_id in users)
        return [_as_member(user, member, workspace) for user, member in found if user.is_active]

    def addresses(self, workspace_id: str, approvers: Iterable[str]) -> list[str]:
        """Return the addresses of approvers: each is an address, a user or a role; none: whoever may answer."""
        wanted = list(approvers)
        written = [one.strip().lower() for one in wanted if "@" in one]
        members = self.members(workspace_id) if not wanted or len(written) < len(wanted) else []
        of_members = [one.email for one in members if (one.is_one_of(wanted) if wanted else one.may(Permission.ANSWER))]
        return list(dict.fromkeys([*written, *of_members]))


def _as_member(user: User, member: Member, workspace: Workspace | None) -> Principal:
    roles = workspace.roles if workspace else {}
    own = frozenset(permissions_of(member.role, roles)) if member.role in roles else None
    return Principal(
        user.id, "", member.workspace_id, member.role, is_admin=False, email=user.email.lower(),
        name=user.full_name or "", own_grants=own,
    )  # fmt: skip
