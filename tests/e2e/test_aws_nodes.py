"""The nodes that call AWS, as a role that may do what the deployer has named and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.ids import FIRST_WORKSPACE
from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of, make_things
from tests.e2e.conftest import ACCOUNT, Caller, arn_of


@pytest.fixture(scope="module")
def things(stack: LocalStack) -> dict[str, str]:
    return make_things(stack)


def run(admin: Caller, node: str, value: Any = None, **config: Any) -> dict[str, Any]:
    return admin.run({"nodes": [{"id": "x", "type": node, "config": config}]}, value)


def ok(admin: Caller, node: str, value: Any = None, **config: Any) -> Any:
    done = run(admin, node, value, **config)
    assert done["status"] == "succeeded", done["error"]
    return done["result"]["x"]


def received(stack: LocalStack, url: str, message_id: str) -> dict[str, Any]:
    """A message of a queue that other tests send to, too; what is received is hidden for a while."""
    queues = client_of(stack, "sqs")
    while found := queues.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages"):
        for message in found:
            if message["MessageId"] == message_id:
                return dict(message)
    raise AssertionError(f"the queue has no message {message_id}")


def test_messages_and_events_are_sent(admin: Caller, stack: LocalStack, things: dict[str, Any]):
    url = things["queue reach"]
    sent = ok(
        admin, "sqs_send", {"n": 1}, queue_url=url, message={"order": "{{ trigger.body.n }}"}, attributes={"kind": "x"}
    )
    message = received(stack, url, sent["message_id"])
    assert json.loads(message["Body"]) == {"order": 1}
    assert message["MessageAttributes"]["kind"]["StringValue"] == "x"
    assert ok(admin, "sns_publish", topic_arn=things["topic reach"], message="hi", subject="s")["message_id"]
    assert ok(admin, "eventbridge_put", bus="reach", source="shop", detail_type="paid", detail={"a": 1})["event_id"]


def test_functions_and_machines_are_called(admin: Caller, stack: LocalStack, things: dict[str, Any]):
    assert ok(admin, "lambda_invoke", 7, function="reach", payload={"n": "{{ trigger.body }}"}) == {"got": {"n": 7}}
    assert ok(admin, "lambda_invoke", function=arn_of("lambda", "function:reach"), invocation="event") == {
        "accepted": True
    }
    failed = run(admin, "lambda_invoke", function="reach", payload="bad")["error"]
    assert (failed["code"], failed["message"]) == ("function_failed", "the function failed: it is bad")
    started = ok(admin, "step_functions_start", state_machine_arn=things["machine reach"], input={"a": 1})
    described = client_of(stack, "stepfunctions").describe_execution(executionArn=started["execution_arn"])
    assert json.loads(described["input"]) == {"a": 1}


def test_items_are_written_read_and_queried(admin: Caller, things: dict[str, Any]):
    item = {"id": "a", "n": 1, "total": 12.5, "tags": ["x"], "who": {"name": "ü"}}
    assert ok(admin, "dynamodb", item, operation="put", table="reach", item="{{ trigger.body }}") == {"item": None}
    assert ok(admin, "dynamodb", table="reach", key={"id": "a", "n": 1})["item"] == item
    ok(admin, "dynamodb", operation="put", table="reach", item={"id": "a", "n": 2})
    query = {"operation": "query", "table": "reach", "key_condition": "id = :id", "values": {":id": "a"}}
    page = ok(admin, "dynamodb", **query, limit=1)
    assert [one["n"] for one in page["items"]] == [1]
    rest = ok(admin, "dynamodb", page["next_cursor"], **query, cursor="{{ trigger.body }}")
    assert ([one["n"] for one in rest["items"]], rest["next_cursor"]) == ([2], None)
    update = {
        "operation": "update",
        "table": "reach",
        "key": {"id": "a", "n": 2},
        "update": "SET #t = :t",
        "values": {":t": 3},
        "names": {"#t": "total"},
    }
    assert ok(admin, "dynamodb", **update)["item"]["total"] == 3
    again = {
        "id": "x",
        "type": "dynamodb",
        "config": {
            "operation": "put",
            "table": "reach",
            "item": {"id": "a", "n": 2},
            "condition": "attribute_not_exists(id)",
        },
    }
    told = {"id": "seen", "type": "transform", "config": {"value": "there already"}}
    done = admin.run({"nodes": [again, told], "edges": [{"from": "x", "port": "conflict", "to": "seen"}]})
    assert done["result"] == {"seen": "there already"}
    assert ok(admin, "dynamodb", operation="delete", table="reach", key={"id": "a", "n": 2})["item"]["n"] == 2


@pytest.mark.parametrize(
    ("node", "config"),
    [
        ("sqs_send", {"queue_url": "{queue unnamed}", "message": "x"}),
        ("sns_publish", {"topic_arn": "{topic unnamed}", "message": "x"}),
        ("eventbridge_put", {"bus": "unnamed", "source": "x", "detail_type": "x"}),
        ("lambda_invoke", {"function": "unnamed"}),
        ("step_functions_start", {"state_machine_arn": "{machine unnamed}"}),
        ("dynamodb", {"table": "unnamed", "key": {"id": "a", "n": 1}}),
    ],
)
def test_resources_the_deployer_did_not_name_are_refused(
    admin: Caller, things: dict[str, Any], node: str, config: dict[str, Any]
):
    filled = {name: things.get(str(value).strip("{}"), value) for name, value in config.items()}
    error = run(admin, node, **filled)["error"]
    assert error["code"] == "not_granted", error
    assert "--resource" in error["message"]


@pytest.mark.parametrize(
    ("node", "config"),
    [
        ("sqs_send", {"queue_url": "{queue reach}", "message": "x"}),
        ("sns_publish", {"topic_arn": "{topic reach}", "message": "x"}),
        ("eventbridge_put", {"bus": "reach", "source": "x", "detail_type": "x"}),
        ("lambda_invoke", {"function": "reach"}),
        ("step_functions_start", {"state_machine_arn": "{machine reach}"}),
        ("dynamodb", {"table": "reach", "key": {"id": "a", "n": 1}}),
        ("email", {"to": ["ann@shop.example"], "from": "reports@shop.example", "subject": "x", "text": "x"}),
    ],
)
def test_resources_named_for_one_workspace_are_refused_in_another(
    other: Caller, things: dict[str, Any], node: str, config: dict[str, Any]
):
    filled = {name: things.get(str(value).strip("{}"), value) for name, value in config.items()}
    error = run(other, node, **filled)["error"]
    assert error["code"] == "not_granted", error
    assert "may use no resources of AWS" in error["message"]


def test_resources_of_the_platform_itself_are_refused(admin: Caller, stack: LocalStack):
    outputs = client_of(stack, "cloudformation").describe_stacks(StackName="Mainspring")["Stacks"][0]["Outputs"]
    own = {one["OutputKey"]: one["OutputValue"] for one in outputs}
    asked = [
        ("dynamodb", {"table": own["AutomationTable"], "key": {"PK": "x", "SK": "y"}}),
        (
            "dynamodb",
            {"operation": "query", "table": own["AutomationTable"], "key_condition": "PK = :p", "values": {":p": "x"}},
        ),
        ("lambda_invoke", {"function": own["SupervisorFunction"], "payload": {"recover": {}}}),
        ("sqs_send", {"queue_url": own["InboxUrl"], "message": "x"}),
        ("step_functions_start", {"state_machine_arn": own["StateMachineArn"]}),
        ("eventbridge_put", {"bus": own["EventBusName"], "source": "mainspring.x", "detail_type": "x"}),
    ]
    for node, config in asked:
        assert run(admin, node, **config)["error"]["code"] == "not_granted", node


def test_mail_is_sent_with_ses(admin: Caller, stack: LocalStack):
    client_of(stack, "ses").verify_email_identity(EmailAddress="reports@shop.example")
    mail = {
        "to": ["ann@shop.example"],
        "subject": "Report",
        "text": "Hi",
        "attachments": [{"name": "a.txt", "source": {"text": "x"}}],
    }
    assert ok(admin, "email", **mail, **{"from": "Reports <reports@shop.example>"})["recipients"] == [
        "ann@shop.example"
    ]
    assert run(admin, "email", **mail, **{"from": "other@shop.example"})["error"]["code"] in (
        "not_granted",
        "aws_MessageRejected",
    )


def test_aws_role_integration_is_assumed_with_its_id_as_external_id(
    admin: Caller, stack: LocalStack, things: dict[str, Any]
):
    iam = client_of(stack, "iam")
    outputs = client_of(stack, "cloudformation").describe_stacks(StackName="Mainspring")["Stacks"][0]["Outputs"]
    prefix = next(one["OutputValue"] for one in outputs if one["OutputKey"] == "NodeRolePrefix")
    reach = f"{prefix}{FIRST_WORKSPACE}"
    role = f"arn:aws:iam::{ACCOUNT}:role/customer"
    made = admin.ok(
        "POST", "/api/integrations", json={"name": "our account", "type": "aws_role", "config": {"role_arn": role}}
    )
    trust = {"Statement": [{
        "Effect": "Allow", "Principal": {"AWS": reach}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": made["id"]}},
    }]}  # fmt: skip
    iam.create_role(RoleName="customer", AssumeRolePolicyDocument=json.dumps(trust))
    allowed = {"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn_of("sqs", "unnamed")}]}
    iam.put_role_policy(RoleName="customer", PolicyName="p", PolicyDocument=json.dumps(allowed))
    assert "assumed" in admin.ok("POST", f"/api/integrations/{made['id']}/test")["message"]
    config = {"integration": "our account", "queue_url": things["queue unnamed"], "message": "x"}
    assert ok(admin, "sqs_send", **config)["message_id"]
    assert run(admin, "sqs_send", **{**config, "queue_url": things["queue reach"]})["error"]["code"] == "not_granted"
