"""Who is asking, and what their role in the workspace lets them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import Forbidden
from engine.security.permissions import GRANTS, Permission


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: user, session, and the one workspace that the access token is for.

    `email` is in lower case, `name` is for people. `own_grants` is what a role grants that the workspace has added, or
    what an API key grants; None for the roles that each workspace has.

    A key (`key_id`) stands for its owner, a person or a service account, and has no session. `workflows` are the only
    ones that it is good for; None for all.
    """

    user_id: str
    session_id: str
    workspace_id: str
    role: str
    is_admin: bool
    email: str = ""
    name: str = ""
    own_grants: frozenset[Permission] | None = None
    key_id: str = ""
    is_service: bool = False
    workflows: frozenset[str] | None = None

    def require(self, permission: Permission) -> None:
        """Refuse what the role does not grant.

        Raises:
            Forbidden: it does not.
        """
        if not self.may(permission):
            if self.key_id:
                raise Forbidden(f"this API key, or the role of its owner, does not have the permission `{permission}`")
            raise Forbidden(f"your role in this workspace, {self.role}, does not grant the permission `{permission}`")

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role grants, or the key as far as the role of its owner does."""
        return GRANTS.get(self.role, frozenset()) if self.own_grants is None else self.own_grants

    def may(self, permission: Permission) -> bool:
        """Whether the role grants it."""
        return permission in self.permissions

    def is_one_of(self, names: Sequence[str]) -> bool:
        """Whether the caller is among these: e-mail addresses, user ids, roles.

        People need no permission where they are named. Their keys do: one that may only read decides nothing for them.
        """
        if self.key_id and not self.may(Permission.ANSWER):
            return False
        wanted = {name.strip().lower() for name in names}
        return bool(wanted & {self.email, self.user_id, self.role} - {""})

    def require_session(self) -> None:
        """Refuse API keys where only a person may act.

        Raises:
            Forbidden: code `session_needed`.
        """
        if self.key_id:
            raise Forbidden("an API key cannot do this; a person has to, who has signed in", code="session_needed")

    def require_workflow(self, workflow_id: str | None) -> None:
        """Refuse a key that is for some workflows where it names another, or none.

        Raises:
            Forbidden: code `other_workflow`.
        """
        if self.workflows is not None and workflow_id not in self.workflows:
            raise Forbidden(
                "this API key is for some workflows only, and this is about another one or about none",
                code="other_workflow",
            )

    def require_admin(self) -> None:
        """Refuse all but administrators.

        Raises:
            Forbidden: the caller is not one.
        """
        if not self.is_admin:
            raise Forbidden("only an administrator may do this")
