"""Who is asking, and what their role in the workspace lets them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import Forbidden


class Role(StrEnum):
    """A member's role. Each may do what the ones after it may."""

    OWNER = "owner"
    EDITOR = "editor"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What a role may do: change workflows, start and cancel executions, or look."""

    WRITE = "write"
    EXECUTE = "execute"
    READ = "read"


_GRANTS = {
    Role.OWNER: frozenset(Permission),
    Role.EDITOR: frozenset(Permission),
    Role.OPERATOR: frozenset({Permission.EXECUTE, Permission.READ}),
    Role.VIEWER: frozenset({Permission.READ}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: user, session, and the one workspace that the access token is for.

    `email` is in lower case, `name` is for people.
    """

    user_id: str
    session_id: str
    workspace_id: str
    role: str
    is_admin: bool
    email: str = ""
    name: str = ""

    def require(self, permission: Permission) -> None:
        """Refuse what the role does not grant.

        Raises:
            Forbidden: it does not.
        """
        if not self.may(permission):
            raise Forbidden(f"your role in this workspace, {self.role}, does not allow to {permission}")

    def may(self, permission: Permission) -> bool:
        """Whether the role grants it."""
        return self.role in set(Role) and permission in _GRANTS[Role(self.role)]

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
