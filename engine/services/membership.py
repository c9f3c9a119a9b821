"""What all services of workspaces ask first: is it the caller's workspace, and may they give that role?"""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import Forbidden, InvalidInput, NotFound
from engine.security.permissions import GRANTS, Permission, Role, permissions_of
from engine.services.principal import Principal
from engine.storage.workspaces import Workspace, WorkspaceRepository


def current_workspace(workspaces: WorkspaceRepository, principal: Principal, workspace_id: str) -> Workspace:
    """Return the workspace with this id, which the caller's access token has to be for.

    Raises:
        NotFound: it is for another one.
    """
    found = workspaces.find(workspace_id) if workspace_id == principal.workspace_id else None
    if found is None:
        raise NotFound("there is no such workspace, or your access token is for another one")
    return found


def check_role(principal: Principal, workspace: Workspace, role: str) -> None:
    """Refuse a role that the workspace does not have, or that the caller may not give.

    Raises:
        InvalidInput: the workspace has no such role.
        Forbidden: it grants more than the caller's.
    """
    if role not in {*GRANTS, *workspace.roles}:
        there_are = ", ".join(f"`{name}`" for name in [*Role, *workspace.roles])
        raise InvalidInput.at("role", f"the workspace has no role `{role}`; there are {there_are}")
    check_grants(principal, permissions_of(role, workspace.roles))


def check_grants(principal: Principal, granted: Iterable[Permission]) -> None:
    """Refuse that somebody gives or takes what they do not have: else whoever manages members could do everything.

    Raises:
        Forbidden: code `grants_more`.
    """
    more = sorted({one for one in granted if not principal.may(one)})
    if more:
        named = ", ".join(f"`{one}`" for one in more)
        raise Forbidden(f"this is about a role that grants more than yours does: {named}", code="grants_more")
