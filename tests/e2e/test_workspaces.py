"""Several people in one workspace, through the API and the command line."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from infrastructure.local.stack import LocalStack
from tests.e2e.command_line import mainspring
from tests.e2e.conftest import PASSWORD, Caller
from tests.e2e.triggers import eventually
from tests.servers import PASSWORD as MAIL_PASSWORD
from tests.servers import USER, mail_server

NODES = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "{{ trigger.body }}"}}]}


@pytest.fixture(scope="module")
def team(stack: LocalStack) -> str:
    """A workspace of the administrator's; its id."""
    made = mainspring(stack, "workspace", "create", "Accounting")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def console_of(stack: LocalStack) -> str:
    """The console's address."""
    running = stack.running()
    assert running is not None
    return running.console_url


def inside(stack: LocalStack, team: str, *words: str) -> str:
    """What a command prints that works in the workspace."""
    done = mainspring(stack, *words, workspace=team)
    assert done.returncode == 0, done.stderr
    return done.stdout


def entered(anonymous: httpx2.Client, team: str, email: str, password: str = PASSWORD) -> dict[str, str]:
    """The header of somebody who has signed in and gone to the workspace."""
    tokens = anonymous.post("/api/auth/login", json={"email": email, "password": password}).json()
    header = {"authorization": f"Bearer {tokens['access_token']}"}
    gone = anonymous.post("/api/auth/workspace", json={"workspace_id": team}, headers=header)
    assert gone.is_success, gone.text
    return {"authorization": f"Bearer {gone.json()['access_token']}"}


def test_somebody_who_is_invited_registers_works_and_is_removed(stack: LocalStack, team: str, anonymous: httpx2.Client):
    email = f"ben-{uuid4().hex[:8]}@example.com"
    link = inside(stack, team, "member", "invite", email, "--role", "editor").strip()
    assert link.startswith(f"{console_of(stack)}/invitation#")
    assert email in inside(stack, team, "invitations")
    token = link.partition("#")[2]
    offer = anonymous.get(f"/api/invitations/{token}").json()
    assert (offer["workspace_name"], offer["email"], offer["role"]) == ("Accounting", email, "editor")
    new = {"email": email, "password": PASSWORD, "full_name": "Ben", "invitation": token}
    assert anonymous.post("/api/auth/register", json=new).status_code == 201
    header = entered(anonymous, team, email)

    made = anonymous.post("/api/workflows", json={"name": "Shared", "definition": NODES}, headers=header)
    assert made.status_code == 201, made.text
    assert inside(stack, team, "workflows").count("Shared") == 1
    assert "Shared" not in mainspring(stack, "workflows").stdout, "it is not in the administrator's own workspace"
    mine = {"workflow_id": made.json()["id"], "input": 1}
    assert anonymous.post("/api/executions", json=mine, headers=header).status_code == 202
    inside(stack, team, "member", "set", email, "--role", "viewer")
    refused = anonymous.post("/api/executions", json=mine, headers=header)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert "`execute`" in refused.json()["error"]["message"]
    (member,) = [one for one in json.loads(inside(stack, team, "members", "--json")) if one["email"] == email]
    assert (member["full_name"], member["role"]) == ("Ben", "viewer")
    inside(stack, team, "member", "remove", email, "--yes")

    assert anonymous.get("/api/workflows", headers=header).json()["error"]["code"] == "no_member"
    assert email not in inside(stack, team, "members")


def test_an_approval_for_a_role_is_answered_by_a_member_who_has_it(
    stack: LocalStack, team: str, other: Caller, anonymous: httpx2.Client
):
    link = inside(stack, team, "member", "invite", other.email, "--role", "viewer").strip()
    other.ok("POST", f"/api/invitations/{link.partition('#')[2]}/accept")
    viewer, owner = entered(anonymous, team, other.email), entered(anonymous, team, *stack.credentials())
    ask = {"id": "ask", "type": "approval", "config": {"message": "Pay?", "approvers": ["viewer"]}}
    made = anonymous.post("/api/workflows", json={"name": "Ask", "definition": {"nodes": [ask]}}, headers=owner).json()
    run = anonymous.post("/api/executions", json={"workflow_id": made["id"]}, headers=owner).json()
    signal = f"/api/executions/{run['id']}/signals/ask"

    refused = eventually(lambda: _answered(anonymous, signal, owner))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_an_approver")
    assert anonymous.post(signal, json={"decision": "approved"}, headers=viewer).status_code == 200


def test_an_approval_by_mail_is_answered_by_two_people_at_once_and_by_no_scanner(
    stack: LocalStack, team: str, anonymous: httpx2.Client, tmp_path: Path
):
    """Two of three have to approve; whoever they are, they need no account. A scanner follows each link first."""
    owner = entered(anonymous, team, *stack.credentials())
    people = [f"{name}-{uuid4().hex[:6]}@shop.example" for name in ("ann", "bob", "cleo")]
    with mail_server(tmp_path) as server:
        config = {
            "host": "localhost", "port": server.port, "username": USER, "password": MAIL_PASSWORD,
            "ca_certificate": server.ca_pem, "from_address": "Flows <flows@shop.example>",
        }  # fmt: skip
        smtp = {"name": "post", "type": "smtp", "config": config}
        assert anonymous.post("/api/integrations", json=smtp, headers=owner).status_code == 201
        inside(stack, team, "workspace", "mail", "post")
        assert inside(stack, team, "workspace", "mail").strip() == "post"
        account = {"type": "string", "minLength": 3}
        form = {"type": "object", "properties": {"account": account}, "required": ["account"]}
        asks = {"message": "Pay 17 €?", "approvers": people, "needs": 2, "mail": True, "form": form}
        definition = {"nodes": [{"id": "ask", "type": "approval", "config": asks}]}
        made = anonymous.post("/api/workflows", json={"name": "Mail", "definition": definition}, headers=owner).json()
        run = anonymous.post("/api/executions", json={"workflow_id": made["id"]}, headers=owner).json()
        eventually(lambda: len({str(mail["To"]) for mail in server.mails} & set(people)) == 3)
        links = {str(mail["To"]): mail.get_content() for mail in server.mails}
    tokens = [links[one].partition("/console/answer#")[2].split()[0] for one in people]
    paths = [f"/api/approvals/links/{token}" for token in tokens]
    for path in [*paths, *paths]:
        shown = anonymous.get(path)  # the scanner
        assert (shown.status_code, shown.json()["state"], shown.json()["approved"]) == (200, "open", 0)
    yes = {"decision": "approved", "values": {"account": "DE12"}}
    bad = anonymous.post(paths[0], json={"decision": "approved", "values": {"account": "x"}})
    assert (bad.status_code, bad.json()["error"]["details"][0]["path"]) == (422, "values.account")

    with ThreadPoolExecutor(2) as pool:
        given = list(pool.map(lambda path: anonymous.post(path, json=yes), paths[:2]))
    assert [one.status_code for one in given] == [200, 200]
    assert sorted(one.json()["decided"] for one in given) == [False, True]
    late = anonymous.post(paths[2], json={"decision": "rejected"})
    assert late.status_code == 409
    assert anonymous.get(paths[2]).json()["state"] == "decided"

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = anonymous.get(f"/api/executions/{run['id']}", headers=owner).json()
        return found if found["status"] == "succeeded" else None

    told = eventually(ended)["result"]["ask"]
    assert (told["decision"], told["proof"], told["values"]) == ("approved", "link", {"account": "DE12"})
    assert {one["by"] for one in told["answers"]} == set(people[:2])
    assert json.loads(inside(stack, team, "approvals", "--json")) == []


def test_the_last_owner_stays_and_a_workspace_goes_only_when_empty(stack: LocalStack, team: str):
    def said(*words: str) -> str:
        done = mainspring(stack, *words, workspace=team)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr

    assert "make somebody else one first" in said("workspace", "leave", "--yes")
    inside(stack, team, "workspace", "rename", "Books")
    assert "workflows" in said("workspace", "delete", "--yes")
    assert "you are in no workspace" in mainspring(stack, "members", workspace="Nowhere").stderr
    empty = mainspring(stack, "workspace", "create", "Empty").stdout.strip()
    inside(stack, empty, "workspace", "delete", "--yes")
    names = {one["id"]: one["name"] for one in json.loads(mainspring(stack, "workspaces", "--json").stdout)}
    assert (names[team], empty in names) == ("Books", False)


def _answered(anonymous: httpx2.Client, signal: str, header: dict[str, str]) -> httpx2.Response | None:
    """What an answer gets once the node waits for one."""
    response = anonymous.post(signal, json={"decision": "approved"}, headers=header)
    is_early = response.status_code == 409 and response.json()["error"]["code"] == "not_waiting"
    return None if is_early else response


def test_a_service_account_works_with_a_key_of_the_command_line(stack: LocalStack, team: str, anonymous: httpx2.Client):
    inside(stack, team, "service-account", "create", "Deploy", "--role", "editor")
    asked = ("--permission", "read", "--permission", "execute", "--service-account", "Deploy", "--days", "7")
    key = inside(stack, team, "key", "create", "CI", *asked).strip()
    header = {"authorization": f"Bearer {key}"}

    def code(method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = anonymous.request(method, path, json=body, headers=header)
        return answer.status_code, answer.json().get("error", {}).get("code", "") if answer.content else ""

    assert anonymous.get("/api/auth/me", headers=header).json()["full_name"] == "Deploy"
    assert code("GET", "/api/workflows") == (200, "")
    assert code("POST", "/api/workflows", {"name": "W", "definition": NODES}) == (403, "forbidden")
    assert code("POST", "/api/keys", {"name": "W", "permissions": ["read"]}) == (403, "session_needed")
    with_key = mainspring(stack, "workflows", key=key)
    assert with_key.returncode == 0, with_key.stderr
    again = inside(stack, team, "key", "rotate", "CI").strip()
    assert code("GET", "/api/workflows") == (200, ""), "the secret from before is good for a day more"
    inside(stack, team, "key", "rotate", "CI", "--grace-hours", "0")
    assert code("GET", "/api/workflows") == (401, "invalid_key")
    header = {"authorization": f"Bearer {again}"}
    assert code("GET", "/api/workflows") == (401, "invalid_key")
    key = inside(stack, team, "key", "rotate", "CI").strip()
    header = {"authorization": f"Bearer {key}"}
    inside(stack, team, "service-account", "set", "Deploy", "--role", "viewer")
    assert code("POST", "/api/executions", {"workflow_id": team}) == (403, "forbidden")
    used = eventually(lambda: _used(stack, team))
    assert (used["name"], used["owner_name"], used["state"]) == ("CI", "Deploy", "active")
    inside(stack, team, "key", "revoke", "CI", "--yes")
    assert code("GET", "/api/workflows") == (401, "invalid_key")
    inside(stack, team, "service-account", "remove", "Deploy", "--yes")
    assert json.loads(inside(stack, team, "service-accounts", "--json")) == []


def _used(stack: LocalStack, team: str) -> dict[str, Any] | None:
    """The key, once the day of its use is written: nobody waits for that."""
    (key,) = json.loads(inside(stack, team, "keys", "--json"))
    return dict(key) if key["last_used_on"] else None
