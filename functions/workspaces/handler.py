"""Workspaces, their members and roles: `/api/workspaces`. Invitations and API keys are in files of their own."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from engine.schemas.workspaces import (
    MemberAnswer,
    MemberBody,
    MemberList,
    RoleBody,
    WorkspaceAnswer,
    WorkspaceBody,
    WorkspaceChange,
    WorkspaceDetails,
    WorkspaceList,
)
from engine.security.permissions import Access, Permission, Role
from functions import api_services, container
from functions.http_api import IdInPath, allows, caller, errors, make_handler
from functions.workspaces import invitations, keys
from functions.workspaces.answers import app, member_answer, workspace_answer, workspace_details

__all__ = ["app", "handler", "invitations", "keys"]  # with the routes of these

RoleInPath = Annotated[str, Path(pattern="^[a-z][a-z0-9_-]{0,39}$")]


@app.get(
    "/api/workspaces",
    tags=["workspaces"],
    summary="List your workspaces",
    responses={200: {"description": "All of them"}, **errors(401)},
    openapi_extensions=allows(Access.SESSION),
)
def list_workspaces() -> WorkspaceList:
    """The personal one first. `POST /api/auth/workspace` gives an access token for another one."""
    found = api_services.workspace_service().mine(caller(app))
    return WorkspaceList(items=[workspace_answer(workspace, member.role) for workspace, member in found])


@app.post(
    "/api/workspaces",
    status_code=201,
    tags=["workspaces"],
    summary="Create a workspace",
    responses={201: {"description": "Created"}, **errors(400, 401, 409, 413, 415)},
    openapi_extensions=allows(Access.SESSION),
)
def create_workspace(body: WorkspaceBody) -> WorkspaceAnswer:
    """You are its owner. Your access token stays for the workspace that it is for."""
    return workspace_answer(api_services.workspace_service().create(caller(app), body.name), Role.OWNER)


@app.get(
    "/api/workspaces/<workspace_id>",
    tags=["workspaces"],
    summary="Get the workspace that the access token is for",
    responses={200: {"description": "The workspace, with its roles"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get_workspace(workspace_id: IdInPath) -> WorkspaceDetails:
    """With its roles, and what they grant."""
    principal = caller(app)
    return workspace_details(api_services.workspace_service().get(principal, workspace_id), principal.role)


@app.patch(
    "/api/workspaces/<workspace_id>",
    tags=["workspaces"],
    summary="Change a workspace",
    responses={200: {"description": "The workspace"}, **errors(400, 401, 403, 404, 413, 415)},
    openapi_extensions=allows(Permission.MANAGE),
)
def change_workspace(workspace_id: IdInPath, body: WorkspaceChange) -> WorkspaceDetails:
    """Its name, and what sends its mail to people."""
    principal = caller(app)
    service = api_services.workspace_service()
    workspace = service.get(principal, workspace_id)
    if "mail_integration" in body.model_fields_set:
        container.outbox().choose_integration(principal, body.mail_integration)
    if body.name is not None:
        workspace = service.rename(principal, workspace_id, body.name)
    return workspace_details(workspace, principal.role)


@app.delete(
    "/api/workspaces/<workspace_id>",
    status_code=204,
    tags=["workspaces"],
    summary="Delete an empty workspace",
    responses={204: {"description": "Deleted", "content": {}}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.MANAGE),
)
def delete_workspace(workspace_id: IdInPath) -> Response[None]:
    """Workflows, integrations, subscriptions, tables and files in it have to be deleted first."""
    api_services.workspace_service().delete(caller(app), workspace_id)
    return Response(204)


@app.post(
    "/api/workspaces/<workspace_id>/leave",
    status_code=204,
    tags=["workspaces"],
    summary="Leave a workspace",
    responses={204: {"description": "You are no member any more", "content": {}}, **errors(401, 404, 409)},
    openapi_extensions=allows(Access.SESSION),
)
def leave_workspace(workspace_id: IdInPath) -> Response[None]:
    """The last owner cannot leave. The access token ends; refresh it to be in your personal workspace."""
    api_services.workspace_service().leave(caller(app), workspace_id)
    return Response(204)


@app.get(
    "/api/workspaces/<workspace_id>/members",
    tags=["workspaces"],
    summary="List members",
    responses={200: {"description": "All members"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def list_members(workspace_id: IdInPath) -> MemberList:
    """In the order in which they joined."""
    found = api_services.workspace_service().members(caller(app), workspace_id)
    return MemberList(items=[member_answer(member, user) for member, user in found])


@app.put(
    "/api/workspaces/<workspace_id>/members/<user_id>",
    tags=["workspaces"],
    summary="Give a member another role",
    responses={200: {"description": "The member"}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Permission.MANAGE),
)
def set_member(workspace_id: IdInPath, user_id: IdInPath, body: MemberBody) -> MemberAnswer:
    """At their next request it is so. Nobody gives or takes a role that grants more than their own."""
    found = api_services.workspace_service().set_member(caller(app), workspace_id, user_id, body.role)
    return member_answer(*found)


@app.delete(
    "/api/workspaces/<workspace_id>/members/<user_id>",
    status_code=204,
    tags=["workspaces"],
    summary="Remove a member",
    responses={204: {"description": "Removed", "content": {}}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.MANAGE),
)
def remove_member(workspace_id: IdInPath, user_id: IdInPath) -> Response[None]:
    """At their next request they are out. What they made stays."""
    api_services.workspace_service().remove_member(caller(app), workspace_id, user_id)
    return Response(204)


@app.put(
    "/api/workspaces/<workspace_id>/roles/<name>",
    tags=["workspaces"],
    summary="Add a role of the workspace's own, or change it",
    responses={200: {"description": "The workspace"}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Permission.MANAGE),
)
def set_role(workspace_id: IdInPath, name: RoleInPath, body: RoleBody) -> WorkspaceDetails:
    """At the next request of each member who has it, it is so."""
    principal = caller(app)
    return workspace_details(
        api_services.workspace_service().set_role(principal, workspace_id, name, body), principal.role
    )


@app.delete(
    "/api/workspaces/<workspace_id>/roles/<name>",
    status_code=204,
    tags=["workspaces"],
    summary="Remove a role of the workspace's own",
    responses={204: {"description": "Removed", "content": {}}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.MANAGE),
)
def delete_role(workspace_id: IdInPath, name: RoleInPath) -> Response[None]:
    """Nobody may have it, and no invitation may offer it."""
    api_services.workspace_service().delete_role(caller(app), workspace_id, name)
    return Response(204)


handler = make_handler(app)
