"""Invitations to workspaces: `/api/workspaces/…/invitations` and `/api/invitations`."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from engine.schemas.workspaces import InvitationBody, InvitationList, NewInvitation, OfferAnswer, WorkspaceAnswer
from engine.security.permissions import Access, Permission
from engine.services.principal import Principal
from engine.storage.mails import LINK
from engine.storage.workspaces import Invitation
from functions import container
from functions.http_api import IdInPath, allows, caller, errors
from functions.workspaces.answers import app, end_of, invitation_answer, link_of, new_invitation, workspace_answer

TokenInPath = Annotated[str, Path(min_length=1, max_length=500)]


@app.post(
    "/api/workspaces/<workspace_id>/invitations",
    status_code=201,
    tags=["workspaces"],
    summary="Invite somebody",
    responses={201: {"description": "The invitation"}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Permission.MANAGE),
)
def invite(workspace_id: IdInPath, body: InvitationBody) -> NewInvitation:
    """The link is shown only here. It is good once, for a week, and only for their address.

    Where the workspace can send mail they get it by mail; else send it to them.
    """
    principal = caller(app)
    invitation, token = container.invitation_service().invite(principal, workspace_id, body)
    return new_invitation(invitation, token, is_mailed=_is_mailed(principal, invitation, token))


def _is_mailed(principal: Principal, invitation: Invitation, token: str) -> bool:
    """Have the link sent, where there is a way to; it is stored encrypted, and only until it is sent."""
    outbox = container.outbox()
    workspace = container.workspaces().find(invitation.workspace_id)
    if workspace is None or not outbox.can_send(workspace.id):
        return False
    who = principal.name or principal.email
    text = (
        f"{who} invites you to the workspace {workspace.name} of Mainspring.\n\n"
        f"Accept here, until {end_of(invitation)[:10]}:\n{LINK}\n\n"
        f"The link is for {invitation.email} only. If you do not know what this is, do nothing.\n"
    )
    outbox.send(
        workspace.id, invitation.id, invitation.email, f"{who} invites you to {workspace.name}", text, link_of(token)
    )
    return True


@app.get(
    "/api/workspaces/<workspace_id>/invitations",
    tags=["workspaces"],
    summary="List open invitations",
    responses={200: {"description": "All open invitations"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.MANAGE),
)
def list_invitations(workspace_id: IdInPath) -> InvitationList:
    """The oldest first."""
    found = container.invitation_service().open(caller(app), workspace_id)
    return InvitationList(items=[invitation_answer(invitation) for invitation in found])


@app.delete(
    "/api/workspaces/<workspace_id>/invitations/<invitation_id>",
    status_code=204,
    tags=["workspaces"],
    summary="Withdraw an invitation",
    responses={204: {"description": "Withdrawn", "content": {}}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.MANAGE),
)
def withdraw(workspace_id: IdInPath, invitation_id: IdInPath) -> Response[None]:
    """Its link is good for nothing from now on."""
    container.invitation_service().withdraw(caller(app), workspace_id, invitation_id)
    return Response(204)


@app.get(
    "/api/invitations/<token>",
    tags=["workspaces"],
    summary="Look at an invitation",
    responses={200: {"description": "What it offers"}, **errors(404)},
    openapi_extensions=allows(Access.PUBLIC),
)
def get_invitation(token: TokenInPath) -> OfferAnswer:
    """For whoever has the link."""
    invitation, workspace, inviter = container.invitation_service().offer(token)
    return OfferAnswer(
        workspace_id=workspace.id,
        workspace_name=workspace.name,
        email=invitation.email,
        role=invitation.role,
        invited_by=inviter.full_name or inviter.email,
        expires_at=end_of(invitation),
    )


@app.post(
    "/api/invitations/<token>/accept",
    tags=["workspaces"],
    summary="Accept an invitation",
    responses={200: {"description": "The workspace"}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Access.SESSION),
)
def accept(token: TokenInPath) -> WorkspaceAnswer:
    """You have to be signed in with the address that is invited; without an account register with the token."""
    workspace, member = container.invitation_service().accept(caller(app), token)
    return workspace_answer(workspace, member.role)
