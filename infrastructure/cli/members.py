"""`mainspring workspaces`, `workspace …`, `members`, `member …`, `invitations`: who works together, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli.help import CommandLine
from infrastructure.cli.options import ApiUrl, AsJson, Data, Role, Token, Yes, client_for, confirm
from infrastructure.cli.output import Complaint, console, results, short_time, show_list

if TYPE_CHECKING:
    from infrastructure.cli.client import Client

workspace_app = CommandLine(help="Make, rename, delete or leave a workspace, or choose what sends its mail.")
member_app = CommandLine(help="Invite somebody, change a member's role, or remove one.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What members see.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail address.")]


def workspaces(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List your workspaces. MAINSPRING_WORKSPACE=NAME says in which one all other commands work."""
    client = client_for(data, api_url, token, start=False)
    now = client.call("GET", "/api/auth/me")["workspace_id"]
    found = client.call("GET", "/api/workspaces")["items"]
    columns = ("id", "name", "your role", "now")

    def row(one: dict[str, Any]) -> list[str]:
        return [one["id"], one["name"], one["role"], "here" if one["id"] == now else ""]

    show_list(found, columns, row, as_json=as_json, empty="no workspaces")


@workspace_app.command()
def create(name: Name, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Create a workspace, whose owner you are, and print its id."""
    client = client_for(data, api_url, token, start=False)
    results.print(client.call("POST", "/api/workspaces", json={"name": name})["id"])


@workspace_app.command()
def rename(name: Name, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Give the workspace another name."""
    client = client_for(data, api_url, token, start=False)
    client.call("PATCH", _here(client), json={"name": name})
    console.print("renamed")


@workspace_app.command("mail")
def mail_by(
    data: Data,
    integration: Annotated[
        str | None, typer.Argument(metavar="INTEGRATION", help="An `smtp` integration's name, or its id.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Use none; the deployment's own sender, if it has one.")] = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Choose the integration that sends the workspace's mail to people, or print which one does."""
    if integration is not None and none:
        raise Complaint("give an integration, or --none")
    client = client_for(data, api_url, token, start=False)
    if integration is None and not none:
        found = client.call("GET", _here(client))
        own = "the deployment's own sender" if found["can_send_mail"] else "nothing; choose an integration"
        results.print(found["mail_integration"] or own, markup=False)
        return
    client.call("PATCH", _here(client), json={"mail_integration": integration})
    console.print("changed")


@workspace_app.command("delete")
def delete_workspace(data: Data, yes: Yes = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """Delete the workspace, which has to be empty."""
    client = client_for(data, api_url, token, start=False)
    me = client.call("GET", "/api/auth/me")
    confirm(f"delete the workspace {me['workspace_name']}?", yes=yes)
    client.call("DELETE", f"/api/workspaces/{me['workspace_id']}")
    console.print("deleted")


@workspace_app.command()
def leave(data: Data, yes: Yes = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """Leave the workspace."""
    client = client_for(data, api_url, token, start=False)
    me = client.call("GET", "/api/auth/me")
    confirm(f"leave the workspace {me['workspace_name']}?", yes=yes)
    client.call("POST", f"/api/workspaces/{me['workspace_id']}/leave")
    console.print("left")


def members(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List the members of the workspace."""
    client = client_for(data, api_url, token, start=False)
    found = client.call("GET", f"{_here(client)}/members")["items"]
    columns = ("email", "name", "role", "since")

    def row(one: dict[str, Any]) -> list[str]:
        return [one["email"], one["full_name"] or "", one["role"], short_time(one["added_at"])]

    show_list(found, columns, row, as_json=as_json, empty="no members")


def invitations(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List the open invitations to the workspace."""
    client = client_for(data, api_url, token, start=False)
    found = client.call("GET", f"{_here(client)}/invitations")["items"]
    columns = ("email", "role", "until")

    def row(one: dict[str, Any]) -> list[str]:
        return [one["email"], one["role"], short_time(one["expires_at"])]

    show_list(found, columns, row, as_json=as_json, empty="no open invitations")


@member_app.command()
def invite(email: Email, data: Data, role: Role = "editor", api_url: ApiUrl = None, token: Token = None) -> None:
    """Invite somebody, and print the link to send them: it is shown only now, and is good for a week."""
    client = client_for(data, api_url, token, start=False)
    made = client.call("POST", f"{_here(client)}/invitations", json={"email": email, "role": role})
    results.print(made["url"], soft_wrap=True, markup=False)


@member_app.command()
def withdraw(email: Email, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Withdraw the invitations of somebody: their links are good for nothing from now on."""
    client = client_for(data, api_url, token, start=False)
    place = f"{_here(client)}/invitations"
    theirs = [one["id"] for one in client.call("GET", place)["items"] if one["email"] == email.lower()]
    if not theirs:
        raise Complaint(f"there is no open invitation of {email}")
    for one in theirs:
        client.call("DELETE", f"{place}/{one}")
    console.print("withdrawn")


@member_app.command()
def accept(
    invitation: Annotated[str, typer.Argument(metavar="LINK", help="The link of the invitation, or its token.")],
    data: Data,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Accept an invitation, and print the workspace's id."""
    client = client_for(data, api_url, token, start=False)
    results.print(client.call("POST", f"/api/invitations/{invitation.rpartition('#')[2]}/accept")["id"])


@member_app.command("set")
def set_member(
    email: Email,
    data: Data,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="The role that they are to have.")],
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Give a member another role, at once."""
    client = client_for(data, api_url, token, start=False)
    client.call("PUT", _member(client, email), json={"role": role})
    console.print("changed")


@member_app.command()
def remove(email: Email, data: Data, yes: Yes = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """Remove a member, at once. What they made stays."""
    client = client_for(data, api_url, token, start=False)
    place = _member(client, email)
    confirm(f"remove {email} from the workspace?", yes=yes)
    client.call("DELETE", place)
    console.print("removed")


def _here(client: Client) -> str:
    """The address of the workspace that the commands work in."""
    return f"/api/workspaces/{client.call('GET', '/api/auth/me')['workspace_id']}"


def _member(client: Client, email: str) -> str:
    here = _here(client)
    found = client.call("GET", f"{here}/members")["items"]
    theirs = [one["user_id"] for one in found if one["email"] == email.lower()]
    if not theirs:
        raise Complaint(f"{email} is no member of this workspace")
    return f"{here}/members/{theirs[0]}"
