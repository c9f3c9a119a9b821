"""The Lambda handlers with the sample events, on AWS in memory."""

from __future__ import annotations

import base64
import json
import unicodedata
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import jsonschema_rs
import pytest

from engine import limits
from engine.history.model import Execution, Status
from engine.ids import new_id
from engine.security.tokens import AccessClaims, sign_access_token
from engine.storage.users import Session, User
from tests.sandboxes import runner
from tests.stored import publish_version, set_active, stored_workflow
from tests.unit.conftest import NOW, Aws

EVENTS = Path(__file__).parent.parent.parent / "events"
USER, SESSION, WORKSPACE, WORKFLOW, EXECUTION = (f"01920000-0000-7000-8000-00000000000{n}" for n in range(1, 6))
AT = "2026-05-01T09:00:00.000Z"
TRIGGERS = [
    {"id": "daily", "type": "schedule", "config": {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}},
    {"id": "hook", "type": "webhook", "config": {"auth": {"type": "github"}}},
    {"id": "shop", "type": "event", "config": {"pattern": {"source": ["shop"]}}},
    {"id": "uploads", "type": "event", "config": {"bus": "account", "pattern": {"source": ["aws.s3"]}}},
]
API = {
    "auth_register": ("auth", 403),  # Ada is here already
    "auth_login": ("auth", 401),  # with another password
    "users_list": ("users", 200),
    "workflows_create": ("workflows", 201),
    "workflows_list": ("workflows", 200),
    "workflows_validate": ("workflows", 200),
    "executions_start": ("executions", 202),
    "executions_get": ("executions", 200),
    "executions_list": ("executions", 200),
    "executions_retry": ("executions", 409),  # it has not ended
    "executions_signal": ("executions", 404),  # it has no such node
    "callbacks_call": ("executions", 404),  # no URL of ours
    "triggers_list": ("triggers", 200),
    "triggers_get": ("triggers", 200),
    "triggers_schedule": ("triggers", 200),
    "triggers_backfill": ("triggers", 202),
    "triggers_sample": ("triggers", 200),
    "triggers_test": ("triggers", 202),
    "triggers_rotate": ("triggers", 200),
    "triggers_secret": ("triggers", 204),
    "events_send": ("events", 202),
    "subscriptions_create": ("events", 201),
    "subscriptions_list": ("events", 200),
    "integrations_create": ("integrations", 201),
    "integrations_list": ("integrations", 200),
    "integrations_types": ("integrations", 200),
    "webhooks_deliver": ("webhooks", 404),  # no address of ours
    "answers_get": ("webhooks", 404),
    "platform_health": ("platform", 200),
    "platform_node_types": ("platform", 200),
}


CATALOGUES = ("integrations_types", "platform_node_types")


def event(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def invoke(function: str, payload: dict[str, Any]) -> Any:
    handler = import_module(f"functions.{function}.handler").handler
    context = SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: 300_000)
    return handler(payload, context)


@pytest.fixture
def seeded(aws: Aws) -> Aws:
    """Ada, her session, a workflow of hers, and an execution that has not begun."""
    role = boto3.client("iam").create_role(RoleName="states", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    kms, events = boto3.client("kms"), boto3.client("events")
    kms.create_alias(AliasName="alias/platform", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    events.create_event_bus(Name="events")
    boto3.client("scheduler").create_schedule_group(Name="schedules")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    boto3.client("stepfunctions").create_state_machine(name="execution", definition=definition, roleArn=role)
    aws.users.create(User(USER, "ada@example.com", None, HASH, True, True, WORKSPACE, AT), first=True)
    aws.users.add_session(Session(SESSION, USER, WORKSPACE, "hash", "family", 4_000_000_000))
    nodes = [{"id": "a", "type": "transform", "config": {"value": "Hello {{ trigger.body.name }}"}}]
    version = {"nodes": nodes, "triggers": TRIGGERS}
    stored_workflow(aws.workflows, version, WORKSPACE, WORKFLOW)
    execution = Execution(EXECUTION, WORKSPACE, WORKFLOW, 1, "manual", USER, {"body": {"name": "Ada"}}, NOW)
    aws.executions.create(execution, None, "")
    return aws


HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$0000000000000000000000000000000000000000000"


def test_every_sample_event_is_tried():
    assert {path.stem for path in (EVENTS / "api").glob("*.json")} == {*API, "authorizer"}


@pytest.mark.parametrize("name", API)
def test_api_event(seeded: Aws, name: str):
    function, status = API[name]
    answer = invoke(function, event(f"api/{name}"))

    assert answer["statusCode"] == status, answer["body"]
    assert answer["headers"]["content-type"] == "application/json"
    kept = "private, no-cache" if name in CATALOGUES else "no-store"
    assert answer["headers"]["cache-control"] == kept
    if status != 204:
        json.loads(answer["body"])


PUBLIC = ("auth", "platform", "callbacks", "webhooks", "answers")


@pytest.mark.parametrize("name", [name for name in API if name.split("_")[0] not in PUBLIC])
def test_without_an_identity_every_such_event_is_refused(seeded: Aws, name: str):
    stranger = event(f"api/{name}")
    del stranger["requestContext"]["authorizer"]
    answer = invoke(API[name][0], stranger)

    assert answer["statusCode"] == 401
    assert answer["headers"]["www-authenticate"] == "Bearer"


def test_roles_allow_what_they_say(seeded: Aws):
    statuses = {}
    for role in ("owner", "editor", "operator", "viewer", "nobody"):
        for name in ("workflows_create", "executions_start", "workflows_list"):
            asked = event(f"api/{name}")
            asked["requestContext"]["authorizer"]["lambda"]["role"] = role
            statuses[role, name] = invoke(API[name][0], asked)["statusCode"]

    assert statuses == {
        ("owner", "workflows_create"): 201,
        ("owner", "executions_start"): 202,
        ("owner", "workflows_list"): 200,
        ("editor", "workflows_create"): 201,
        ("editor", "executions_start"): 202,
        ("editor", "workflows_list"): 200,
        ("operator", "workflows_create"): 403,
        ("operator", "executions_start"): 202,
        ("operator", "workflows_list"): 200,
        ("viewer", "workflows_create"): 403,
        ("viewer", "executions_start"): 403,
        ("viewer", "workflows_list"): 200,
        ("nobody", "workflows_create"): 403,
        ("nobody", "executions_start"): 403,
        ("nobody", "workflows_list"): 403,
    }


def test_the_authorizer_finds_the_caller(seeded: Aws):
    now = int(__import__("time").time())
    token = sign_access_token(AccessClaims(USER, SESSION, WORKSPACE), {"current": "k1", "k1": "x" * 64}, now)
    asked = event("api/authorizer")
    asked["headers"]["authorization"] = f"Bearer {token}"

    assert invoke("authorizer", asked) == {
        "isAuthorized": True,
        "context": {
            "user_id": USER,
            "session_id": SESSION,
            "workspace_id": WORKSPACE,
            "role": "owner",
            "is_admin": "true",
            "name": "",
            "email": "ada@example.com",
        },
    }


def test_the_authorizer_vouches_for_nobody_else(seeded: Aws):
    asked = event("api/authorizer")
    for header in ("Bearer …", "", "Bearer", "Basic x", "Bearer a.b.c"):
        asked["headers"]["authorization"] = header
        context = invoke("authorizer", asked)["context"]
        assert set(context) == {"denied", "message"}


def test_the_authorizer_says_unavailable_when_it_cannot_tell(aws: Aws):
    """No secret can be read under this name: neither let in, nor told that the token is bad."""
    from functions import container

    boto3.client("secretsmanager").delete_secret(SecretId="signing", ForceDeleteWithoutRecovery=True)
    container._secrets().store.clear()
    asked = event("api/authorizer")
    context = invoke("authorizer", asked)["context"]
    refused = event("api/workflows_list")
    refused["requestContext"]["authorizer"]["lambda"] = context

    assert context["denied"] == "unavailable"
    assert invoke("workflows", refused)["statusCode"] == 503


def test_advance_runs_to_the_end(seeded: Aws):
    answer = invoke("advance", event("states/advance"))
    done = seeded.executions.get(WORKSPACE, EXECUTION)

    assert answer["next"] == "succeeded"
    assert (done.status, done.result) == (Status.SUCCEEDED, {"a": "Hello Ada"})


def test_a_quick_run_takes_four_writes(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    """The record, the history, the log, the end: what a run of any number of quick nodes costs."""
    from functions import container

    calls: list[str] = []
    hook = lambda model, **_: calls.append(model.name)  # noqa: E731
    container.client("dynamodb").meta.events.register("before-call.dynamodb", hook)
    try:
        invoke("executions", event("api/executions_list"))
        calls.clear()
        invoke("advance", event("states/advance"))
    finally:
        container.client("dynamodb").meta.events.unregister("before-call.dynamodb", hook)

    assert sorted(call for call in calls if call not in ("Query", "GetItem")) == ["PutItem", "PutItem", "UpdateItem"]


def test_an_execution_that_runs_ahead_ends_without_a_state_machine(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    from functions.advance import handler as advance

    told: list[Any] = []
    monkeypatch.setattr(advance, "_tell_supervisor", told.append)
    assert invoke("advance", event("states/ahead")) == {"next": "succeeded"}
    assert told == []
    bill = json.loads(invoke("executions", event("api/executions_get"))["body"])["bill"]
    assert bill["transitions"] == 0
    assert bill["lambda_ms"] >= 0

    nodes = [{"id": "a", "type": "delay", "config": {"seconds": 3600}}]
    publish_version(seeded.workflows, seeded.workflows.get(WORKSPACE, WORKFLOW), {"nodes": nodes})
    waiting = Execution(new_id(), WORKSPACE, WORKFLOW, 2, "webhook", None, {"body": None}, NOW)
    seeded.executions.create(waiting, None, "")
    assert invoke("advance", {**event("states/ahead"), "execution_id": waiting.id}) == {"next": "suspend_until"}
    assert [one["drive"] for one in told] == [waiting.id]
    for _ in range(2):
        invoke("supervisor", told[0])
    assert drivers() == [f"{waiting.id}-1"]


def drivers() -> list[str]:
    states = boto3.client("stepfunctions")
    arn = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    return [one["name"] for one in states.list_executions(stateMachineArn=arn)["executions"]]


def test_what_is_told_to_those_without_an_address(seeded: Aws):
    """Schedules, rules, queues and streams; each twice, since that is how they tell."""
    workflow = seeded.workflows.get(WORKSPACE, WORKFLOW)
    set_active(seeded.workflows, workflow, active=True)
    assert [invoke("dispatch", event("dispatch/schedule"))["done"] for _ in range(2)] == ["started", "known"]
    assert [invoke("dispatch", event("dispatch/event"))["done"] for _ in range(2)] == [{"started": 1}, {"known": 1}]
    assert [invoke("dispatch", event("dispatch/rule"))["done"] for _ in range(2)] == [{"started": 1}, {"known": 1}]
    assert invoke("dispatch", event("dispatch/message")) == {"batchItemFailures": []}
    assert invoke("reconciler", event("reconciler/changed")) == {"batchItemFailures": []}
    assert invoke("reconciler", event("reconciler/unheard")) == {"batchItemFailures": []}
    assert invoke("reconciler", event("reconciler/daily")) == {}


def test_retention_finds_nothing_to_forget(seeded: Aws):
    assert invoke("retention", event("retention/purge")) == {}
    assert invoke("retention", event("retention/orphans")) == {"drafts": 0, "orphans": 0}
    assert invoke("publisher", event("publisher/ended")) == {"batchItemFailures": []}
    assert invoke("publisher", {"tell": [EXECUTION]}) == {"again": []}  # it has not ended, so nothing is told
    assert invoke("deliveries", event("deliveries/deliver")) == {"tried": 1}


def test_a_workflow_that_cannot_be_reconciled_keeps_no_other_waiting(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    from functions.reconciler import handler as reconciler

    done: list[str] = []

    def workflow(workflow_id: str) -> dict[str, int]:
        if workflow_id == WORKFLOW:
            raise RuntimeError("broken")
        done.append(workflow_id)
        return {}

    monkeypatch.setattr(reconciler._reconciler, "workflow", workflow)
    records = event("reconciler/changed")["Records"]
    number = records[0]["dynamodb"]["SequenceNumber"]
    other = json.loads(json.dumps(records).replace(WORKFLOW, "other").replace(number, "999"))
    answer = reconciler.handler({"Records": records + other}, None)
    assert done == ["other"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": number}]}


def test_a_driver_that_gives_up_is_followed_by_one_that_waits_first(seeded: Aws):
    invoke("supervisor", event("supervisor/gave_up"))
    invoke("supervisor", event("supervisor/gave_up"))
    states = boto3.client("stepfunctions")
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    (started,) = states.list_executions(stateMachineArn=machine)["executions"]
    told = json.loads(states.describe_execution(executionArn=started["executionArn"])["input"])
    first = invoke("advance", {**told, "retries": 0})
    driven = seeded.executions.get(WORKSPACE, EXECUTION)

    assert (driven.driver_attempt, driven.status.is_final) == (2, False)
    assert (first["next"], first["until"], first["invocations"]) == ("suspend_until", told["decision"]["not_before"], 0)
    assert invoke("advance", {**told, "retries": 0, "decision": first})["next"] == "succeeded"


@pytest.mark.parametrize(
    "name", ["supervisor/gave_up", "eventbridge/driver_died", "supervisor/notify", "supervisor/continue_as_new"]
)
def test_the_conductor_leaves_a_finished_record_and_nothing_alone(seeded: Aws, name: str):
    seeded.executions.finish(EXECUTION, Status.SUCCEEDED, NOW, started_at=NOW, result=1)
    done = seeded.executions.get(WORKSPACE, EXECUTION)
    invoke("supervisor", event(name))
    invoke("supervisor", json.loads(json.dumps(event(name)).replace(EXECUTION, new_id())))

    assert seeded.executions.get(WORKSPACE, EXECUTION) == done


def test_a_workflow_that_a_model_calls_is_started_once(seeded: Aws):
    asked = event("supervisor/tool")
    asked["tool"]["workflow_id"] = WORKFLOW
    first, again = invoke("supervisor", asked), invoke("supervisor", asked)
    other = invoke("supervisor", {"tool": {**asked["tool"], "key": "another call"}})
    nowhere = invoke("supervisor", {"tool": {**asked["tool"], "workflow_id": new_id()}})

    assert first == again
    assert other["execution_id"] != first["execution_id"]
    started = seeded.executions.find(first["execution_id"], payloads=True)
    assert started is not None
    assert (started.execution.trigger["body"], started.execution.depth) == ({"sku": "A"}, 1)
    assert nowhere["error"]["code"] == "not_found"
    seeded.executions.finish(EXECUTION, Status.CANCELLED, NOW)
    assert invoke("supervisor", {"tool": {**asked["tool"], "key": "late"}})["error"]["code"] == "execution_over"


def test_the_sandbox_answers_its_sample(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("functions.sandbox.handler._runner", runner())
    answer = invoke("sandbox", event("sandbox/run"))

    assert (round(answer["result"], 3), answer["lines"]) == (12.566, ["radius 2"])


def test_a_driver_that_died_is_followed_by_another(seeded: Aws):
    invoke("supervisor", event("eventbridge/driver_died"))
    invoke("supervisor", event("eventbridge/driver_died"))
    states = boto3.client("stepfunctions")
    started = states.list_executions(
        stateMachineArn=states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    )

    assert [one["name"] for one in started["executions"]] == [f"{EXECUTION}-2"]
    assert seeded.executions.get(WORKSPACE, EXECUTION).driver_attempt == 2


def test_the_sweeper_answers_what_it_did(seeded: Aws):
    assert invoke("supervisor", event("supervisor/sweep")) == {"recovered": 1}
    assert invoke("supervisor", event("supervisor/sweep")) == {}


def test_a_driver_rolls_over_before_its_history_is_full(seeded: Aws):
    """In its last invocation it hands on to the next generation, which the old one then makes room for."""
    nodes = [{"id": "a", "type": "delay", "config": {"seconds": 3600}}]
    publish_version(seeded.workflows, seeded.workflows.get(WORKSPACE, WORKFLOW), {"nodes": nodes})
    waiting = Execution(new_id(), WORKSPACE, WORKFLOW, 2, "manual", USER, {"body": None}, NOW)
    seeded.executions.create(waiting, None, "")
    asked = {**event("states/advance"), "execution_id": waiting.id}
    invocations = {
        invocation: invoke("advance", {**asked, "decision": {"invocations": invocation, "bill": {}}})
        for invocation in (0, 248, 249)
    }
    invoke("supervisor", {**event("supervisor/continue_as_new"), "continue_as_new": waiting.id})
    invoke("supervisor", {**event("supervisor/continue_as_new"), "continue_as_new": waiting.id})
    states = boto3.client("stepfunctions")
    started = states.list_executions(
        stateMachineArn=states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    )
    late = invoke("advance", asked)
    following = invoke("advance", {**asked, "driver_attempt": 2})

    assert [invocations[invocation]["next"] for invocation in (0, 248, 249)] == [
        "suspend_until",
        "suspend_until",
        "continue_as_new",
    ]
    assert [one["name"] for one in started["executions"]] == [f"{waiting.id}-2"]
    assert (late["next"], following["next"]) == ("superseded", "suspend_until")
    assert following["until"] == invocations[0]["until"], "the wait goes on from where it began"


def test_what_was_spent_is_on_the_bill(seeded: Aws):
    started = {**event("states/advance"), "retries": 2, "decision": {"invocations": 3, "bill": {"write_units": 5.0}}}
    invoke("advance", started)
    bill = json.loads(invoke("executions", event("api/executions_get"))["body"])["bill"]

    assert bill["transitions"] == 2 + 2 + 1, "Advance and its two retries, Next?, Succeed"
    assert bill["write_units"] >= 5 + 2
    assert bill["read_units"] > 0
    assert bill["dollars"] > bill["transitions"] * 0.000025
    assert bill["prices_as_of"]


def test_a_start_that_step_functions_refuses_is_said_and_leaves_nothing_pending(seeded: Aws):
    states = boto3.client("stepfunctions")
    states.delete_state_machine(stateMachineArn=states.list_state_machines()["stateMachines"][0]["stateMachineArn"])
    asked = event("api/executions_start")
    with_key = invoke("executions", asked)
    del asked["headers"]["idempotency-key"]
    without_key = invoke("executions", asked)
    listed = json.loads(invoke("executions", event("api/executions_list"))["body"])["items"]

    assert with_key["statusCode"] == without_key["statusCode"] == 503
    assert len(listed) == 1, "the one without a key is failed; the other waits for the same request again"


def test_a_start_that_was_interrupted_is_completed_by_the_same_request(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    from engine.aws.step_functions import StateMachine

    started: list[str] = []

    def start(_self: StateMachine, execution_id: str, _generation: int = 1) -> None:
        """The first time the process dies after the record and before Step Functions."""
        started.append(execution_id)
        if len(started) == 1:
            raise SystemExit

    monkeypatch.setattr(StateMachine, "start", start)
    with pytest.raises(SystemExit):
        invoke("executions", event("api/executions_start"))
    again = invoke("executions", event("api/executions_start"))

    assert json.loads(again["body"])["id"] == started[0] == started[1]


def test_the_openapi_document_is_whole_and_host_free():
    from functions.openapi import API_FUNCTIONS, build, routes_of
    from functions.public_routes import PUBLIC_ROUTES

    document = build()
    routes = [route for name in API_FUNCTIONS for route in routes_of(name)]
    operations = [
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if not path.startswith("/hooks/")
    ]
    greedy = ["ANY /hooks/{token}", "ANY /hooks/{token}/{path+}"]

    assert sorted(routes) == sorted([*set(operations), *greedy])
    assert document["paths"]["/hooks/{token}"].keys() == {"get", "post", "put", "patch", "delete"}
    assert set(routes) > PUBLIC_ROUTES
    assert "servers" not in document
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            public = f"{method.upper()} {path}" in PUBLIC_ROUTES or path == "/hooks/{token}"
            assert (operation.get("security") == []) == public, path
            assert operation["summary"]


def test_the_schema_of_definitions_is_published_and_takes_the_examples():
    path = "/api/workflow-schema"
    asked = {**event("api/platform_node_types"), "routeKey": f"GET {path}", "rawPath": path}
    asked["requestContext"]["http"]["path"] = path
    schema = jsonschema_rs.validator_for(json.loads(invoke("platform", asked)["body"]))

    for example in (EVENTS / "workflows").glob("*.json"):
        assert schema.is_valid(json.loads(example.read_text())["definition"]), example
    assert not schema.is_valid({"nodes": [{"id": "a", "type": "x"}], "colour": 1})
    assert not schema.is_valid({"nodes": []})


@pytest.mark.parametrize(
    ("value", "omitted"),
    [("x" * 3_000_000, []), ("x" * 5_000_000, ["result"]), ("ж" * 700_000, ["result"]), (["a"] * 900_000, ["result"])],
)
def test_an_answer_fits_what_lambda_gives_back(seeded: Aws, value: Any, omitted: list[str]):
    seeded.executions.finish(EXECUTION, Status.SUCCEEDED, NOW, started_at=NOW, result=value)
    answer = invoke("executions", event("api/executions_get"))

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["omitted"] == omitted
    assert len(json.dumps(answer)) < 6 * 1024 * 1024


@pytest.mark.parametrize(
    "email", ["ada@example.com", "ada@corp.local", "ada@team.test", "zoë@exämple.com", "A.B+c@Example.COM"]
)
def test_addresses_of_every_kind_of_network_register_and_sign_in(aws: Aws, email: str):
    register = event("api/auth_register")
    register["body"] = json.dumps({"email": email, "password": "12345678"})
    login = event("api/auth_login")
    login["body"] = json.dumps({"email": unicodedata.normalize("NFD", email).upper(), "password": "12345678"})

    assert invoke("auth", register)["statusCode"] == 201
    assert invoke("auth", login)["statusCode"] == 200


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@exa mple.com", "x" * 300 + "@example.com"]
)
def test_what_is_no_address_is_named(aws: Aws, email: str):
    register = event("api/auth_register")
    register["body"] = json.dumps({"email": email, "password": "12345678"})
    answer = invoke("auth", register)

    assert answer["statusCode"] == 422
    assert [problem["path"] for problem in json.loads(answer["body"])["error"]["details"]] == ["email"]


def delivered(body: str, *, is_base64: bool) -> dict[str, Any]:
    return {**event("api/webhooks_deliver"), "body": body, "isBase64Encoded": is_base64}


def test_a_text_that_lambda_would_not_take_is_refused_in_our_own_shape(seeded: Aws):
    """Locally too, where nothing else refuses it. Line ends are two bytes each in what a function is called with."""
    refused = invoke("webhooks", delivered('{"a": 1}' + "\n" * 3_300_000, is_base64=False))
    taken = invoke("webhooks", delivered('{"a": 1}' + " " * 3_300_000, is_base64=False))

    assert (refused["statusCode"], json.loads(refused["body"])["error"]["code"]) == (413, "too_large")
    assert taken["statusCode"] == 404, "no address of ours"


def test_the_largest_delivery_and_the_largest_answer_fit_into_what_lambda_takes():
    spare = limits.LAMBDA_BYTES - limits.LAMBDA_SPARE_BYTES
    for most in (limits.MAX_HOOK_BYTES + 64 * 1024, limits.MAX_ANSWER_BYTES):  # a delivery that is refused, too
        assert len(base64.b64encode(bytes(most))) <= spare
    assert limits.MAX_HOOK_HEADER_BYTES * 2 < limits.LAMBDA_SPARE_BYTES


@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_is_bounded_in_bytes_not_in_characters(seeded: Aws, is_base64: bool):
    text = json.dumps({"name": "\N{GRINNING FACE}" * (limits.MAX_BODY_BYTES // 4)}, ensure_ascii=False)
    assert len(text) < limits.MAX_BODY_BYTES < len(text.encode())
    body = base64.b64encode(text.encode()).decode() if is_base64 else text
    asked = {**event("api/workflows_create"), "body": body, "isBase64Encoded": is_base64}

    assert invoke("workflows", asked)["statusCode"] == 413
