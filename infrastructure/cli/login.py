"""`mainspring login`, `logout`, `password`: a session at a deployed stack, kept in a file that only you can read."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from infrastructure.cli.options import ApiUrl, Data, Token, client_for
from infrastructure.cli.output import Complaint, console

Email = Annotated[
    str | None, typer.Option("--email", metavar="EMAIL", help="Your e-mail address; else it is asked for.")
]


def login(
    api_url: ApiUrl = None,
    email: Email = None,
    key: Annotated[bool, typer.Option("--key", help="Keep an API key instead, which is asked for.")] = False,
) -> None:
    """Sign in to a deployed stack: from then on MAINSPRING_API_URL, or `--api-url`, is enough.

    The password, or the key, is asked for, or read from standard input: a command line is visible to others.
    """
    from engine.security.api_keys import KEY_PREFIX
    from infrastructure.cli.client import Client, address_of
    from infrastructure.cli.session_file import StoredLogin, keep, sign_in_and_keep

    url = address_of(api_url)
    if key:
        given = _asked("API key")
        if not given.startswith(KEY_PREFIX):
            raise Complaint(f"this is no API key: one begins with `{KEY_PREFIX}`")
        me = Client(url, given).call("GET", "/api/auth/me")
        keep(url, StoredLogin(key=given))
    else:
        address = email or _asked("e-mail address", hidden=False)
        me = Client(url, sign_in_and_keep(url, address, _asked("password"))).call("GET", "/api/auth/me")
    console.print(f"signed in to {url} as {me['email'] or me['full_name']}", markup=False)


def logout(api_url: ApiUrl = None) -> None:
    """End the session that `login` began, and forget it."""
    from infrastructure.cli.api_answers import ApiError
    from infrastructure.cli.client import Client, address_of
    from infrastructure.cli.session_file import access_token, forget, kept

    url = address_of(api_url)
    stored = kept(url)
    if stored is None:
        raise Complaint(f"you are not signed in to {url}")
    if stored.key is None:
        try:
            Client(url, access_token(url)).call("POST", "/api/auth/logout")
        except ApiError as error:
            console.print(f"the session was not ended there: {error}", markup=False)
    forget(url)
    console.print("signed out")


def password(data: Data, api_url: ApiUrl = None, token: Token = None) -> None:
    """Change your password, which ends your other sessions. Both passwords are asked for."""
    client = client_for(data, api_url, token, start=False)
    old, new = _asked("present password"), _asked("new password")
    client.call("POST", "/api/auth/password", json={"old_password": old, "new_password": new})
    console.print("changed; your other sessions have ended")


def _asked(what: str, *, hidden: bool = True) -> str:
    """What somebody types, or a line of standard input where nobody does.

    Raises:
        Complaint: there is none.
    """
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=hidden, err=True))
    line = sys.stdin.readline().rstrip("\n")
    if not line:
        raise Complaint(f"standard input has no line with the {what}")
    return line
