"""The local stack, deployed once for all e2e tests, with IAM on; and callers of it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from engine.clock import parse_time
from engine.execution.node_states import NodeState
from engine.history.model import Execution, Status
from engine.nodes.registry import NodeExecutorFactory
from engine.workflow.compiled import CompiledBlock, prepare
from engine.workflow.definition import WorkflowDefinition
from infrastructure.cli.client import FINAL, sign_in
from infrastructure.local.stack import LocalStack
from tests.conftest import group_of
from tests.history import check_history
from tests.servers import free_port

PASSWORD = "correct horse battery staple"
ACCOUNT, REGION = "000000000000", "us-east-1"
EXTENSION = Path(__file__).parent.parent.parent / "events" / "extensions" / "mainspring-payments"


def arn_of(service: str, resource: str) -> str:
    """The ARN of something in the emulator."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


CHOICES = {
    "resources": [
        arn_of("sqs", "reach"),
        arn_of("sns", "reach"),
        arn_of("events", "event-bus/reach"),
        arn_of("lambda", "function:reach"),
        arn_of("states", "stateMachine:reach"),
        arn_of("dynamodb", "table/reach"),
        arn_of("ses", "identity/reports@shop.example"),
        f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-lite-v1:0",
        f"arn:aws:iam::{ACCOUNT}:role/customer",
    ],
    "extensions": [str(EXTENSION)],
}
"""What the tests' stack is deployed with."""


@dataclass(frozen=True)
class Caller:
    """Somebody who is signed in."""

    http: httpx2.Client
    email: str
    regions: dict[str, CompiledBlock] = field(default_factory=dict)

    @property
    def authorization(self) -> str:
        """The header that the calls carry."""
        auth = self.http.auth
        assert isinstance(auth, SignedIn)
        return auth.header

    def request(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """Any call."""
        return self.http.request(method, path, **arguments)

    def ok(self, method: str, path: str, **arguments: Any) -> Any:
        """A call that must succeed; its JSON."""
        response = self.http.request(method, path, **arguments)
        assert response.is_success, (method, path, response.status_code, response.text)
        return response.json() if response.content else None

    def workflow(self, definition: dict[str, Any], name: str = "test") -> dict[str, Any]:
        """A new workflow."""
        return self.ok("POST", "/api/workflows", json={"name": name, "definition": definition})

    def start(self, workflow_id: str, value: Any = None, key: str | None = None) -> dict[str, Any]:
        """A new execution."""
        headers = {"idempotency-key": key} if key else {}
        return self.ok("POST", "/api/executions", json={"workflow_id": workflow_id, "input": value}, headers=headers)

    def wait(self, execution_id: str, until: frozenset[str] = FINAL) -> dict[str, Any]:
        """The execution once its status is one of `until`; never asks for ever."""
        for asked in range(320):
            execution: dict[str, Any] = self.ok("GET", f"/api/executions/{execution_id}")
            if execution["status"] in until:
                if execution["status"] in FINAL:
                    self._check(execution)
                return execution
            time.sleep(min(0.05 + asked / 100, 0.25))  # each answer takes processor time from what is waited for
        raise AssertionError(f"still {execution['status']}: {execution}")

    def _check(self, execution: dict[str, Any]) -> None:
        """The laws of history hold for what the API tells of a finished execution."""
        address = f"/api/workflows/{execution['workflow_id']}/versions/{execution['workflow_version']}"
        if address not in self.regions:
            found = self.http.get(address)
            if found.status_code == 404:  # the workflow was deleted meanwhile
                return
            definition = WorkflowDefinition.model_validate(found.json()["definition"])
            self.regions[address] = prepare(definition, NodeExecutorFactory())
        states = {node["id"]: _state(node) for node in execution["nodes"]}
        created, started, completed = (
            _moment(execution[name]) for name in ("created_at", "started_at", "completed_at")
        )
        assert created is not None
        record = Execution(
            execution["id"], "", execution["workflow_id"], execution["workflow_version"], execution["trigger_type"],
            None, {}, created, Status(execution["status"]), started, completed, error=execution["error"],
        )  # fmt: skip
        check_history(self.regions[address], record, states, recomputed=True)

    def run(self, definition: dict[str, Any], value: Any = None) -> dict[str, Any]:
        """Create, start, wait."""
        return self.wait(self.start(self.workflow(definition)["id"], value)["id"])


def _state(node: dict[str, Any]) -> NodeState:
    times = _moment(node["started_at"]), _moment(node["completed_at"])
    return NodeState(
        node["id"], node["type"], node["status"], node["attempts"], *times, node["output"], node["error"],
        port=node["port"],
    )  # fmt: skip


def _moment(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


@contextmanager
def locked(path: Path, *, alone: bool) -> Iterator[None]:
    """Hold a lock that other test processes may share, unless one of them holds it alone."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run's test processes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def stack(shared: Path) -> Iterator[LocalStack]:
    """Deployed by the first process that needs it, stopped by the last."""
    local, users = LocalStack(shared / "stack"), shared / "users"

    def count(change: int) -> int:
        number = (int(users.read_text()) if users.exists() else 0) + change
        users.write_text(str(number))
        return number

    with locked(shared / "lock", alone=True):
        if count(1) == 1:
            local.up(free_port(), CHOICES)
    yield local
    with locked(shared / "lock", alone=True):
        if count(-1) == 0:
            local.down()


class _Alone:
    """Holds the stack for the tests that need it alone, from the first to the last of them."""

    def __init__(self) -> None:
        self._lock: Any = None

    @property
    def is_held(self) -> bool:
        return self._lock is not None

    def take(self, path: Path) -> None:
        if self._lock is None:
            self._lock = locked(path, alone=True)
            self._lock.__enter__()

    def close(self) -> None:
        if self._lock is not None:
            self._lock.__exit__(None, None, None)
            self._lock = None


_alone = _Alone()


@pytest.fixture(scope="module", autouse=True)
def turn(request: pytest.FixtureRequest, shared: Path) -> Iterator[None]:
    """Tests that stop the stack, or take grants away, have it alone; those of other processes wait meanwhile."""
    if group_of(request.node.nodeid) != "alone":
        with locked(shared / "turn", alone=False):
            yield
        return
    _alone.take(shared / "turn")
    yield


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Behind the last of them the others may go on."""
    if group_of(item.nodeid) == "alone" and (nextitem is None or group_of(nextitem.nodeid) != "alone"):
        _alone.close()


@contextmanager
def unless_alone(shared: Path) -> Iterator[None]:
    """Wait while another process has the stack alone; what lasts for a session is made before a module's turn."""
    if _alone.is_held:
        yield
    else:
        with locked(shared / "turn", alone=False):
            yield


@pytest.fixture(scope="session")
def api_url(stack: LocalStack) -> str:
    running = stack.running()
    assert running is not None
    return running.api_url


@pytest.fixture(scope="session")
def anonymous(api_url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=api_url, timeout=60) as client:
        yield client


class SignedIn(httpx2.Auth):
    """Signs in again where an access token has expired, or the session is gone.

    The tests may take longer than the 15 minutes of a token; and a test that kills the emulator may take with it a
    session that began in the seconds before.
    """

    requires_response_body = True

    def __init__(self, api_url: str, email: str, password: str) -> None:
        self._sign_in = lambda: f"Bearer {sign_in(api_url, email, password)}"
        self.header = self._sign_in()

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["authorization"] = self.header
        response = yield request
        if response.status_code == 401 and response.json()["error"]["code"] in ("token_expired", "session_ended"):
            self.header = request.headers["authorization"] = self._sign_in()
            yield request


def caller(api_url: str, email: str, password: str) -> Caller:
    return Caller(httpx2.Client(base_url=api_url, auth=SignedIn(api_url, email, password), timeout=60), email)


@pytest.fixture(scope="session")
def admin(stack: LocalStack, api_url: str, shared: Path) -> Caller:
    with unless_alone(shared):  # a test of another process may have taken a grant away just now
        return caller(api_url, *stack.credentials())


@pytest.fixture(scope="session")
def other(admin: Caller, api_url: str, shared: Path) -> Caller:
    """A second user, with a workspace of their own."""
    with unless_alone(shared):
        made = admin.request("POST", "/api/users", json={"email": "other@example.com", "password": PASSWORD})
        assert made.status_code in (201, 409)  # another test process may have been quicker
        return caller(api_url, "other@example.com", PASSWORD)


@pytest.fixture(scope="session")
def ticking(admin: Caller) -> str:
    """A workflow that comes each minute; who has to wait for it asks for it early."""
    echo = {"id": "echo", "type": "transform", "config": {"value": "{{ trigger }}"}}
    trigger = {"id": "tick", "type": "schedule", "config": {"cron": "* * * * *", "input": {"n": 1}}}
    workflow_id: str = admin.workflow({"nodes": [echo], "triggers": [trigger]})["id"]
    admin.ok("POST", f"/api/workflows/{workflow_id}/activate")
    return workflow_id
