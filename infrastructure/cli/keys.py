"""`mainspring keys`, `key …`, `service-accounts`, `service-account …`: what calls the API without signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli.help import CommandLine
from infrastructure.cli.options import ApiUrl, AsJson, Data, Role, Token, Yes, client_for, confirm
from infrastructure.cli.output import Complaint, console, results, short_time, show_list

if TYPE_CHECKING:
    from infrastructure.cli.client import Client

key_app = CommandLine(help="Make, rotate or revoke an API key.")
service_account_app = CommandLine(help="Make, change or remove a service account.")

Key = Annotated[str, typer.Argument(metavar="KEY", help="The key's name, or its id.")]
Account = Annotated[str, typer.Argument(metavar="NAME", help="The service account's name.")]
Days = Annotated[
    int | None, typer.Option("--days", metavar="DAYS", min=1, help="After how many days it ends.", show_default="never")
]


def keys(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List API keys: yours in this workspace, or all of them if you manage it."""
    found = client_for(data, api_url, token, start=False).call("GET", "/api/keys")["items"]
    columns = ("id", "name", "owner", "permissions", "state", "until", "last used")

    def row(one: dict[str, Any]) -> list[str]:
        until = short_time(one["expires_at"]) if one["expires_at"] else "no end"
        allowed = " ".join(one["permissions"]) + ("" if one["workflows"] is None else " (some workflows)")
        state = one["state"].replace("_", " ")
        return [one["id"], one["name"], one["owner_name"], allowed, state, until, one["last_used_on"] or "never"]

    show_list(found, columns, row, as_json=as_json, empty="no API keys")


@key_app.command()
def create(  # noqa: PLR0917 - the options of the command
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    data: Data,
    permission: Annotated[
        list[str], typer.Option(metavar="WORD", help="`read`, `execute`, `answer`, `edit`, …; may be given often.")
    ],
    workflow: Annotated[
        list[str] | None,
        typer.Option(metavar="WORKFLOW", help="A workflow that it is for, and nothing else; may be given often."),
    ] = None,
    days: Days = None,
    service_account: Annotated[
        str | None, typer.Option(metavar="NAME", help="The service account that it is to belong to.")
    ] = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Make an API key and print it: it is shown only now. MAINSPRING_KEY=… makes all commands use it."""
    client = client_for(data, api_url, token, start=False)
    body: dict[str, Any] = {"name": name, "permissions": permission, "expires_in_days": days}
    if workflow:
        body["workflows"] = [client.workflow_id(one) for one in workflow]
    if service_account:
        body["service_account_id"] = _account(client, service_account)["id"]
    results.print(client.call("POST", "/api/keys", json=body)["key"], soft_wrap=True, markup=False)


@key_app.command()
def rotate(
    key: Key,
    data: Data,
    grace_hours: Annotated[
        int, typer.Option(metavar="HOURS", min=0, help="How long the present secret stays good; 0 if it has leaked.")
    ] = 24,
    days: Days = None,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Give a key another secret and print it: it is shown only now."""
    client = client_for(data, api_url, token, start=False)
    body = {"grace_hours": grace_hours, "expires_in_days": days}
    done = client.call("POST", f"/api/keys/{_key(client, key)}/rotate", json=body)
    results.print(done["key"], soft_wrap=True, markup=False)


@key_app.command()
def revoke(key: Key, data: Data, yes: Yes = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """End a key, at once."""
    client = client_for(data, api_url, token, start=False)
    found = _key(client, key)
    confirm(f"revoke the API key {key}?", yes=yes)
    client.call("DELETE", f"/api/keys/{found}")
    console.print("revoked")


def service_accounts(data: Data, as_json: AsJson = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List the service accounts of the workspace."""
    found = client_for(data, api_url, token, start=False).call("GET", "/api/service-accounts")["items"]
    columns = ("id", "name", "role", "since")

    def row(one: dict[str, Any]) -> list[str]:
        return [one["id"], one["name"], one["role"], short_time(one["added_at"])]

    show_list(found, columns, row, as_json=as_json, empty="no service accounts")


@service_account_app.command("create")
def create_account(name: Account, data: Data, role: Role, api_url: ApiUrl = None, token: Token = None) -> None:
    """Make a service account, and print its id."""
    client = client_for(data, api_url, token, start=False)
    results.print(client.call("POST", "/api/service-accounts", json={"name": name, "role": role})["id"])


@service_account_app.command("set")
def set_account(name: Account, data: Data, role: Role, api_url: ApiUrl = None, token: Token = None) -> None:
    """Give a service account another role, at once."""
    client = client_for(data, api_url, token, start=False)
    found = _account(client, name)
    client.call("PUT", f"/api/service-accounts/{found['id']}", json={"name": found["name"], "role": role})
    console.print("changed")


@service_account_app.command("remove")
def remove_account(name: Account, data: Data, yes: Yes = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """Remove a service account with its keys, at once. What it made stays."""
    client = client_for(data, api_url, token, start=False)
    found = _account(client, name)
    confirm(f"remove the service account {found['name']} with its keys?", yes=yes)
    client.call("DELETE", f"/api/service-accounts/{found['id']}")
    console.print("removed")


def _key(client: Client, named: str) -> str:
    found = [one["id"] for one in client.call("GET", "/api/keys")["items"] if named in (one["id"], one["name"])]
    if not found:
        raise Complaint(f"there is no API key {named!r}; `mainspring keys` lists them")
    if len(found) > 1:
        raise Complaint(f"{len(found)} API keys are called {named!r}; name one by its id: {', '.join(found)}")
    return str(found[0])


def _account(client: Client, named: str) -> dict[str, Any]:
    for one in client.call("GET", "/api/service-accounts")["items"]:
        if named in (one["id"], one["name"]):
            return dict(one)
    raise Complaint(f"there is no service account {named!r}; `mainspring service-accounts` lists them")
