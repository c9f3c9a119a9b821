"""A world in which each grant of the functions is needed for something; `test_grants.py` takes them away in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import uuid4

import httpx2

from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of, driver_arn, run_recovery
from tests.e2e.conftest import PASSWORD, Caller
from tests.e2e.scenes import Scenes

QUICK = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "{{ trigger.body }}"}}]}
LONG = {"nodes": [{"id": "a", "type": "delay", "config": {"seconds": 3600}}]}
CALLS = {"nodes": [{"id": "a", "type": "http", "config": {"url": "{{ execution.api_url }}/api/health"}}]}
LARGE = Random(7).randbytes(20_000).hex()  # noise, which does not compress to fit into an item
LIMITED = {**QUICK, "concurrency": {"limit": 1}}
BODY = {"nodes": [{"id": "x", "type": "transform", "config": {"value": "{{ item }}"}}]}
MANY = {"nodes": [{"id": "each", "type": "for_each", "config": {"items": "{{ [1..300] }}"}, "body": BODY}]}

LAST = {
    "nodes": [
        {"id": "last", "type": "conditional", "config": {"expression": "{{ item = 201 }}"}},
        {"id": "ask", "type": "approval", "config": {"message": "?"}},
    ],
    "edges": [{"from": "last", "port": "true", "to": "ask"}],
}
ASKS = {"nodes": [{"id": "each", "type": "for_each", "config": {"items": "{{ [1..201] }}"}, "body": LAST}]}


class World:
    """What the probes work with. Each probe says whether what a grant is for works."""

    def __init__(self, stack: LocalStack, admin: Caller, anonymous: httpx2.Client) -> None:
        self.stack, self.admin, self.anonymous = stack, admin, anonymous
        definitions = (QUICK, LONG, CALLS, LIMITED, MANY)
        self.quick, self.long, self.calls, self.limited, self.many = (admin.workflow(one)["id"] for one in definitions)
        node = {
            "id": "sub",
            "type": "sub_workflow",
            "config": {"workflow": self.quick, "input": "{{ trigger.body }}"},
        }
        self.sub = admin.workflow({"nodes": [node]})["id"]
        endless = {"id": "sub", "type": "sub_workflow", "config": {"workflow": self.long}}
        soon = {"id": "soon", "type": "delay", "config": {"seconds": 3}}
        bad = {"id": "bad", "type": "fail", "config": {"message": "x"}}
        definition = {"nodes": [endless, soon, bad], "edges": [{"from": "soon", "to": "bad"}]}
        self.failing = admin.workflow(definition)["id"]
        self.asks = admin.workflow(ASKS)["id"]
        ask = {"nodes": [{"id": "ask", "type": "wait_for_callback"}]}
        self.waits = admin.workflow(ask)["id"]
        self.done = admin.wait(admin.start(self.quick, LARGE)["id"])["id"]
        self.scenes = Scenes(stack, admin)
        self.writes_a_file()
        self.user = admin.ok("POST", "/api/users", json={"email": "grants@example.com", "password": PASSWORD})["id"]

    patience = 5.0
    """Seconds in which what should happen does; with something taken away a shorter time is as good."""

    def works(self, method: str, path: str, **arguments: Any) -> bool:
        return self.admin.request(method, path, **arguments).is_success

    def sign_in(self) -> httpx2.Response:
        return self.anonymous.post("/api/auth/login", json={"email": "grants@example.com", "password": PASSWORD})

    def signs_in(self) -> bool:
        return self.sign_in().is_success

    def refreshes(self) -> bool:
        signed_in = self.sign_in()  # which writes, too: attempts are counted
        if not signed_in.is_success:
            return False
        body = {"refresh_token": signed_in.json()["refresh_token"]}
        return self.anonymous.post("/api/auth/refresh", json=body).is_success

    def signs_out(self) -> bool:
        headers = {"authorization": f"Bearer {self.sign_in().json()['access_token']}"}
        return self.anonymous.post("/api/auth/logout", headers=headers).is_success

    def _as_user(self, method: str, path: str, header: dict[str, str], body: Any = None) -> httpx2.Response:
        return self.anonymous.request(method, path, json=body, headers=header)

    def works_together(self) -> bool:
        """A workspace from its creation to its deletion, with somebody who is invited, joins and is removed."""
        header = {"authorization": f"Bearer {self.sign_in().json()['access_token']}"}
        made = self._as_user("POST", "/api/workspaces", header, {"name": "Grants"})
        if not made.is_success or not self._as_user("GET", "/api/workspaces", header).is_success:
            return False
        here = f"/api/workspaces/{made.json()['id']}"
        entered = self._as_user("POST", "/api/auth/workspace", header, {"workspace_id": made.json()["id"]})
        header = {"authorization": f"Bearer {entered.json()['access_token']}"}
        offer = self._as_user("POST", f"{here}/invitations", header, {"email": self.admin.email, "role": "viewer"})
        if not offer.is_success or not self.works("POST", f"/api/invitations/{offer.json()['token']}/accept"):
            return False
        member = self.admin.ok("GET", "/api/auth/me")["id"]
        return all(
            self._as_user(method, path, header, body).is_success
            for method, path, body in (
                ("GET", f"{here}/members", None),
                ("PATCH", here, {"name": "Grants again"}),
                ("DELETE", f"{here}/members/{member}", None),
                ("DELETE", here, None),
            )
        )

    def registers_who_is_invited(self) -> bool:
        """Registration is closed; an invitation opens it for one address."""
        here = f"/api/workspaces/{self.admin.ok('GET', '/api/auth/me')['workspace_id']}"
        email = f"{uuid4()}@example.com"
        token = self.admin.ok("POST", f"{here}/invitations", json={"email": email, "role": "viewer"})["token"]
        body = {"email": email, "password": PASSWORD, "invitation": token}
        return self.anonymous.post("/api/auth/register", json=body).is_success

    def notes_the_use_of_a_key(self) -> bool:
        """The day of a key's first use is written while its call goes on."""
        made = self.admin.ok("POST", "/api/keys", json={"name": "grants", "permissions": ["read"]})
        header = {"authorization": f"Bearer {made['key']}"}

        def is_noted() -> bool:
            self.anonymous.get("/api/auth/me", headers=header)
            (key,) = [one for one in self.admin.ok("GET", "/api/keys")["items"] if one["id"] == made["id"]]
            return key["last_used_on"] is not None

        try:
            return self.soon(is_noted)
        finally:
            self.admin.ok("DELETE", f"/api/keys/{made['id']}")

    def looks_keys_up(self) -> bool:
        """A token with an unknown key id makes the authorizer read the keys anew."""
        unknown = "eyJhbGciOiJIUzI1NiIsImtpZCI6Ims5In0.e30.eHg"
        time.sleep(10.1 - time.time() % 10)  # it does so once in each ten seconds
        return self.anonymous.get("/api/auth/me", headers={"authorization": f"Bearer {unknown}"}).status_code == 401

    def adds_a_user(self) -> bool:
        return self.works("POST", "/api/users", json={"email": f"{uuid4()}@example.com", "password": PASSWORD})

    def activates(self) -> bool:
        """Activating and deactivating, so that one of them has something to write."""
        return all(self.works("POST", f"/api/workflows/{self.long}/{verb}") for verb in ("activate", "deactivate"))

    def starts(self, value: Any = None) -> bool:
        body = {"workflow_id": self.quick, "input": value}
        return self.works("POST", "/api/executions", json=body)

    def cancels(self) -> bool:
        return self.works("POST", f"/api/executions/{self.admin.start(self.long)['id']}/cancel")

    def stops_the_driver(self) -> bool:
        execution_id = self.admin.start(self.long)["id"]
        self.admin.wait(execution_id, frozenset({"waiting"}))
        self.works("POST", f"/api/executions/{execution_id}/cancel")
        states = client_of(self.stack, "stepfunctions")
        return states.describe_execution(executionArn=driver_arn(self.stack, execution_id))["status"] == "ABORTED"

    def runs(self, workflow_id: str, value: Any = None) -> bool:
        execution_id = self.admin.start(workflow_id, value)["id"]
        if self.soon(lambda: self.admin.ok("GET", f"/api/executions/{execution_id}")["status"] == "succeeded"):
            return True
        self.works("POST", f"/api/executions/{execution_id}/cancel")
        return False

    def does(self, kind: str, **config: Any) -> bool:
        """A node does what it does; one that fails is not waited for."""
        definition = {"nodes": [{"id": "x", "type": kind, "config": config}]}
        return bool(self.admin.run(definition)["status"] == "succeeded")

    def writes_a_file(self) -> bool:
        return self.does("file", operation="write", file="grants.txt", content={"text": "x"})

    def drives_on(self) -> bool:
        """An execution whose driver is stopped from outside has another soon."""
        execution_id = self.admin.start(self.long)["id"]
        self.admin.wait(execution_id, frozenset({"waiting"}))
        states = client_of(self.stack, "stepfunctions")
        states.stop_execution(executionArn=driver_arn(self.stack, execution_id))
        driven = self.soon(lambda: self._status_of(driver_arn(self.stack, execution_id, 2)) == "RUNNING")
        self.works("POST", f"/api/executions/{execution_id}/cancel")
        return driven

    def _status_of(self, arn: str) -> str | None:
        states = client_of(self.stack, "stepfunctions")
        try:
            return str(states.describe_execution(executionArn=arn)["status"])
        except states.exceptions.ExecutionDoesNotExist:
            return None

    def soon(self, holds: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if holds():
                return True
            time.sleep(0.05)
        return False

    def wakes(self) -> bool:
        """An answer goes on with who is parked, well before the recovery would."""
        execution_id = self.admin.start(self.waits)["id"]
        self.admin.wait(execution_id, frozenset({"waiting"}))
        time.sleep(0.5)  # it is waiting a moment before it is parked; here it is to be parked
        self.works("POST", f"/api/executions/{execution_id}/signals/ask", json={"body": 1})
        woken = self.soon(lambda: self.admin.ok("GET", f"/api/executions/{execution_id}")["status"] == "succeeded")
        self.works("POST", f"/api/executions/{execution_id}/cancel")
        return woken

    def answers_in_a_map(self) -> bool:
        """An approval in an item of a distributed map; its batch is open while the whole execution is."""
        execution_id = self.admin.start(self.asks)["id"]
        address = f"/api/executions/{execution_id}/signals/each[200].ask"
        answered = self.soon(lambda: self.works("POST", address, json={"decision": "approved"}))
        self.works("POST", f"/api/executions/{execution_id}/cancel")
        return answered

    def queue_moves(self) -> bool:
        """What waits for a slot gets it when the one before has ended."""
        first, second = (self.admin.start(self.limited)["id"] for _ in range(2))
        moved = self.soon(lambda: self.admin.ok("GET", f"/api/executions/{second}")["status"] == "succeeded")
        for execution_id in (first, second):
            self.works("POST", f"/api/executions/{execution_id}/cancel")
        return moved

    def cancels_what_is_queued(self) -> bool:
        workflow_id = self.admin.workflow({**LONG, "concurrency": {"limit": 1}})["id"]
        answers = [self.admin.request("POST", "/api/executions", json={"workflow_id": workflow_id}) for _ in range(2)]
        if not all(answer.is_success for answer in answers):
            return False
        return all(self.works("POST", f"/api/executions/{answer.json()['id']}/cancel") for answer in reversed(answers))

    def ends_what_it_started(self) -> bool:
        """When an execution fails, what it waits for is cancelled and not driven any more."""
        execution_id = self.admin.start(self.failing)["id"]
        child = None
        for _ in range(38):
            node = self.admin.ok("GET", f"/api/executions/{execution_id}")["nodes"][0]
            child = node["wait"]["execution_id"] if node["wait"] else child
            time.sleep(0.1)
        arn = driver_arn(self.stack, str(child))
        return self.soon(lambda: self._status_of(arn) == "ABORTED")

    def recovers(self) -> bool:
        execution_id = self.admin.start(self.long)["id"]
        self.admin.wait(execution_id, frozenset({"waiting"}))
        done = run_recovery(self.stack, ahead_seconds=7200)
        self.works("POST", f"/api/executions/{execution_id}/cancel")
        return bool(done.get("driven")) and "failed" not in done
