"""Every grant of every role is needed: with IAM on, taking one away breaks what it is for.

Not tried: X-Ray and log grants, which the emulator does not check, and those of KMS, whose conditions it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from infrastructure.local.stack import LocalStack
from infrastructure.stack.named_resources import ACTIONS
from tests.e2e.aws import client_of
from tests.e2e.conftest import Caller
from tests.e2e.grants_world import CALLS, LARGE, QUICK, World
from tests.e2e.scenes import Scenes


@pytest.fixture(scope="module")
def world(stack: LocalStack, admin: Caller, anonymous: httpx2.Client) -> World:
    return World(stack, admin, anonymous)


@contextmanager
def without(stack: LocalStack, function: str, action: str, resource: str) -> Iterator[None]:
    """The stack with one action of one role on one kind of resource taken away."""
    iam = client_of(stack, "iam")
    role = next(r["RoleName"] for r in iam.list_roles()["Roles"] if f"-{function}Role" in r["RoleName"])
    policy = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    reduced = json.loads(json.dumps(document))
    removed = 0
    for statement in reduced["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        if action in actions:
            kept = [one for one in resources if resource not in one] if resource else []
            if len(kept) == len(resources):
                continue
            removed += 1
            if kept:
                statement["Resource"] = kept
            else:
                statement["Action"] = [one for one in actions if one != action] or ["none:None"]
    assert removed, f"{function} has no grant of {action} on {resource or 'anything'}"
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(reduced))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))


Probe = Callable[[World], bool]
Grant = tuple[str, str, str, Probe]
_VERBS = ("Create", "Get", "Update", "Delete")
_ITEMS = tuple(f"dynamodb:{action}" for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"))


def _scene(scene: Callable[[Scenes], bool]) -> Probe:
    def probe(world: World) -> bool:
        return scene(world.scenes)

    probe.__name__ = scene.__name__
    return probe


def _all_of(function: str, scene: Callable[[Scenes], bool], *actions: str) -> list[Grant]:
    return [(function, action, "", _scene(scene)) for action in actions]


GRANTS: list[tuple[str, str, str, Probe]] = [
    ("Authorizer", "dynamodb:BatchGetItem", "", lambda w: w.works("GET", "/api/auth/me")),
    ("Authorizer", "dynamodb:UpdateItem", "", World.notes_the_use_of_a_key),
    ("Authorizer", "secretsmanager:GetSecretValue", "", World.looks_keys_up),
    ("Auth", "dynamodb:GetItem", "", World.signs_in),
    ("Auth", "dynamodb:PutItem", "", World.signs_in),
    ("Auth", "dynamodb:UpdateItem", "", World.refreshes),
    ("Auth", "dynamodb:DeleteItem", "", World.signs_out),
    ("Auth", "dynamodb:Query", "", lambda w: w.works("GET", "/api/auth/sessions")),
    ("Auth", "dynamodb:ConditionCheckItem", "", World.registers_who_is_invited),
    *(("Workspaces", action, "", World.works_together) for action in (*_ITEMS, "dynamodb:BatchGetItem")),
    ("Workspaces", "dynamodb:ConditionCheckItem", "", World.works_together),
    ("Workspaces", "dynamodb:Query", "index/by-workspace", World.works_together),
    ("Workspaces", "s3:ListBucket", "", World.works_together),
    ("Users", "dynamodb:PutItem", "", World.adds_a_user),
    ("Users", "dynamodb:GetItem", "", lambda w: w.works("POST", f"/api/users/{w.user}/password-link")),
    ("Users", "dynamodb:UpdateItem", "", lambda w: w.works("POST", f"/api/users/{w.user}/activate")),
    ("Users", "dynamodb:BatchGetItem", "", lambda w: w.works("GET", "/api/users")),
    ("Users", "dynamodb:Query", "index/by-list", lambda w: w.works("GET", "/api/users")),
    ("Workflows", "dynamodb:GetItem", "", lambda w: w.works("GET", f"/api/workflows/{w.quick}")),
    (
        "Workflows",
        "dynamodb:PutItem",
        "",
        lambda w: w.works("POST", "/api/workflows", json={"name": "x", "definition": QUICK}),
    ),
    ("Workflows", "dynamodb:UpdateItem", "", World.activates),
    ("Workflows", "dynamodb:DeleteItem", "", _scene(Scenes.stops_listening)),
    ("Workflows", "dynamodb:BatchGetItem", "", lambda w: w.works("GET", "/api/workflows")),
    ("Workflows", "dynamodb:Query", "", lambda w: w.works("GET", f"/api/workflows/{w.quick}/versions")),
    ("Workflows", "dynamodb:Query", "index/by-workspace", lambda w: w.works("GET", "/api/workflows")),
    *_all_of("Workflows", Scenes.drafts_at_length, "s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
    *_all_of("Data", Scenes.keeps_data, *_ITEMS, "dynamodb:BatchGetItem", "s3:ListBucket"),
    *_all_of("Data", Scenes.keeps_data, "s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
    ("Executions", "dynamodb:GetItem", "", World.starts),
    ("Executions", "dynamodb:PutItem", "", World.starts),
    ("Executions", "dynamodb:UpdateItem", "", World.cancels),
    ("Executions", "dynamodb:DeleteItem", "", World.cancels_what_is_queued),
    ("Executions", "dynamodb:BatchGetItem", "", lambda w: w.works("GET", "/api/executions")),
    ("Executions", "dynamodb:Query", "", lambda w: w.works("GET", f"/api/executions/{w.done}/logs")),
    ("Executions", "dynamodb:Query", "index/by-workspace", lambda w: w.works("GET", "/api/executions")),
    (
        "Executions",
        "dynamodb:Query",
        "index/by-workflow",
        lambda w: w.works("GET", f"/api/executions?workflow_id={w.quick}"),
    ),
    ("Executions", "s3:PutObject", "", lambda w: w.starts(LARGE)),
    ("Executions", "s3:GetObject", "", lambda w: w.works("GET", f"/api/executions/{w.done}")),
    ("Executions", "states:StartExecution", "", World.starts),
    ("Executions", "states:StopExecution", "", World.stops_the_driver),
    ("Executions", "states:SendTaskSuccess", "", World.wakes),
    ("Executions", "dynamodb:ConditionCheckItem", "", World.answers_in_a_map),
    ("Advance", "dynamodb:GetItem", "", lambda w: w.runs(w.admin.workflow(CALLS)["id"])),
    ("Advance", "dynamodb:PutItem", "", lambda w: w.runs(w.calls)),
    ("Advance", "dynamodb:UpdateItem", "", lambda w: w.runs(w.quick)),
    ("Advance", "dynamodb:Query", "", lambda w: w.runs(w.quick)),
    ("Advance", "dynamodb:BatchGetItem", "", lambda w: w.runs(w.calls)),
    ("Advance", "s3:GetObject", "", lambda w: w.runs(w.quick, LARGE)),
    ("Advance", "s3:PutObject", "", lambda w: w.runs(w.quick, LARGE)),
    ("Advance", "lambda:InvokeFunction", "", lambda w: w.runs(w.sub)),
    ("Advance", "lambda:InvokeFunction", "Sandbox", lambda w: w.does("python_code", code="def main(i): return 1")),
    ("Advance", "dynamodb:DeleteItem", "", lambda w: w.does("data_table", operation="delete", table="t", key="k")),
    ("Advance", "s3:GetObject", "/files/", lambda w: w.does("file", file="grants.txt")),
    ("Advance", "s3:PutObject", "/files/", World.writes_a_file),
    ("Advance", "s3:DeleteObject", "", lambda w: w.does("file", operation="delete", file="gone.txt")),
    ("Advance", "s3:ListBucket", "", lambda w: w.does("file", operation="list")),
    ("Supervisor", "dynamodb:GetItem", "", lambda w: w.runs(w.sub)),
    ("Supervisor", "dynamodb:BatchGetItem", "", lambda w: w.runs(w.sub)),
    ("Supervisor", "dynamodb:PutItem", "", World.drives_on),
    ("Supervisor", "dynamodb:UpdateItem", "", World.drives_on),
    ("Supervisor", "dynamodb:Query", "", World.queue_moves),
    ("Supervisor", "dynamodb:DeleteItem", "", World.queue_moves),
    ("Supervisor", "dynamodb:Query", "index/by-check", World.recovers),
    ("Supervisor", "s3:GetObject", "", lambda w: w.runs(w.sub, LARGE)),
    ("Supervisor", "s3:PutObject", "", lambda w: w.runs(w.sub, LARGE)),
    ("Supervisor", "states:StartExecution", "Mainspring-execution", World.drives_on),
    ("Supervisor", "states:StartExecution", "Mainspring-map", lambda w: w.runs(w.many)),
    ("Supervisor", "states:SendTaskSuccess", "", lambda w: w.runs(w.sub)),
    ("Supervisor", "states:StopExecution", "", World.ends_what_it_started),
    ("Supervisor", "states:DescribeExecution", "", World.recovers),
    ("Supervisor", "dynamodb:Query", "index/by-workspace", _scene(Scenes.looks_after_triggers)),
    ("Supervisor", "events:PutEvents", "", _scene(Scenes.looks_after_triggers)),
    ("Supervisor", "lambda:InvokeFunction", "", _scene(Scenes.looks_after_triggers)),
    *_all_of("Webhooks", Scenes.takes_deliveries, *_ITEMS, "states:StopExecution", "states:StartExecution"),
    ("Webhooks", "s3:PutObject", "", _scene(Scenes.takes_deliveries)),
    *_all_of("Webhooks", Scenes.answers, "s3:GetObject", "dynamodb:BatchGetItem", "lambda:InvokeFunction"),
    *_all_of("Triggers", Scenes.asks_about_triggers, *_ITEMS, "dynamodb:BatchGetItem", "s3:GetObject", "s3:PutObject"),
    *_all_of("Triggers", Scenes.asks_about_triggers, "states:StartExecution", "states:StopExecution"),
    ("Triggers", "dynamodb:Query", "index/by-workspace", _scene(Scenes.asks_about_triggers)),
    *_all_of("Events", Scenes.tells_and_subscribes, *_ITEMS, "dynamodb:BatchGetItem", "events:PutEvents"),
    ("Events", "lambda:InvokeFunction", "", _scene(Scenes.tells_and_subscribes)),
    ("Events", "dynamodb:Query", "index/by-workspace", _scene(Scenes.tells_and_subscribes)),
    *_all_of("Integrations", Scenes.keeps_integrations, *(one for one in _ITEMS if one != "dynamodb:Query")),
    ("Integrations", "dynamodb:BatchGetItem", "", _scene(Scenes.keeps_integrations)),
    ("Integrations", "dynamodb:Query", "index/by-workspace", _scene(Scenes.keeps_integrations)),
    *_all_of("Dispatch", Scenes.fires, *_ITEMS, "s3:PutObject", "states:StartExecution", "states:StopExecution"),
    ("Dispatch", "events:PutEvents", "", _scene(Scenes.fires)),
    *_all_of("Reconciler", Scenes.reconciles, *(one for one in _ITEMS if one != "dynamodb:PutItem")),
    ("Reconciler", "dynamodb:Query", "index/by-check", _scene(Scenes.reconciles_everything)),
    *_all_of(
        "Reconciler", Scenes.reconciles, *(f"scheduler:{verb}Schedule" for verb in _VERBS), "scheduler:ListSchedules"
    ),
    *_all_of("Reconciler", Scenes.reconciles, *(f"events:{verb}Rule" for verb in ("Put", "Describe", "Delete"))),
    *_all_of("Reconciler", Scenes.reconciles, "events:PutTargets", "events:RemoveTargets"),
    ("Reconciler", "events:ListRules", "", _scene(Scenes.reconciles_everything)),
    ("Reconciler", "events:ListTargetsByRule", "", _scene(Scenes.reconciles)),
    *_all_of("Publisher", Scenes.announces, "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem"),
    *_all_of("Publisher", Scenes.announces, "dynamodb:UpdateItem", "s3:GetObject", "events:PutEvents"),
    ("Publisher", "dynamodb:Query", "index/by-workspace", _scene(Scenes.announces)),
    ("Publisher", "dynamodb:Query", "", _scene(Scenes.announces)),
    ("Publisher", "lambda:InvokeFunction", "", _scene(Scenes.announces)),
    *_all_of("Deliveries", Scenes.sends, "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem"),
    *_all_of("Deliveries", Scenes.sends, "dynamodb:UpdateItem", "events:PutEvents"),
    ("Deliveries", "dynamodb:Query", "index/by-workspace", _scene(Scenes.sends)),
    ("Deliveries", "dynamodb:Query", "", _scene(Scenes.sends)),
    *_all_of(
        "Retention", Scenes.forgets, *(f"dynamodb:{verb}Item" for verb in ("Get", "BatchGet", "Update", "Delete"))
    ),
    *_all_of("Retention", Scenes.forgets, "dynamodb:BatchWriteItem", "dynamodb:Query", "s3:ListBucket"),
    *_all_of("Retention", Scenes.forgets, "s3:DeleteObject"),
    ("Retention", "dynamodb:Query", "index/by-check", _scene(Scenes.forgets)),
]
PROBES = [probe for _, _, _, probe in GRANTS]
_STREAM = (
    *(f"dynamodb:{action}" for action in ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")),
    "sqs:SendMessage",
    *("s3:PutObject", "s3:ListBucket"),  # for what cannot be taken
)
_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage")
UNCHECKED = {
    *(
        ("Reconciler", action) for action in _STREAM
    ),  # what Lambda itself does for a function, the emulator does unasked
    *(("Publisher", action) for action in _STREAM),
    *(("Dispatch", action) for action in _QUEUE),
    ("Dispatch", "s3:GetObject"),  # a repeated start reads the large input of the first
    ("Reconciler", "iam:PassRole"),
    ("EventingScheduler", "lambda:InvokeFunction"),
    ("EventingScheduler", "sqs:SendMessage"),
    ("Auth", "secretsmanager:GetSecretValue"),  # its workers remember the keys
    ("Advance", "sts:AssumeRole"),  # these remember credentials
    ("Integrations", "sts:AssumeRole"),
    *(("NodeRoles", action) for actions in (*ACTIONS.values(), ("bedrock:Converse",)) for action in actions),
    # which `test_aws_nodes` has tried, against what is granted and what is not
    ("ExecutionMachine", "lambda:InvokeFunction"),
    ("ExecutionMachine", "dynamodb:UpdateItem"),  # what the machines call themselves is not checked
    ("ExecutionDistributedMap", "lambda:InvokeFunction"),
    ("ExecutionDistributedMap", "dynamodb:UpdateItem"),  # the same as that of the other machine, in its map workers
    ("ExecutionDistributedMap", "states:StartExecution"),  # the children of a Map, which the emulator starts itself
    ("ExecutionDistributedMap", "states:DescribeExecution"),
    ("ExecutionDistributedMap", "states:StopExecution"),
}


def _name(part: str | Probe) -> str:
    return part if isinstance(part, str) else part.__name__.strip("<>")


def test_everything_works_with_all_grants(world: World):
    probes = {probe.__name__ if probe.__name__ != "<lambda>" else number: probe for number, probe in enumerate(PROBES)}

    assert {name: probe(world) for name, probe in probes.items()} == dict.fromkeys(probes, True)


@pytest.mark.parametrize(("function", "action", "resource", "probe"), GRANTS, ids=_name)
def test_action_fails_without_its_grant(world: World, function: str, action: str, resource: str, probe: Probe):
    world.patience = 0.8
    with without(world.stack, function, action, resource):
        assert probe(world) is False


def test_every_grant_of_the_template_is_tried(world: World):
    """But for those that the emulator does not check, and the signing keys of the function that remembers them."""
    iam = client_of(world.stack, "iam")
    granted = set()
    for name in (role["RoleName"] for role in iam.list_roles()["Roles"]):
        if not name.startswith("Mainspring-"):
            continue  # other tests have roles of their own
        function = name.removeprefix("Mainspring-").partition("Role")[0]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                checked = [action for action in actions if not action.startswith(("kms:", "logs:", "xray:"))]
                granted |= {(function, action) for action in checked}

    assert granted - UNCHECKED == {(function, action) for function, action, _, _ in GRANTS}
