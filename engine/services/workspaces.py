"""Workspaces, their members and their roles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, InvalidInput, NotFound
from engine.ids import new_id
from engine.schemas.workspaces import RoleBody
from engine.security.permissions import GRANTS, permissions_of
from engine.services.membership import check_grants, check_role, current_workspace
from engine.services.principal import Principal
from engine.storage.dynamodb.table import ConditionFailed
from engine.storage.users import User, UserRepository
from engine.storage.workspaces import (
    LastOwner,
    Member,
    MembershipChanged,
    Workspace,
    WorkspaceRepository,
)

_TRIES = 5


class WorkspaceService:
    """What a caller may do with workspaces.

    Args:
        workspaces: the workspaces.
        users: the users.
        clock: tells the time.
        what_is_left: says what a workspace still holds, as words for people; nothing if it can go.
        forget: removes its settings, before it is deleted.
    """

    def __init__(
        self,
        workspaces: WorkspaceRepository,
        users: UserRepository,
        clock: Clock,
        what_is_left: Callable[[str], list[str]],
        forget: Callable[[str], None],
    ) -> None:
        self._workspaces = workspaces
        self._users = users
        self._clock = clock
        self._what_is_left = what_is_left
        self._forget = forget

    # -- workspaces --------------------------------------------------------------------------------------------

    def mine(self, principal: Principal) -> list[tuple[Workspace, Member]]:
        """Return all workspaces of the caller, the personal one first."""
        return self._workspaces.of_user(principal.user_id)

    def create(self, principal: Principal, name: str) -> Workspace:
        """Create a workspace, with the caller as its owner.

        Raises:
            Conflict: the caller has as many as one may have.
        """
        if len(self.mine(principal)) >= limits.MAX_WORKSPACES:
            raise Conflict(f"one is in at most {limits.MAX_WORKSPACES} workspaces; leave one", code="limit_reached")
        workspace = Workspace(new_id(), name, is_personal=False, created_at=self._now(), created_by=principal.user_id)
        self._workspaces.create(workspace)
        return workspace

    def get(self, principal: Principal, workspace_id: str) -> Workspace:
        """Return the workspace that the caller's access token is for. Raises NotFound if that is another one."""
        return current_workspace(self._workspaces, principal, workspace_id)

    def rename(self, principal: Principal, workspace_id: str, name: str) -> Workspace:
        """Give the workspace another name. Raises NotFound."""
        self.get(principal, workspace_id)
        try:
            return self._workspaces.rename(workspace_id, name)
        except ConditionFailed:
            raise NotFound("there is no such workspace") from None

    def delete(self, principal: Principal, workspace_id: str) -> None:
        """Remove the workspace, if it is empty.

        Raises:
            NotFound: the caller's access token is for another one.
            Conflict: it is a personal one, or it still holds something.
        """
        if self.get(principal, workspace_id).is_personal:
            raise Conflict("a personal workspace stays as long as its user", code="personal_workspace")
        left = self._what_is_left(workspace_id)
        if left:
            raise Conflict(f"it still has {' and '.join(left)}; delete these first", code="not_empty")
        self._forget(workspace_id)
        self._workspaces.delete(workspace_id)

    # -- roles -------------------------------------------------------------------------------------------------

    def set_role(self, principal: Principal, workspace_id: str, name: str, body: RoleBody) -> Workspace:
        """Add a role of the workspace's own, or change what it grants.

        Raises:
            NotFound: the caller's access token is for another workspace.
            InvalidInput: each workspace has a role of this name.
            Forbidden: it would grant, or grants, what the caller may not do.
            Conflict: the workspace has too many roles, or somebody else changes them.
        """
        workspace = self.get(principal, workspace_id)
        if name in GRANTS:
            raise InvalidInput.at("name", f"each workspace has the role `{name}`; choose another name")
        roles = {**workspace.roles, name: [str(one) for one in body.permissions]}
        if len(roles) > limits.MAX_ROLES:
            raise Conflict(f"a workspace has at most {limits.MAX_ROLES} roles of its own", code="limit_reached")
        check_grants(principal, body.permissions)
        check_grants(principal, permissions_of(name, workspace.roles))
        return self._with_roles(workspace, roles)

    def delete_role(self, principal: Principal, workspace_id: str, name: str) -> None:
        """Remove a role of the workspace's own.

        Raises:
            NotFound: there is no such role, or the caller's access token is for another workspace.
            Conflict: members or service accounts have it, or invitations offer it.
        """
        workspace = self.get(principal, workspace_id)
        if name not in workspace.roles:
            raise NotFound("the workspace has not added a role of this name")
        check_grants(principal, permissions_of(name, workspace.roles))
        if any(one.role == name for one in self._workspaces.members(workspace_id)):
            raise Conflict("members have this role; give them another one first", code="role_in_use")
        if name in self._workspaces.account_roles(workspace_id):
            raise Conflict("service accounts have this role; give them another one first", code="role_in_use")
        if any(one.role == name for one in self._workspaces.invitations(workspace_id, self._clock.now())):
            raise Conflict("an invitation offers this role; withdraw it first", code="role_in_use")
        self._with_roles(workspace, {other: words for other, words in workspace.roles.items() if other != name})

    def _with_roles(self, workspace: Workspace, roles: dict[str, list[str]]) -> Workspace:
        try:
            return self._workspaces.set_roles(workspace, roles)
        except ConditionFailed:
            raise Conflict("somebody else has just changed the roles; look again", code="changed_meanwhile") from None

    # -- members -----------------------------------------------------------------------------------------------

    def members(self, principal: Principal, workspace_id: str) -> list[tuple[Member, User]]:
        """Return all members. Raises NotFound."""
        self.get(principal, workspace_id)
        members = self._workspaces.members(workspace_id)
        users = self._users.many([member.user_id for member in members])
        return [(member, users[member.user_id]) for member in members if member.user_id in users]

    def set_member(self, principal: Principal, workspace_id: str, user_id: str, role: str) -> tuple[Member, User]:
        """Give a member another role.

        Raises:
            NotFound: they are no member, or the caller's access token is for another workspace.
            InvalidInput: the workspace has no such role.
            Forbidden: the role grants, or the member has, more than the caller.
            Conflict: the workspace would have no owner.
        """
        workspace = self.get(principal, workspace_id)
        check_role(principal, workspace, role)
        member = self._changed(
            principal, workspace, user_id, lambda one: self._workspaces.set_role(one, role, principal.user_id)
        )
        user = self._users.by_id(user_id)
        if user is None:
            raise NotFound("there is no such member")
        return replace(member, role=role, by=principal.user_id), user

    def remove_member(self, principal: Principal, workspace_id: str, user_id: str) -> None:
        """End a membership: at their next request they are out.

        Raises:
            NotFound: they are no member, or the caller's access token is for another workspace.
            Forbidden: they may do more than the caller.
            Conflict: the workspace would have no owner, or it is their personal one.
        """
        workspace = self.get(principal, workspace_id)
        if workspace.is_personal and workspace.created_by == user_id:
            raise Conflict("everybody stays in their personal workspace", code="personal_workspace")
        self._changed(principal, workspace, user_id, self._workspaces.remove)

    def leave(self, principal: Principal, workspace_id: str) -> None:
        """End the caller's own membership. Raises NotFound, Conflict: see `remove_member`."""
        self.remove_member(principal, workspace_id, principal.user_id)

    def _changed(
        self, principal: Principal, workspace: Workspace, user_id: str, change: Callable[[Member], object]
    ) -> Member:
        """Change a membership as it is now, however often others change it meanwhile; return how it was."""
        for _ in range(_TRIES):
            member = self._workspaces.member(workspace.id, user_id)
            if member is None:
                raise NotFound("there is no such member")
            if user_id != principal.user_id:
                check_grants(principal, permissions_of(member.role, workspace.roles))
            try:
                change(member)
            except MembershipChanged:
                continue
            except LastOwner:
                raise Conflict("a workspace has an owner; make somebody else one first", code="last_owner") from None
            return member
        raise Conflict("others are changing this membership; try again", code="changed_meanwhile")

    def _now(self) -> str:
        return format_time(self._clock.now())
