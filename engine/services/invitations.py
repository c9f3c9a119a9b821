"""Invitations to workspaces: an e-mail address, a role, and a link that is good for a week.

The address is what counts: the link alone lets nobody in. What is answered does not depend on who has an account.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, Forbidden, NotFound
from engine.ids import is_id, new_id
from engine.schemas.workspaces import InvitationBody
from engine.security.permissions import Permission, permissions_of
from engine.services.membership import check_role, current_workspace
from engine.services.principal import Principal
from engine.storage.users import User, UserRepository
from engine.storage.workspaces import Invitation, Member, MembershipChanged, Workspace, WorkspaceRepository

_INVITATION_TIME = timedelta(days=7)


class InvitationService:
    """Makes invitations, and lets in those who are invited."""

    def __init__(self, workspaces: WorkspaceRepository, users: UserRepository, clock: Clock) -> None:
        self._workspaces = workspaces
        self._users = users
        self._clock = clock

    def invite(self, principal: Principal, workspace_id: str, body: InvitationBody) -> tuple[Invitation, str]:
        """Invite whoever has an e-mail address; return the invitation and its token, which is stored nowhere.

        It does not tell whether there is a user with this address.

        Raises:
            NotFound: the caller's access token is for another workspace.
            InvalidInput: the workspace has no such role.
            Forbidden: the role grants more than the caller has, or the caller is a service account.
            Conflict: there are as many invitations or members as there may be.
        """
        workspace = current_workspace(self._workspaces, principal, workspace_id)
        if principal.is_service:
            raise Forbidden("whoever is invited sees by whom: a person has to do it", code="session_needed")
        check_role(principal, workspace, body.role)
        if len(self._workspaces.invitations(workspace_id, self._clock.now())) >= limits.MAX_INVITATIONS:
            message = f"a workspace has at most {limits.MAX_INVITATIONS} open invitations; withdraw one"
            raise Conflict(message, code="limit_reached")
        if len(self._workspaces.members(workspace_id)) >= limits.MAX_MEMBERS:
            raise Conflict(f"a workspace has at most {limits.MAX_MEMBERS} members", code="limit_reached")
        now = self._clock.now()
        invitation_id, secret = new_id(), secrets.token_urlsafe(32)
        invitation = Invitation(
            invitation_id, workspace_id, body.email.lower(), body.role, principal.user_id, format_time(now),
            sha256(secret.encode()).hexdigest(), int((now + _INVITATION_TIME).timestamp()),
        )  # fmt: skip
        self._workspaces.invite(invitation)
        return invitation, f"{workspace_id}.{invitation_id}.{secret}"

    def open(self, principal: Principal, workspace_id: str) -> list[Invitation]:
        """Return the open invitations. Raises NotFound."""
        current_workspace(self._workspaces, principal, workspace_id)
        return self._workspaces.invitations(workspace_id, self._clock.now())

    def withdraw(self, principal: Principal, workspace_id: str, invitation_id: str) -> None:
        """Withdraw an invitation. Raises NotFound."""
        current_workspace(self._workspaces, principal, workspace_id)
        if not self._workspaces.withdraw(workspace_id, invitation_id):
            raise NotFound("there is no such invitation; it may have been accepted")

    def offer(self, token: str) -> tuple[Invitation, Workspace, User]:
        """Return what the token of an open invitation offers, and who offers it.

        Whoever invited has to be able to do so still: who is out of a workspace lets nobody else in.

        Raises:
            NotFound: there is no such invitation any more.
        """
        workspace_id, _, rest = token.partition(".")
        invitation_id, _, secret = rest.partition(".")
        found = None
        if is_id(workspace_id) and is_id(invitation_id):
            found = self._workspaces.invitation(workspace_id, invitation_id, self._clock.now())
        digest = sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
        if found is None or not secrets.compare_digest(found.secret_hash, digest):
            raise _no_invitation()
        workspace = self._workspaces.find(found.workspace_id)
        member = self._workspaces.member(found.workspace_id, found.by)
        inviter = self._users.by_id(found.by)
        if workspace is None or member is None or inviter is None or not inviter.is_active:
            raise _no_invitation()
        theirs = permissions_of(member.role, workspace.roles)
        if Permission.MANAGE not in theirs or not permissions_of(found.role, workspace.roles) <= theirs:
            raise _no_invitation()
        return found, workspace, inviter

    def for_address(self, token: str, email: str, how: str) -> Invitation:
        """Return the open invitation of a token, for whoever has an address; `how` they prove it is for the message.

        Raises:
            NotFound: there is no such invitation any more.
            Forbidden: it is for another address.
        """
        invitation, _, _ = self.offer(token)
        if invitation.email != email:
            raise Forbidden(f"this invitation is for {invitation.email}; {how} with that address", code="not_for_you")
        return invitation

    def accept(self, principal: Principal, token: str) -> tuple[Workspace, Member]:
        """Make the caller a member; doing it again changes nothing.

        Raises:
            NotFound: there is no such invitation any more.
            Forbidden: it is for another e-mail address.
            Conflict: the caller is in as many workspaces as one may be, or is a member already.
        """
        invitation = self.for_address(token, principal.email, "sign in")
        if self._workspaces.member(invitation.workspace_id, principal.user_id) is not None:
            raise Conflict("you are a member of this workspace already", code="already_member")
        if len(self._workspaces.of_user(principal.user_id)) >= limits.MAX_WORKSPACES:
            raise Conflict(f"one is in at most {limits.MAX_WORKSPACES} workspaces; leave one", code="limit_reached")
        try:
            self._workspaces.accept(invitation, principal.user_id, self._clock.now())
        except MembershipChanged:
            raise _no_invitation() from None
        workspace = self._workspaces.find(invitation.workspace_id)
        member = self._workspaces.member(invitation.workspace_id, principal.user_id)
        if workspace is None or member is None:
            raise _no_invitation()
        return workspace, member


def _no_invitation() -> NotFound:
    return NotFound("there is no such invitation, or it was accepted, withdrawn, or is over")
