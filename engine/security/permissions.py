"""What members of a workspace may do: permissions, and the roles that grant them.

Each route of the API names the one permission that it needs (`functions.http_api.allows`), and the authorizer finds out
which ones the caller has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum


class Permission(StrEnum):
    """What a role may allow in a workspace."""

    READ = "read"
    """Look at everything but secrets."""
    EXECUTE = "execute"
    """Start, test, cancel and retry executions."""
    ANSWER = "answer"
    """Answer approvals that are for anyone, and callbacks. Whoever an approval names may answer it without."""
    EDIT = "edit"
    """Change workflows, drafts, files and data tables."""
    PUBLISH = "publish"
    """Say what is live: publish versions, activate workflows, give webhooks new secrets."""
    CONNECT = "connect"
    """Change integrations and subscriptions, which let data out."""
    MANAGE = "manage"
    """Change members, invitations, roles and settings of the workspace."""
    AUDIT = "audit"
    """Read who did what."""


class Access(StrEnum):
    """What a route needs that is about no workspace."""

    PUBLIC = "public"
    """Nothing: no access token either."""
    SIGNED_IN = "signed_in"
    """An access token or an API key; it is about the callers themselves, or about the platform."""
    SESSION = "session"
    """An access token; it is about somebody's account, so no API key will do."""
    ADMIN = "admin"
    """An administrator of the platform."""


class Role(StrEnum):
    """The roles that each workspace has; it may add roles of its own."""

    OWNER = "owner"
    EDITOR = "editor"
    OPERATOR = "operator"
    VIEWER = "viewer"


GRANTS: Mapping[str, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.EDITOR: frozenset(Permission) - {Permission.MANAGE, Permission.AUDIT},
    Role.OPERATOR: frozenset({Permission.READ, Permission.EXECUTE, Permission.ANSWER}),
    Role.VIEWER: frozenset({Permission.READ}),
}


def in_order(permissions: Collection[Permission]) -> list[Permission]:
    """Return permissions as they are listed everywhere, each once."""
    return [one for one in Permission if one in permissions]


def permissions_of(role: str, own_roles: Mapping[str, Sequence[str]]) -> frozenset[Permission]:
    """Return what a role grants; `own_roles` are the workspace's own, by name. A role that is gone grants nothing."""
    if role in GRANTS:
        return GRANTS[role]
    return frozenset(Permission(name) for name in own_roles.get(role, ()) if name in set(Permission))
