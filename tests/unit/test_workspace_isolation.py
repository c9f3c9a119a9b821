"""Nothing of a workspace is seen or changed from another one: each route, with another workspace's ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from engine.history.events import PendingSignal, WaitKind
from engine.history.execution_ref import ExecutionRef
from engine.ids import new_id
from engine.security.permissions import GRANTS, Access, Permission
from engine.storage.approvals import Asker, approval_id, asked
from engine.storage.files import WorkspaceFiles
from engine.storage.payloads import file_key
from engine.storage.subscriptions import OutgoingDelivery, SubscriptionRepository
from engine.storage.users import User
from engine.storage.workspaces import Member, joining
from functions.openapi import document_of
from tests.unit.conftest import NOW, Aws
from tests.unit.invoked import AT, EXECUTION, HASH, SESSION, USER, WORKFLOW, WORKSPACE, called
from tests.unit.test_route_permissions import OPERATIONS

MARK = "only-of-ada"
"""Is in everything of Ada's that could be read, and in nothing else."""
EVE, BEN, ELSEWHERE = new_id(), new_id(), new_id()
SHA = "a" * 64
WAIT = PendingSignal("ask", 1, WaitKind.APPROVAL, NOW, NOW, {"message": MARK, "approvers": []})
REF = ExecutionRef(EXECUTION)
BODIES: dict[str, Any] = {
    "POST /api/auth/workspace": {"workspace_id": WORKSPACE},
    "POST /api/workspaces/{workspace_id}/invitations": {"email": "eve@example.com", "role": "owner"},
    "PATCH /api/workspaces/{workspace_id}": {"name": "Eve's now"},
    "PUT /api/workspaces/{workspace_id}/members/{user_id}": {"role": "viewer"},
    "PUT /api/workspaces/{workspace_id}/roles/{name}": {"permissions": ["read"]},
    "PUT /api/workflows/{workflow_id}/draft": {"definition": {"nodes": []}},
    "PUT /api/workflows/{workflow_id}": {"definition": {"nodes": []}},
    "PATCH /api/workflows/{workflow_id}": {"name": "Eve's now"},
    "POST /api/workflows/{workflow_id}/backfill": {"from": "2026-04-28T00:00:00Z", "to": "2026-05-01T00:00:00Z"},
    "PUT /api/workflows/{workflow_id}/triggers/{trigger_id}/secret": {"secret": "s" * 32},
    "POST /api/executions": {"workflow_id": WORKFLOW},
    "POST /api/executions/{execution_id}/signals/{node}": {"decision": "approved"},
    "POST /api/expressions": {"text": "{{ trigger.body.name }}", "execution_id": EXECUTION},
    "PATCH /api/subscriptions/{subscription_id}": {"events": ["execution.failed"]},
    "PATCH /api/integrations/{integration_id}": {"name": "Eve's now"},
    "POST /api/integrations": {"name": "mine", "type": "http_bearer", "config": {"hosts": ["a.example"], "token": "t"}},
    "POST /api/subscriptions": {"url": "https://hooks.example/", "events": ["execution.failed"]},
    "POST /api/workflows": {"name": "mine", "definition": {"nodes": []}, "publish": False},
    "POST /api/workflows/validate": {"definition": {"nodes": []}},
    "POST /api/events": {"source": "shop", "type": "order"},
    "PUT /api/data-tables/{table}/rows": {"value": {"a": 1}},
    "POST /api/data-tables/{table}/csv": {"csv": "key,a\nk,1\n"},
    "POST /api/keys": {"name": "mine", "permissions": ["read"]},
    "POST /api/keys/{key_id}/rotate": {},
    "POST /api/service-accounts": {"name": "mine", "role": "viewer"},
    "PUT /api/service-accounts/{account_id}": {"name": "Eve's now", "role": "owner"},
    "POST /api/files/upload": {"name": "report.txt", "bytes": 3},
    "POST /api/files/download": {"name": "report.txt"},
}
"""What routes are called with whose bodies are required; a new one has to be here."""
QUERIES = {"PUT /api/data-tables/{table}/rows": {"key": "k"}, "DELETE /api/data-tables/{table}/rows": {"key": "k"},
           "DELETE /api/files": {"name": "report.txt"}}  # fmt: skip
NOBODYS = {"PATCH /api/auth/me", "POST /api/auth/password", "POST /api/workspaces", "POST /api/schedules/preview"}
"""These are about the callers themselves."""
BELOW = {"version", "other", "node", "trigger_id", "name"}
"""Parameters that name something below another id: alone they are nobody's."""
OWN = {"invitation_id", "user_id", "delivery_id", "sha256"}
"""Ids below another one that are unique all the same: they are tried below one of the caller's own, too."""
CALLERS = {
    **{str(role): {"role": str(role), "is_admin": "false"} for role in GRANTS},
    "administrator": {"role": "owner", "is_admin": "true"},
    "key": {"role": "owner", "is_admin": "false", "grants": " ".join(Permission), "key_id": new_id()},
}
ROUTES = [one for one in OPERATIONS if one[0] != "platform" and one[3] not in (Access.PUBLIC, Access.ADMIN)]
"""All that are about a workspace: what the platform tells of itself is the same for everybody."""
Who = Mapping[str, str]


def who(user_id: str, workspace_id: str, **more: str) -> dict[str, str]:
    known = {"user_id": user_id, "session_id": SESSION, "workspace_id": workspace_id, "email": "eve@example.com"}
    return {**known, "role": "owner", "is_admin": "false", "name": "", **more}


def parameters(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def is_by_id(method: str, path: str) -> bool:
    """Whether a route is about ids, in its path or its body, rather than about what has a name in each workspace."""
    body = str(BODIES.get(f"{method} {path}"))
    return any(one in body for one in (WORKSPACE, WORKFLOW, EXECUTION)) or bool({*parameters(path)} - BELOW - {"table"})


def call(function: str, method: str, path: str, ids: Mapping[str, str], caller: Who) -> tuple[int, Any]:
    key = f"{method} {path}"
    filled = re.sub(r"{(\w+)}", lambda found: ids[found[1]], path)
    return called(function, method, filled, caller, BODIES.get(key), QUERIES.get(key), {"if-match": "*"})


def created(function: str, method: str, path: str, body: Any, caller: Who, query: Any = None) -> str:
    """The id of what a call makes."""
    status, answer = called(function, method, path, caller, body, query)
    assert status in (200, 201, 202), answer
    return str(answer.get("id", ""))


def furnished(aws: Aws, workspace: str, caller: Who, mark: str) -> dict[str, str]:
    """One thing of each kind in a workspace; their ids by the names that the document has for them."""
    at = f"/api/workspaces/{workspace}"
    shop = {"name": mark, "type": "http_bearer", "config": {"hosts": [f"{mark}.example"], "token": mark}}
    hook = {"url": f"https://{mark}.example/", "events": ["execution.failed"], "description": mark}
    subscription = created("events", "POST", "/api/subscriptions", hook, caller)
    delivery = OutgoingDelivery(subscription, new_id(), "execution.failed", f'{{"m": "{mark}"}}', AT)
    SubscriptionRepository(aws.automation).queue(delivery, NOW)
    created("data", "PUT", "/api/data-tables/customers/rows", {"value": {"m": mark}}, caller, {"key": "k"})
    created("workspaces", "PUT", f"{at}/roles/own", {"permissions": ["read"]}, caller)
    WorkspaceFiles(lambda: aws.s3, "payloads", workspace).write("report.txt", mark.encode())
    guest = {"email": f"{mark}@example.com", "role": "owner"}
    return {
        "workspace_id": workspace,
        "integration_id": created("integrations", "POST", "/api/integrations", shop, caller),
        "invitation_id": created("workspaces", "POST", f"{at}/invitations", guest, caller),
        "account_id": created(
            "workspaces", "POST", "/api/service-accounts", {"name": mark, "role": "viewer"}, caller
        ),
        "key_id": created("workspaces", "POST", "/api/keys", {"name": mark, "permissions": ["read"]}, caller),
        "session_id": SESSION,
        "subscription_id": subscription,
        "delivery_id": delivery.id,
        "table": "customers", "name": "own", "version": "1", "other": "1", "node": "a", "trigger_id": "daily",
        "token": "unknown",
    }  # fmt: skip


@pytest.fixture
def adas(seeded: Aws) -> dict[str, str]:
    """What Ada has; Ben is in her workspace."""
    ada = who(USER, WORKSPACE)
    seeded.users.create(User(BEN, "ben@example.com", MARK, HASH, False, True, new_id(), AT), first=False)
    seeded.identity.transact(joining(Member(WORKSPACE, BEN, "editor", USER, AT)))
    seeded.automation.transact([asked(Asker(EXECUTION, WORKSPACE, WORKFLOW, MARK, is_test=False), REF, WAIT)])
    seeded.s3.put_object(Bucket="payloads", Key=file_key(EXECUTION, SHA), Body=MARK.encode())
    workflow = f"/api/workflows/{WORKFLOW}"
    draft = {"definition": {"nodes": [{"id": MARK}]}}
    created("workflows", "PUT", f"{workflow}/draft", draft, ada)
    created("workflows", "PATCH", workflow, {"name": MARK}, ada)
    ids = {"workflow_id": WORKFLOW, "execution_id": EXECUTION, "user_id": BEN, "sha256": SHA}
    return {**furnished(seeded, WORKSPACE, ada, MARK), **ids, "approval_id": approval_id(REF, WAIT)}


@pytest.fixture
def eves(seeded: Aws, adas: dict[str, str]) -> dict[str, str]:
    """What Eve has, who is in no workspace of Ada's."""
    eve = who(EVE, ELSEWHERE)
    seeded.users.create(User(EVE, "eve@example.com", "Eve", HASH, False, True, ELSEWHERE, AT), first=False)
    body = {"name": "mine", "definition": {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]}}
    workflow = created("workflows", "POST", "/api/workflows", body, eve)
    run = created("executions", "POST", "/api/executions", {"workflow_id": workflow}, eve)
    return {**furnished(seeded, ELSEWHERE, eve, "eves"), "workflow_id": workflow, "execution_id": run}


def stored(aws: Aws, ids: Mapping[str, str]) -> dict[str, str]:
    """All that is stored of Ada's, as text by its key."""
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][aws.dynamodb.meta.region_name]
    items = [str({name: value.to_json() for name, value in item.attrs.items()}) for name in ("Identity", "Automation")
             for item in backend.tables[name].all_items()]  # fmt: skip
    objects = [f"{one['Key']} {one['ETag']}" for one in aws.s3.list_objects_v2(Bucket="payloads").get("Contents", ())]
    hers = {MARK, WORKSPACE, *(value for value in ids.values() if len(value) > len(EVE) - 1)}
    return {text: text for text in (*items, *objects) if any(one in text for one in hers)}


def test_what_needs_a_body_is_called_with_a_good_one():
    needing = {
        f"{method} {path}"
        for function, method, path, _ in ROUTES
        if document_of(function)["paths"][path][method.lower()].get("requestBody", {}).get("required")
    }

    assert needing - BODIES.keys() == NOBODYS
    assert BODIES.keys() <= {f"{method} {path}" for _, method, path, _ in ROUTES}


def test_other_workspaces_ids_are_not_found_and_nothing_changes(
    seeded: Aws, adas: dict[str, str], eves: dict[str, str]
):
    before, wrong = stored(seeded, adas), []
    unknown = {**adas, **{name: new_id() for name in adas if len(adas[name]) == len(EVE)}, "sha256": "b" * 64}
    for function, method, path, needed in ROUTES:
        if not is_by_id(method, path):
            continue
        mixed = {**adas, **{name: eves[name] for name in parameters(path) if name in eves and name not in OWN}}
        tried = [adas, mixed] if OWN & {*parameters(path)} else [adas]
        for name, role in CALLERS.items():
            is_granted = needed == Access.SIGNED_IN or (
                name != "key" if needed == Access.SESSION else Permission(str(needed)) in GRANTS[role["role"]]
            )
            eve = who(EVE, ELSEWHERE, **role)
            for ids in tried:
                status, answer = call(function, method, path, ids, eve)
                if status != (404 if is_granted else 403) or MARK in str(answer):
                    wrong.append((name, method, path, status, answer))
            if parameters(path) and call(function, method, path, adas, eve) != call(
                function, method, path, unknown, eve
            ):
                wrong.append((name, method, path, "tells what there is"))

    assert not wrong, "\n".join(map(str, wrong))
    assert stored(seeded, adas) == before


def test_what_has_a_name_in_each_workspace_is_the_callers_own(seeded: Aws, adas: dict[str, str], eves: dict[str, str]):
    before, seen = stored(seeded, adas), []
    for function, method, path, _ in ROUTES:
        if is_by_id(method, path):
            continue
        status, answer = call(function, method, path, eves, who(EVE, ELSEWHERE))
        assert status < 500, (method, path, answer)
        if MARK in str(answer) or any(adas[one] in str(answer) for one in ("integration_id", "workflow_id")):
            seen.append((method, path, answer))

    assert seen == []
    assert stored(seeded, adas) == before
