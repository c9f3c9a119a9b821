"""`mainspring integrations`, `integration …`, `users`, `user …`, `event`: a workspace's other resources."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli.help import CommandLine
from infrastructure.cli.options import ApiUrl, AsJson, Data, Token, Yes, client_for, confirm, read_input
from infrastructure.cli.output import Complaint, console, results, short_time, show_list

if TYPE_CHECKING:
    from infrastructure.cli.client import Client

integration_app = CommandLine(help="Make, try or delete an integration.")
user_app = CommandLine(help="Add a user, keep one out, or let one in again.")

Integration = Annotated[str, typer.Argument(metavar="INTEGRATION", help="An integration's name, or its id.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")]


def integrations(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List the integrations. Their secrets are never shown."""
    found = client_for(data, api_url, token, start=False).pages("/api/integrations")
    columns = ("id", "name", "type")
    show_list(found, columns, lambda one: [one[name] for name in columns], as_json=as_json, empty="no integrations yet")


@integration_app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which nodes name it.")],
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="One of `GET /api/integration-types`, as `smtp`.")],
    data: Data,
    config: Annotated[
        str, typer.Option(metavar="JSON", help="Its config, @FILE, or `-` to read it from standard input.")
    ] = "-",
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Create an integration. Read its config from standard input or a file: a command line is visible to others."""
    given = read_input(sys.stdin.read() if config == "-" else config)
    client = client_for(data, api_url, token, start=False)
    made = client.call("POST", "/api/integrations", json={"name": name, "type": kind, "config": given})
    results.print(made["id"])


@integration_app.command("test")
def try_out(integration: Integration, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Test an integration. Exit code 1 when it does not work."""
    client = client_for(data, api_url, token, start=False)
    done = client.call("POST", f"/api/integrations/{_integration_id(client, integration)}/test")
    if not done["ok"]:
        raise Complaint(done["message"])
    results.print(done["message"], markup=False)


@integration_app.command("delete")
def delete_integration(
    integration: Integration, data: Data, yes: Yes = False, api_url: ApiUrl = None, token: Token = None
) -> None:
    """Delete an integration that no workflow uses."""
    client = client_for(data, api_url, token, start=False)
    found = _integration_id(client, integration)
    confirm(f"delete the integration {integration}?", yes=yes)
    client.call("DELETE", f"/api/integrations/{found}")
    console.print("deleted")


def users(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List the users, for administrators."""
    found = client_for(data, api_url, token, start=False).pages("/api/users", limit=100)
    columns = ("id", "email", "name", "administrator", "active", "added")
    show_list(found, columns, _user_row, as_json=as_json, empty="no users yet")


def _user_row(one: dict[str, Any]) -> Iterator[str]:
    yield from (one["id"], one["email"], one["full_name"] or "")
    yield from ("yes" if one["is_admin"] else "no", "yes" if one["is_active"] else "no", short_time(one["created_at"]))


@user_app.command()
def add(
    email: Email,
    data: Data,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The user's name, for people.")] = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Add a user. The password is asked for, or read from standard input."""
    is_typed = sys.stdin.isatty()
    password = typer.prompt("password", hide_input=True, err=True) if is_typed else sys.stdin.read().rstrip("\n")
    client = client_for(data, api_url, token, start=False)
    body = {"email": email, "password": password, **({"full_name": name} if name else {})}
    results.print(client.call("POST", "/api/users", json=body)["id"])


@user_app.command("deactivate")
def deactivate_user(email: Email, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Deactivate a user, at once."""
    client = client_for(data, api_url, token, start=False)
    client.call("POST", f"/api/users/{_user_id(client, email)}/deactivate")
    console.print("deactivated")


@user_app.command("activate")
def activate_user(email: Email, data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Reactivate a user."""
    client = client_for(data, api_url, token, start=False)
    client.call("POST", f"/api/users/{_user_id(client, email)}/activate")
    console.print("activated")


def event(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Who tells, such as `shop`.")],
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="What has happened, such as `order.created`.")],
    data: Data,
    content: Annotated[str, typer.Option("--content", metavar="JSON", help="What is told, or @FILE.")] = "{}",
    event_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The same id again starts nothing twice.")
    ] = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Send an event, which starts the active workflows with a matching trigger, and print its id."""
    client = client_for(data, api_url, token, start=False)
    body = {"source": source, "type": kind, "data": read_input(content), **({"id": event_id} if event_id else {})}
    results.print(client.call("POST", "/api/events", json=body)["id"])


def _integration_id(client: Client, named: str) -> str:
    return client.id_of("/api/integrations", "name", named, "integration")


def _user_id(client: Client, email: str) -> str:
    return client.id_of("/api/users", "email", email, "user")
