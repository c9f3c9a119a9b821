"""Who is asking, and what their role in the workspace lets them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import Forbidden
from engine.security.permissions import GRANTS, Permission


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: user, session, and the one workspace that the access token is for.

    `email` is in lower case, `name` is for people. `own_grants` is what a role grants that the workspace has added;
    None for the roles that each workspace has.
    """

    user_id: str
    session_id: str
    workspace_id: str
    role: str
    is_admin: bool
    email: str = ""
    name: str = ""
    own_grants: frozenset[Permission] | None = None

    def require(self, permission: Permission) -> None:
        """Refuse what the role does not grant.

        Raises:
            Forbidden: it does not.
        """
        if not self.may(permission):
            raise Forbidden(f"your role in this workspace, {self.role}, does not grant the permission `{permission}`")

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role grants."""
        return GRANTS.get(self.role, frozenset()) if self.own_grants is None else self.own_grants

    def may(self, permission: Permission) -> bool:
        """Whether the role grants it."""
        return permission in self.permissions

    def is_one_of(self, names: Sequence[str]) -> bool:
        """Whether the caller is among these: e-mail addresses, user ids, roles."""
        wanted = {name.strip().lower() for name in names}
        return bool(wanted & {self.email, self.user_id, self.role} - {""})

    def require_admin(self) -> None:
        """Refuse all but administrators.

        Raises:
            Forbidden: the caller is not one.
        """
        if not self.is_admin:
            raise Forbidden("only an administrator may do this")
